"""One citizen, several channels: an account is added, joined or taken away."""

from __future__ import annotations

from adapters.contract import ChannelIdentity
from api.channels import Channels, able
from api.citizens import queries
from api.citizens.ask_channel import ask_channel
from api.citizens.merge_citizens import lock_pair, merge_citizens
from api.citizens.note_own import note_own
from api.citizens.rows import CitizenRow
from api.citizens.schemas import SignInBody
from api.citizens.sealed import hold_person, open_id_purpose
from api.citizens.sign_in import add_link
from api.database import Database
from api.errors import Conflict, NotFound, Unauthorized
from api.sessions import revoke_sessions_of
from api.statements import Connection
from api.vault import Vault


class ChannelTaken(Conflict):
    """该渠道账号已属于另一位实名用户，请先完成本账号的实名认证再关联。"""

    code = "channel_taken"
    english = (
        "That account belongs to a verified person. Verify your identity here first, "
        "then link it again."
    )


class ChannelLinked(Conflict):
    """您已关联了该渠道的另一个账号，请先解除关联。"""

    code = "channel_linked"
    english = "You have linked another account of that channel. Unlink that one first."


class LastChannel(Conflict):
    """这是您最后一个登录渠道，不能解除关联。"""

    code = "last_channel"
    english = "This is the only channel by which you can sign in. It cannot be unlinked."


async def link_channel(
    database: Database, vault: Vault, channels: Channels, citizen_id: str, body: SignInBody
) -> CitizenRow:
    """Add the account that the code proves; another record that it belonged to is joined.

    Raises what signing in raises, ChannelTaken, ChannelLinked and CitizensDiffer.
    """
    channel = channels.named(body.channel)
    identity = await ask_channel(able(channel.sign_in).sign_in(body.code))

    async def decide(connection: Connection) -> CitizenRow:
        await _join(connection, vault, citizen_id, body.channel, identity)
        return await demand_citizen(connection, citizen_id)

    return await database.decide(decide)


async def unlink_channel(database: Database, citizen_id: str, channel: str) -> None:
    """Take a channel's account away, and end the sessions that came by it.

    Raises NotFound where it is not linked, LastChannel.
    """

    async def decide(connection: Connection) -> None:
        if not await queries.lock_citizens(connection, citizen_ids=[citizen_id]):
            raise Unauthorized()
        linked = {
            link.channel for link in await queries.list_links(connection, citizen_id=citizen_id)
        }
        if channel not in linked:
            raise NotFound()
        if linked == {channel}:
            raise LastChannel()
        await queries.remove_links(connection, citizen_id=citizen_id, channel=channel)
        await revoke_sessions_of(connection, "citizen", citizen_id, channel)
        await note_own(connection, citizen_id, "channel_unlinked", channel=channel)

    await database.decide(decide)


async def demand_citizen(connection: Connection, citizen_id: str) -> CitizenRow:
    """The living record behind a proven token. Raises Unauthorized where it has gone since."""
    row = await queries.find_citizen(connection, citizen_id=citizen_id)
    if row is None:
        raise Unauthorized()
    return row


async def _join(
    connection: Connection, vault: Vault, citizen_id: str, channel: str, identity: ChannelIdentity
) -> None:
    indexes = await hold_person(connection, vault, identity.open_id, open_id_purpose(channel))
    link = await queries.find_link(
        connection, channel=channel, app_id=identity.app_id, indexes=indexes
    )
    if link is not None and link.citizen_id == citizen_id:
        return
    if link is None:
        if not await queries.lock_citizens(connection, citizen_ids=[citizen_id]):
            raise Unauthorized()
        await _demand_free(connection, citizen_id, channel)
        await add_link(connection, vault, citizen_id, channel, identity)
        return
    pair = await lock_pair(connection, citizen_id, link.citizen_id)
    if pair is None:
        raise Unauthorized()
    kept, gone = pair
    if gone.id_number_sealed is not None and kept.id_number_sealed is None:
        # Whoever holds two phones for a moment does not become the other's verified self.
        raise ChannelTaken()
    await merge_citizens(connection, vault, kept, gone)


async def _demand_free(connection: Connection, citizen_id: str, channel: str) -> None:
    for link in await queries.list_links(connection, citizen_id=citizen_id):
        if link.channel == channel:
            raise ChannelLinked()
