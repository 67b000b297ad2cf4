"""Sessions and "me" over HTTP: sign in, who one is, and the rights over one's own data."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.access import Caller, citizen, public
from api.answers import private_answer
from api.channels import (
    ChannelCannot,
    ChannelRefused,
    Channels,
    ChannelUnavailable,
    ChannelUnknown,
)
from api.citizens import queries
from api.citizens.ask_channel import LoginCodeWrong
from api.citizens.check_identity import TooManyChecks, begin_check, follow_check
from api.citizens.erase_citizen import OpenCases, erase_citizen
from api.citizens.export_citizen import Export, export_citizen
from api.citizens.link_channels import ChannelTaken, LastChannel, link_channel, unlink_channel
from api.citizens.schemas import (
    AccessNote,
    Citizen,
    IdentityCheckAnswer,
    IdentityCheckBody,
    MaskedPhone,
    PhoneBody,
    Profile,
    ProfilePatch,
    SignedIn,
    SignInBody,
)
from api.citizens.show_profile import change_profile, show_profile, take_phone
from api.citizens.sign_in import shape_citizen, sign_in
from api.database import Database
from api.errors import NotFound, Unauthorized, ValidationFailed
from api.kinds import demand_code, demand_text, path_code, path_text
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.sessions import Revocations, Tokens, revoke_session
from api.settings import Settings
from api.vault import Vault

_NEWEST = 2**62

CheckId = Annotated[
    str, path_code(32, "a check's id", "0193bd0000000123456789abcdef0123", "0-9a-f")
]
LinkedName = Annotated[str, path_text(32, "a channel's name", "wechat")]


@post(
    "/sessions",
    guards=[public],
    responses=problems(
        ValidationFailed,
        LoginCodeWrong,
        ChannelUnknown,
        ChannelCannot,
        ChannelRefused,
        ChannelUnavailable,
    ),
    summary="Sign in through a channel",
)
async def start_session(
    data: JSONBody[SignInBody],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
    tokens: NamedDependency[Tokens],
    settings: NamedDependency[Settings],
) -> Response[SignedIn]:
    """The code that the app's sign-in gave. Whoever comes for the first time gets a record."""
    answer = await sign_in(database, vault, channels, tokens, settings, data)
    return private_answer(answer, status=201)


@delete("/sessions/current", guards=[citizen], responses=problems(Unauthorized), summary="Sign out")
async def end_session(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    revocations: NamedDependency[Revocations],
) -> None:
    """The token is worth nothing from now on, in every process."""
    session_id = caller.session_id or ""
    async with database.transaction() as connection:
        await revoke_session(connection, session_id)
    revocations.note(session_id)


@get("/me", guards=[citizen], responses=problems(Unauthorized), summary="Who one is")
async def me(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[Profile]:
    """The profile, masked, with preferences and the elder view."""
    return private_answer(await database.read(lambda c: show_profile(c, vault, caller.owner)))


@patch(
    "/me",
    guards=[citizen],
    responses=problems(ValidationFailed, Unauthorized),
    summary="Change preferences",
)
async def change_me(
    data: JSONBody[ProfilePatch],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[Profile]:
    """What is named changes; what is absent or null stays."""
    return private_answer(await change_profile(database, vault, caller.owner, data))


@post(
    "/me/phone",
    guards=[citizen],
    responses=problems(
        ValidationFailed, LoginCodeWrong, ChannelUnknown, ChannelCannot, ChannelRefused
    ),
    summary="Take the phone number from the channel",
    status_code=200,
)
async def take_my_phone(
    data: JSONBody[PhoneBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
) -> Response[MaskedPhone]:
    """What the phone button gave: the code, or the signed envelope as text."""
    return private_answer(await take_phone(database, vault, channels, caller.owner, data))


@post(
    "/me/identity-checks",
    guards=[citizen],
    responses=problems(
        ValidationFailed, Unauthorized, ChannelUnknown, ChannelCannot, ChannelRefused, TooManyChecks
    ),
    summary="Begin a real-name check",
)
async def check_me(
    data: JSONBody[IdentityCheckBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
) -> Response[IdentityCheckAnswer]:
    """Give `client_parameters` to the app's verification, then ask for the check's outcome."""
    answer = await begin_check(
        database, vault, channels, caller.owner, caller.session_id or "", data
    )
    return private_answer(answer, status=201)


@get(
    "/me/identity-checks/{check_id:str}",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound, ChannelUnavailable),
    summary="What became of a real-name check",
)
async def my_check(
    check_id: CheckId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
) -> Response[IdentityCheckAnswer]:
    """Asks the channel while the check is pending; a pass raises `assurance_level`."""
    demand_code(check_id, 32, NotFound())
    return private_answer(await follow_check(database, vault, channels, caller.owner, check_id))


@post(
    "/me/channels",
    guards=[citizen],
    responses=problems(
        ValidationFailed, LoginCodeWrong, ChannelUnknown, ChannelTaken, ChannelRefused
    ),
    summary="Link another channel",
)
async def link_my_channel(
    data: JSONBody[SignInBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
) -> Response[Citizen]:
    """One citizen, one set of cases. A record that the account had of its own is joined."""
    row = await link_channel(database, vault, channels, caller.owner, data)
    return private_answer(shape_citizen(row, vault), status=201)


@delete(
    "/me/channels/{channel:str}",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound, LastChannel),
    summary="Unlink a channel",
)
async def unlink_my_channel(
    channel: LinkedName, caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> None:
    """The sessions that came by it end. The last channel stays."""
    demand_text(channel, 32, NotFound())
    await unlink_channel(database, caller.owner, channel)


@get(
    "/me/export",
    guards=[citizen],
    responses=problems(Unauthorized),
    summary="Everything held about oneself",
)
async def export_me(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[Export]:
    """Unmasked and whole, cases and their forms included; noted in the access log."""
    return private_answer(
        await export_citizen(database, vault, caller.owner),
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": 'attachment; filename="export.json"',
        },
    )


@delete(
    "/me",
    guards=[citizen],
    responses=problems(Unauthorized, OpenCases),
    summary="Be forgotten",
)
async def erase_me(caller: NamedDependency[Caller], database: NamedDependency[Database]) -> None:
    """Ends the account: personal values go, finished cases stay as the law bids, unnamed."""
    await erase_citizen(database, caller.owner)


@get(
    "/me/access-log",
    guards=[citizen],
    responses=problems(Unauthorized),
    summary="Who read one's personal data",
)
async def my_access_log(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[AccessNote]]:
    """The newest first; kept for more than a year."""
    of = cursors.of("access-log", caller.owner)
    before = of.read(cursor, int, _NEWEST)
    rows = await database.read(
        lambda c: queries.list_access(c, citizen_id=caller.owner, before=before, limit=limit + 1)
    )
    return private_answer(of.cut(rows, limit, lambda row: row, lambda row: row.access_id))


router = Router(
    "/v1",
    route_handlers=[
        start_session,
        end_session,
        me,
        change_me,
        take_my_phone,
        check_me,
        my_check,
        link_my_channel,
        unlink_my_channel,
        export_me,
        erase_me,
        my_access_log,
    ],
    tags=["citizens"],
)
