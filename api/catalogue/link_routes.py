"""How an item is opened in a channel's app: links for messages and pages, a code to scan."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get
from litestar.di import NamedDependency

from api.access import public
from api.answers import public_answer
from api.cache import Cache
from api.catalogue.link_schemas import ItemLink
from api.catalogue.make_links import make_code, make_link
from api.catalogue.routes import Code, load_guide, name_of
from api.channels import ChannelCannot, ChannelRefused, Channels, ChannelUnavailable, ChannelUnknown
from api.database import Database
from api.errors import ServiceWithdrawn
from api.files import Files
from api.kinds import demand_text, path_text
from api.problems import problems
from api.settings import Settings

LINK_SECONDS = 3600
CODE_SECONDS = 86_400

Channel = Annotated[str, path_text(40, "the channel's name", "wechat")]


@get(
    "/{service_code:str}/links/{channel:str}",
    guards=[public],
    responses=problems(
        ChannelUnknown, ServiceWithdrawn, ChannelCannot, ChannelRefused, ChannelUnavailable
    ),
    summary="Ways to open an item in an app",
)
async def item_link(
    service_code: Code,
    channel: Channel,
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    channels: NamedDependency[Channels],
) -> Response[ItemLink]:
    """A deep link for those who have the app, an https link for everybody, a code's address."""
    demand_text(channel, 40, ChannelUnknown())
    await load_guide(database, cache, settings, service_code, None)
    link = await make_link(database, channels, service_code, channel)
    return public_answer(link, max_age_seconds=LINK_SECONDS)


@get(
    "/{service_code:str}/codes/{channel:str}",
    guards=[public],
    responses=problems(
        ChannelUnknown, ServiceWithdrawn, ChannelCannot, ChannelRefused, ChannelUnavailable
    ),
    summary="A code to scan that opens the item",
    media_type="application/octet-stream",
)
async def item_code(
    service_code: Code,
    channel: Channel,
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    channels: NamedDependency[Channels],
    files: NamedDependency[Files],
) -> Response[bytes]:
    """A picture (PNG or JPEG) for posters and counters; it does not expire."""
    demand_text(channel, 40, ChannelUnknown())
    guide = await load_guide(database, cache, settings, service_code, None)
    image, media_type = await make_code(
        database, files, channels, service_code, name_of(guide), channel
    )
    return Response(
        image,
        media_type=media_type,
        headers={"Cache-Control": f"public, max-age={CODE_SECONDS}"},
    )


link_router = Router("/v1/services", route_handlers=[item_link, item_code], tags=["catalogue"])
