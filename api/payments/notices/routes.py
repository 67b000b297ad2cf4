"""What channels tell of money. Proven on the raw bytes before anything else; acknowledged
after the commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from litestar import Request, Response, Router, post
from litestar.di import NamedDependency
from msgspec import Struct

from adapters.contract import Inbound, NoticeRefused, Reply
from api.access import public
from api.channels import ChannelCannot, ChannelUnknown
from api.errors import NotFound
from api.kinds import demand_text, path_text
from api.payments.notices.gather_notices import NoticeGatherer
from api.payments.notices.take_notice import count_refused, take_notice
from api.payments.refusals import NoticeUnproven
from api.problems import problems

ChannelPath = Annotated[str, path_text(40, "the channel's name", "wechat")]


class Pushes(Struct, frozen=True):
    """Who takes what a channel tells of messages; `take` raises a 4xx Problem where it is not
    proven."""

    take: Callable[[str, Inbound], Awaitable[Reply]]


@post(
    "/{channel:str}/payments",
    guards=[public],
    status_code=200,
    responses=problems(NotFound, NoticeUnproven),
    summary="A channel tells what became of a payment",
    media_type="text/plain",
)
async def payment_notice(
    channel: ChannelPath,
    request: Request[Any, Any, Any],
    gatherer: NamedDependency[NoticeGatherer],
) -> Response[bytes]:
    """The answer is the channel's own word for yes or no."""
    return await _take(gatherer, channel, await _inbound(request))


@post(
    "/{channel:str}/refunds",
    guards=[public],
    status_code=200,
    responses=problems(NotFound, NoticeUnproven),
    summary="A channel tells what became of a refund",
    media_type="text/plain",
)
async def refund_notice(
    channel: ChannelPath,
    request: Request[Any, Any, Any],
    gatherer: NamedDependency[NoticeGatherer],
) -> Response[bytes]:
    """The answer is the channel's own word for yes or no."""
    return await _take(gatherer, channel, await _inbound(request))


@post(
    "/{channel:str}",
    guards=[public],
    status_code=200,
    responses=problems(NotFound, NoticeUnproven),
    summary="A channel with one address for everything tells something",
    media_type="text/plain",
)
async def any_notice(
    channel: ChannelPath,
    request: Request[Any, Any, Any],
    gatherer: NamedDependency[NoticeGatherer],
    pushes: NamedDependency[Pushes],
) -> Response[bytes]:
    """Payments, refunds, and the gateway's messages, told apart by what proves them."""
    inbound = await _inbound(request)
    if b"msg_method=" in inbound.body:
        return _say(await pushes.take(channel, inbound))
    return await _take(gatherer, channel, inbound)


async def _inbound(request: Request[Any, Any, Any]) -> Inbound:
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.scope["headers"]}
    return Inbound(request.method, request.url.query, headers, await request.body())


async def _take(gatherer: NoticeGatherer, channel: str, inbound: Inbound) -> Response[bytes]:
    demand_text(channel, 40, NotFound())
    try:
        return _say(await take_notice(gatherer, channel, inbound))
    except (ChannelUnknown, ChannelCannot):
        raise NotFound() from None
    except NoticeRefused as refused:
        count_refused(channel, refused)
        # Who only reads the body hears the channel's own word as well.
        no = gatherer.till.payments(channel).acknowledge(False)
        return Response(no.body, status_code=401, media_type=no.media_type)


def _say(reply: Reply) -> Response[bytes]:
    return Response(reply.body, status_code=reply.status, media_type=reply.media_type)


notice_router = Router(
    "/v1/notices",
    route_handlers=[payment_notice, refund_notice, any_notice],
    tags=["payments"],
)
