"""Ways into the mini-program: the plain scheme, https links, and unlimited mini-program codes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from adapters.contract import Refusal, Unreachable
from adapters.wechat import wire
from adapters.wechat.config import Section
from adapters.wechat.mini_program import MiniProgram

LINK_DAYS = 30
SCENE_LENGTH = 32
_SCENE = re.compile(rf"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{{1,{SCENE_LENGTH}}}")
_SCHEME_QUERY = 512
_LINK_QUERY = 1024


class WeChatLinks:
    """contract.Links."""

    def __init__(self, app: MiniProgram, section: Section) -> None:
        self._app = app
        self._version = section.env_version

    def deep_link(self, page: str, query: Mapping[str, str]) -> str:
        """`weixin://…`: the page must be declared for plain schemes in the console."""
        parts = {
            "appid": self._app.app_id,
            "path": _path(page),
            "query": _query(query, _SCHEME_QUERY),
            "env_version": self._version,
        }
        return "weixin://dl/business/?" + urlencode(parts, quote_via=quote, safe="")

    async def url_link(self, page: str, query: Mapping[str, str]) -> str:
        """`https://wxaurl.cn/…`, good for 30 days."""
        asked = wire.UrlLinkAsked(
            path=_path(page),
            query=_query(query, _LINK_QUERY),
            env_version=self._version,
            expire_interval=LINK_DAYS,
        )
        answer = await self._app.post(
            "url_link", "/wxa/generate_urllink", asked, wire.UrlLink, safe=True
        )
        if not answer.url_link.startswith("https://"):
            raise Unreachable("answer_unreadable")
        return answer.url_link

    async def code_image(
        self,
        page: str,
        query: Mapping[str, str],
        label: str,  # noqa: ARG002 (WeChat's codes bear no text)
    ) -> bytes:
        """The parameters become the scene: 32 characters, none that would need escaping.

        A single parameter that does not fit with its name goes without it: a service code
        alone has 31. Raises Refusal `parameter_wrong` where they do not fit.
        """
        scene = "&".join(f"{key}={value}" for key, value in query.items()) or "_"
        if len(query) == 1 and len(scene) > SCENE_LENGTH:
            scene = next(iter(query.values()))
        if not _SCENE.fullmatch(scene) or not _is_plain(query):
            raise Refusal("parameter_wrong")
        asked = wire.CodeAsked(
            scene=scene,
            page=_path(page),
            # A page that is not released yet cannot be checked for.
            check_path=self._version == "release",
            env_version=self._version,
        )
        return await self._app.post_for_picture("code_image", "/wxa/getwxacodeunlimit", asked)


def _path(page: str) -> str:
    return page.lstrip("/")


def _query(query: Mapping[str, str], limit: int) -> str:
    text = urlencode(query, quote_via=quote, safe="")
    if len(text) > limit:
        raise Refusal("parameter_wrong")
    return text


def _is_plain(query: Mapping[str, str]) -> bool:
    # The scene is not decoded field by field: a separator inside a value would add a field.
    return not any(set(text) & set("&=") for pair in query.items() for text in pair)
