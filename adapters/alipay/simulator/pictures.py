"""alipay.open.app.qrcode.create, and the pictures its answer names."""

from __future__ import annotations

import io
import re
import secrets
from typing import Annotated
from urllib.parse import quote

import segno
from msgspec import Meta, Struct

from adapters.alipay.simulator.books import Asked, Books, Picture, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.gateway import Answer, Call

PATH = "/qrcode/{token}.png"
DESCRIPTION_CHARACTERS = 32
_COLOUR = re.compile(r"\A0x[0-9A-Fa-f]{6}\Z")
_SCALE = 8


class PictureRequest(Struct, frozen=True):
    url_param: Annotated[str, Meta(min_length=1, max_length=256)]
    query_param: Annotated[str, Meta(max_length=256)] = ""
    describe: str = ""
    color: str = ""
    size: str = ""


class PictureMade(Struct, frozen=True):
    qr_code_url: str
    qr_code_url_circle_white: str
    qr_code_url_circle_blue: str


def make_picture(books: Books, asked: Asked) -> PictureMade:
    wanted = read_content(asked, PictureRequest, "INVALID_PARAMETER")
    if not 1 <= len(wanted.describe) <= DESCRIPTION_CHARACTERS:
        raise Refused("QRCODE_DESC_CHECK_INVALID")
    if wanted.color and not _COLOUR.match(wanted.color):
        raise Refused("HM_BG_COLOR_INVALID")
    page = quote(wanted.url_param, safe="")
    link = f"alipays://platformapi/startapp?appId={books.app_id}&page={page}"
    if wanted.query_param:
        link += f"&query={quote(wanted.query_param, safe='')}"
    colours = (f"#{wanted.color[2:]}" if wanted.color else "#000000", "#333333", "#1677ff")
    return PictureMade(*(_address(books, link, colour) for colour in colours))


def draw_picture(books: Books, call: Call) -> Answer:
    picture = books.pictures.get(call.parameters["token"])
    if picture is None:
        return Answer(404, b"no such picture", "text/plain")
    drawn = io.BytesIO()
    segno.make_qr(picture.link).save(drawn, kind="png", scale=_SCALE, dark=picture.colour)
    return Answer(200, drawn.getvalue(), "image/png")


def _address(books: Books, link: str, colour: str) -> str:
    token = secrets.token_hex(12)
    books.pictures.put(token, Picture(token, link, colour))
    return books.options.address + PATH.replace("{token}", token)
