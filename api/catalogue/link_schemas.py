"""How an item is opened in a channel's app."""

from __future__ import annotations

from msgspec import Struct


class ItemLink(Struct, frozen=True):
    """Ways to open an item in one channel's app.

    `deep_link` opens the app where it is installed, `url_link` from messages and web pages,
    `code_url` is the path of a picture to scan.
    """

    channel: str
    page: str
    deep_link: str
    url_link: str
    code_url: str
