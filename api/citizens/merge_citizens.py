"""Two records turn out to be one person: one of them takes over what is the other's."""

from __future__ import annotations

from api.audit import note
from api.citizens import queries
from api.citizens.rows import LockedCitizen
from api.citizens.schemas import LEVELS
from api.citizens.sealed import (
    open_id_number,
    open_name,
    open_phone,
    seal_id_number,
    seal_name,
    seal_phone,
)
from api.errors import Conflict
from api.events import publish
from api.facts import CitizensMerged
from api.sessions import revoke_sessions_of
from api.statements import Connection
from api.vault import Vault


class CitizensDiffer(Conflict):
    """两个账号的实名信息不同，不能合并。"""

    code = "citizens_differ"
    english = "The two accounts have been verified as different people. They cannot be joined."


async def lock_pair(
    connection: Connection, first: str, second: str
) -> tuple[LockedCitizen, LockedCitizen] | None:
    """Both records, kept from changing; None where one of them has gone meanwhile."""
    rows = await queries.lock_citizens(connection, citizen_ids=[first, second])
    found = {row.citizen_id: row for row in rows}
    return (found[first], found[second]) if len(found) == 2 else None


async def merge_citizens(
    connection: Connection, vault: Vault, kept: LockedCitizen, gone: LockedCitizen
) -> None:
    """Everything of `gone` becomes `kept`'s, in the caller's transaction. Both are locked.

    Raises CitizensDiffer where both have been verified, and not as the same person.
    """
    _demand_same_person(vault, kept, gone)
    pair = {"kept": kept.citizen_id, "gone": gone.citizen_id}
    await queries.retire_citizen(connection, **pair)
    await queries.follow_merged(connection, **pair)
    await _take_over_profile(connection, vault, kept, gone)
    await queries.move_links(connection, **pair)
    await queries.move_checks(connection, **pair)
    await queries.move_access_log(connection, **pair)
    await queries.end_authorities_between(connection, **pair)
    await queries.end_double_authorities(connection, **pair)
    await queries.move_authorities(connection, **pair)
    await queries.move_memberships(connection, **pair)
    await queries.end_memberships_of(connection, citizen_id=gone.citizen_id)
    await revoke_sessions_of(connection, "citizen", gone.citizen_id)
    await note(
        connection,
        actor=f"citizen:{kept.citizen_id}",
        action="citizen.merged",
        subject=f"citizen:{kept.citizen_id}",
        details={"gone": gone.citizen_id},
    )
    await publish(connection, CitizensMerged(**pair))


def _demand_same_person(vault: Vault, one: LockedCitizen, other: LockedCitizen) -> None:
    mine = open_id_number(vault, one.citizen_id, one.id_number_sealed)
    theirs = open_id_number(vault, other.citizen_id, other.id_number_sealed)
    if mine is not None and theirs is not None and mine != theirs:
        raise CitizensDiffer()


async def _take_over_profile(
    connection: Connection, vault: Vault, kept: LockedCitizen, gone: LockedCitizen
) -> None:
    number = open_id_number(vault, gone.citizen_id, gone.id_number_sealed)
    name = open_name(vault, gone.citizen_id, gone.name_sealed)
    if number is not None and name is not None:
        higher = max(kept, gone, key=lambda c: LEVELS.index(c.assurance_level))
        await queries.store_identity(
            connection,
            citizen_id=kept.citizen_id,
            name_sealed=seal_name(vault, kept.citizen_id, name),
            id_number_sealed=seal_id_number(vault, kept.citizen_id, number),
            id_number_index=vault.index(number, purpose="id_number"),
            assurance_level=higher.assurance_level,
            verified_at=higher.verified_at,
        )
    phone = open_phone(vault, gone.citizen_id, gone.phone_sealed)
    if kept.phone_sealed is None and phone is not None:
        sealed = seal_phone(vault, kept.citizen_id, phone)
        await queries.store_phone(connection, citizen_id=kept.citizen_id, phone_sealed=sealed)
