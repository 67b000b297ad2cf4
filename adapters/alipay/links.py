"""Ways into the mini-program: `alipays:` links, their https envelope, and codes to scan.

In a link every level is url-encoded by itself: without that only the first parameter
arrives. Sources: "小程序 URL scheme"; alipay.open.app.qrcode.create.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from adapters.alipay import wire
from adapters.alipay.gateway import Gateway
from adapters.contract import Unreachable

_WEB_ENVELOPE = "https://ds.alipay.com/"
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


class AlipayLinks:
    """`page` is a path inside the mini-program, with or without a slash in front."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def deep_link(self, page: str, query: Mapping[str, str]) -> str:
        """`alipays://platformapi/startapp?…`; the parameters reach the page and the app."""
        asked = urlencode(query, quote_via=quote)
        inside = f"{page.lstrip('/')}?{asked}" if asked else page.lstrip("/")
        link = (
            f"alipays://platformapi/startapp?appId={self._gateway.config.app_id}"
            f"&page={quote(inside, safe='')}"
        )
        return f"{link}&query={quote(asked, safe='')}" if asked else link

    async def url_link(self, page: str, query: Mapping[str, str]) -> str:
        """The same behind https, for text messages and web pages; made without a call."""
        return f"{_WEB_ENVELOPE}?scheme={quote(self.deep_link(page, query), safe='')}"

    async def code_image(self, page: str, query: Mapping[str, str], label: str) -> bytes:
        """The code's picture; Alipay gives an address, and we what is there."""
        code = await self._gateway.call(
            "alipay.open.app.qrcode.create",
            wire.CreateCode(
                url_param=page.lstrip("/"),
                query_param=urlencode(query, quote_via=quote),
                describe=label[:32],
            ),
            wire.Code,
        )
        picture = await self._gateway.fetch("code_image", code.qr_code_url)
        if not picture.startswith(_PICTURES):
            raise Unreachable("answer_unreadable")
        return picture
