"""Messages over HTTP: what somebody was told, what they want to be told, what channels report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from adapters.contract import Inbound, MessageNews, Messages, NoticeRefused, Reply
from api.access import Caller, citizen, public
from api.answers import private_answer
from api.channels import Channels
from api.database import Database
from api.errors import NotFound, Unauthorized, ValidationFailed, wants_english
from api.kinds import demand_text, path_text
from api.messages import queries
from api.messages.rows import ConsentRow, MessageRow
from api.messages.schemas import MessageAnswer, Subscription, SubscriptionBody
from api.messages.words import WORDS
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.statements import Connection
from api.vault import Vault

_NEWEST = "~"

ChannelPath = Annotated[str, path_text(40, "the channel's name", "wechat")]


class NoticeUnproven(Unauthorized):
    """通知未通过验证。"""

    code = "notice_unproven"
    english = "The notice is not proven to be the channel's."


@get("/me/messages", guards=[citizen], responses=problems(Unauthorized), summary="My messages")
async def my_messages(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[MessageAnswer]]:
    """Every message with what became of it in the channel, the newest first."""
    of = cursors.of("messages", caller.owner)
    before = of.read(cursor, str, _NEWEST)
    rows = await database.read(
        lambda c: queries.list_messages(c, citizen_id=caller.owner, before=before, limit=limit + 1)
    )
    english = wants_english(request.headers.get("accept-language", ""))
    return private_answer(
        of.cut(rows, limit, lambda row: _answer(row, english), lambda row: row.message_id)
    )


@get(
    "/subscriptions",
    guards=[citizen],
    responses=problems(Unauthorized),
    summary="What can be told, and what is wanted",
)
async def subscriptions(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    channels: NamedDependency[Channels],
) -> Response[Page[Subscription]]:
    """Every kind of every channel with the template the app asks consent for; one page."""
    said = await database.read(lambda c: queries.list_consents(c, citizen_id=caller.owner))
    return private_answer(Page(_list_kinds(channels, said), None))


@post(
    "/subscriptions",
    guards=[citizen],
    status_code=200,
    responses=problems(Unauthorized, ValidationFailed, NotFound),
    summary="Say what to be told",
)
async def subscribe(
    data: JSONBody[SubscriptionBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    channels: NamedDependency[Channels],
) -> Response[Page[Subscription]]:
    """Notes the answers the app got; saying it again changes nothing."""
    _messages_of(channels, data.channel)
    wishes = {wish.kind: wish.wanted for wish in data.wishes}
    async with database.transaction() as connection:
        await queries.store_consents(
            connection,
            citizen_id=caller.owner,
            channel=data.channel,
            kinds=list(wishes),
            wanted=list(wishes.values()),
        )
        said = await queries.list_consents(connection, citizen_id=caller.owner)
    return private_answer(Page(_list_kinds(channels, said), None))


@get(
    "/notices/{channel:str}/messages",
    guards=[public],
    responses=problems(NotFound, Unauthorized),
    summary="A channel proves our address",
    media_type="text/plain",
)
async def prove_address(
    channel: ChannelPath, request: Request[Any, Any, Any], channels: NamedDependency[Channels]
) -> Response[bytes]:
    """Answers the channel's question whether this address is ours."""
    _, reply = _read_push(channel, await _inbound(request), channels)
    return _say(reply)


@post(
    "/notices/{channel:str}/messages",
    guards=[public],
    status_code=200,
    responses=problems(NotFound, Unauthorized),
    summary="A channel tells what became of messages",
    media_type="text/plain",
)
async def accept_push(
    channel: ChannelPath,
    request: Request[Any, Any, Any],
    channels: NamedDependency[Channels],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[bytes]:
    """Delivery results and changed consent. Proven on the raw bytes before anything else."""
    take_push = push_taker(database, vault, channels)
    return _say(await take_push(channel, await _inbound(request)))


def push_taker(
    database: Database, vault: Vault, channels: Channels
) -> Callable[[str, Inbound], Awaitable[Reply]]:
    """Takes a push at whatever address it came. Raises NotFound, NoticeUnproven."""

    async def take_push(channel: str, inbound: Inbound) -> Reply:
        news, reply = _read_push(channel, inbound, channels)
        if news:
            async with database.transaction() as connection:
                for item in news:
                    await _note(connection, channel, item, vault)
        return reply

    return take_push


async def _inbound(request: Request[Any, Any, Any]) -> Inbound:
    headers = dict(request.headers.items())
    return Inbound(request.method, request.url.query, headers, await request.body())


def _say(reply: Reply) -> Response[bytes]:
    return Response(reply.body, status_code=reply.status, media_type=reply.media_type)


def _read_push(
    channel: str, inbound: Inbound, channels: Channels
) -> tuple[list[MessageNews], Reply]:
    try:
        return _messages_of(channels, channel).read_push(inbound)
    except NoticeRefused:
        raise NoticeUnproven() from None


async def _note(connection: Connection, channel: str, item: MessageNews, vault: Vault) -> None:
    if item.event in ("subscribed", "unsubscribed"):
        if item.kind is not None:
            await queries.store_consent_of_person(
                connection,
                channel=channel,
                open_id_indexes=vault.indexes(item.open_id, purpose=f"open_id:{channel}"),
                kind=item.kind,
                wanted=item.event == "subscribed",
            )
    elif item.channel_message_id is not None:
        about = {"channel": channel, "channel_message_id": item.channel_message_id}
        said = {"status": item.event, "reason": item.reason}
        await queries.hold_report(connection, **about)
        if await queries.note_delivery(connection, **about, **said) is None:
            # It overtook the answer to the sending, which takes it up.
            await queries.keep_report(connection, **about, **said)


def _messages_of(channels: Channels, name: str) -> Messages:
    demand_text(name, 40, NotFound())
    messages = channels.named(name).messages
    if messages is None:
        raise NotFound()
    return messages


def _list_kinds(channels: Channels, said: list[ConsentRow]) -> list[Subscription]:
    wanted = {(row.channel, row.kind): row.wanted for row in said}
    return [
        Subscription(channel.name, kind, template_id, wanted.get((channel.name, kind)))
        for channel in channels.all()
        if channel.messages is not None
        for kind, template_id in sorted(channel.messages.kinds().items())
    ]


def _answer(row: MessageRow, english: bool) -> MessageAnswer:
    words = WORDS[row.type]
    title = words.english if english else words.title
    return MessageAnswer(
        row.message_id,
        words.kind,
        title,
        f"{row.service_name}：{row.note or title}",
        row.case_no,
        row.channel,
        row.status,  # type: ignore[arg-type]
        row.reason,
        row.created_at,
        row.sent_at,
    )


router = Router(
    "/v1",
    route_handlers=[my_messages, subscriptions, subscribe, prove_address, accept_push],
    tags=["messages"],
)
