"""Ways into the app: its own scheme, short https links, and a code to scan."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import quote, urlencode

import segno

from zhangban_cityapp import wire
from zhangban_cityapp.gateway import Gateway


class CityAppLinks:
    """contract.Links."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def deep_link(self, page: str, query: Mapping[str, str]) -> str:
        """`cityapp://…`, made without any call."""
        parts = {"page": page.lstrip("/"), "query": urlencode(query, quote_via=quote)}
        return f"cityapp://{self._gateway.app_id}/open?{urlencode(parts, quote_via=quote)}"

    async def url_link(self, page: str, query: Mapping[str, str]) -> str:
        """The app's server shortens it."""
        asked = wire.LinkAsked(page.lstrip("/"), dict(query))
        made = await self._gateway.post("link", "/v1/links", asked, wire.LinkMade, safe=True)
        return made.link

    async def code_image(self, page: str, query: Mapping[str, str], label: str) -> bytes:
        """A QR code of the short link, as PNG; `label` is for channels that print one."""
        del label
        picture = io.BytesIO()
        segno.make_qr(await self.url_link(page, query)).save(picture, kind="png", scale=8)
        return picture.getvalue()
