"""An item's ways into a channel's app, made by the channel once and kept.

Channels allow so many links and codes a day: what was made is kept in PostgreSQL and the
file store, so that neither a lost cache nor somebody who asks again and again costs any.
"""

from __future__ import annotations

from adapters.contract import ChannelError, Links
from api.catalogue import queries
from api.catalogue.link_schemas import ItemLink
from api.catalogue.rows import ItemLinkRow
from api.catalogue.show_guide import MINI_PROGRAM_PAGE
from api.channels import Channels, able, as_problem
from api.database import Database
from api.files import Files, sniff_media_type

# WeChat's https links hold for 30 days: a new one is made while the old one still has some.
URL_LINK_DAYS = 20


async def make_link(
    database: Database, channels: Channels, service_code: str, channel: str
) -> ItemLink:
    """Raises ChannelUnknown, ChannelCannot, ChannelRefused and ChannelUnavailable."""
    links = able(channels.named(channel).links)
    query = {"service_code": service_code}
    kept = await _find(database, service_code, channel)
    url_link = kept.url_link if kept is not None and kept.fresh else None
    if url_link is None:
        try:
            url_link = await links.url_link(MINI_PROGRAM_PAGE, query)
        except ChannelError as error:
            raise as_problem(error) from None
        async with database.connection() as connection:
            await queries.store_url_link(
                connection, service_code=service_code, channel=channel, url_link=url_link
            )
    return ItemLink(
        channel,
        f"{MINI_PROGRAM_PAGE}?service_code={service_code}",
        links.deep_link(MINI_PROGRAM_PAGE, query),
        url_link,
        f"/v1/services/{service_code}/codes/{channel}",
    )


async def make_code(
    database: Database, files: Files, channels: Channels, service_code: str, name: str, channel: str
) -> tuple[bytes, str]:
    """The picture's bytes and media type. Raises as `make_link` does."""
    links = able(channels.named(channel).links)
    kept = await _find(database, service_code, channel)
    if kept is not None and kept.code_sha256 and kept.code_media_type:
        return await files.read(kept.code_sha256), kept.code_media_type
    image = await _draw(links, service_code, name)
    media_type = sniff_media_type(image)
    sha256 = await files.keep(image)
    async with database.connection() as connection:
        await queries.store_code_image(
            connection,
            service_code=service_code,
            channel=channel,
            code_digest=sha256,
            code_media_type=media_type,
        )
    return image, media_type


async def _draw(links: Links, service_code: str, name: str) -> bytes:
    try:
        return await links.code_image(MINI_PROGRAM_PAGE, {"service_code": service_code}, name)
    except ChannelError as error:
        raise as_problem(error) from None


async def _find(database: Database, service_code: str, channel: str) -> ItemLinkRow | None:
    return await database.read(
        lambda c: queries.find_item_link(
            c, service_code=service_code, channel=channel, days=URL_LINK_DAYS
        )
    )
