"""Where citizens' sealed values stand, in one spelling; and how a person is looked for."""

from __future__ import annotations

from api.citizens import queries
from api.privacy import mask_name
from api.statements import Connection
from api.vault import INDEX_KEY_BYTES, Vault

_NUMBER_BYTES = 8


def seal_name(vault: Vault, citizen_id: str, name: str) -> bytes:
    return vault.seal(name, table="citizens", column="name_sealed", row=citizen_id)


def open_name(vault: Vault, citizen_id: str, sealed: bytes | None) -> str | None:
    return _open(vault, sealed, "citizens", "name_sealed", citizen_id)


def masked_name(vault: Vault, citizen_id: str, sealed: bytes | None) -> str | None:
    name = open_name(vault, citizen_id, sealed)
    return None if name is None else mask_name(name)


def seal_id_number(vault: Vault, citizen_id: str, number: str) -> bytes:
    return vault.seal(number, table="citizens", column="id_number_sealed", row=citizen_id)


def open_id_number(vault: Vault, citizen_id: str, sealed: bytes | None) -> str | None:
    return _open(vault, sealed, "citizens", "id_number_sealed", citizen_id)


def seal_phone(vault: Vault, citizen_id: str, phone: str) -> bytes:
    return vault.seal(phone, table="citizens", column="phone_sealed", row=citizen_id)


def open_phone(vault: Vault, citizen_id: str, sealed: bytes | None) -> str | None:
    return _open(vault, sealed, "citizens", "phone_sealed", citizen_id)


def seal_open_id(vault: Vault, link_id: str, open_id: str) -> bytes:
    return vault.seal(open_id, table="channel_links", column="open_id_sealed", row=link_id)


def open_open_id(vault: Vault, link_id: str, sealed: bytes) -> str:
    return vault.open_text(sealed, table="channel_links", column="open_id_sealed", row=link_id)


def seal_union_id(vault: Vault, link_id: str, union_id: str) -> bytes:
    return vault.seal(union_id, table="channel_links", column="union_id_sealed", row=link_id)


def seal_check(vault: Vault, check_id: str, name: str, number: str) -> tuple[bytes, bytes]:
    """Name and number of an identity check."""
    return (
        vault.seal(name, table="identity_checks", column="name_sealed", row=check_id),
        vault.seal(number, table="identity_checks", column="id_number_sealed", row=check_id),
    )


def open_check(
    vault: Vault, check_id: str, name: bytes | None, number: bytes | None
) -> tuple[str, str]:
    """Name and number again, while the check is not finished."""
    return (
        _open(vault, name, "identity_checks", "name_sealed", check_id) or "",
        _open(vault, number, "identity_checks", "id_number_sealed", check_id) or "",
    )


def open_id_purpose(channel: str) -> str:
    """What the blind index of an account is made for."""
    return f"open_id:{channel}"


async def hold_person(
    connection: Connection, vault: Vault, value: str, purpose: str
) -> list[bytes]:
    """Every index the person may stand under; nobody else looks for them meanwhile.

    The lock goes by the oldest index, which all processes agree on whatever they seal with.
    """
    await vault.freshen(connection)
    indexes = vault.indexes(value, purpose=purpose)
    oldest = min(indexes)
    digest = oldest[INDEX_KEY_BYTES : INDEX_KEY_BYTES + _NUMBER_BYTES]
    await queries.lock_person(connection, number=int.from_bytes(digest, "big", signed=True))
    return indexes


def _open(vault: Vault, sealed: bytes | None, table: str, column: str, row: str) -> str | None:
    if sealed is None:
        return None
    return vault.open_text(sealed, table=table, column=column, row=row)
