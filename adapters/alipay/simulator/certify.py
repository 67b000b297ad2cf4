"""alipay.user.certify.open.initialize, certify (a page) and query.

On the page the person decides how the face check ends; `/_control` can do it for them.
"""

from __future__ import annotations

import re
import secrets
from html import escape
from typing import Annotated, Any, Literal
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

from adapters.alipay.simulator.books import Asked, Books, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.gateway import Answer, Call
from adapters.simulation.records import IdentityCheck

CERTIFY_SECONDS = 23 * 3600
END_PATH = "/certify/{certify_id}"
_ID_NUMBER = re.compile(r"\A[1-9][0-9]{16}[0-9X]\Z")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class Identity(Struct, frozen=True):
    identity_type: Literal["CERT_INFO"]
    cert_type: Literal["IDENTITY_CARD"]
    cert_name: Annotated[str, Meta(min_length=1, max_length=64)]
    cert_no: str


class Merchant(Struct, frozen=True):
    return_url: str = ""


class CertifyRequest(Struct, frozen=True):
    outer_order_no: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{32}\Z")]
    biz_code: Literal["FACE", "CERT_PHOTO", "CERT_PHOTO_FACE", "SMART_FACE"]
    identity_param: Identity
    merchant_config: Merchant


class CertifyNamed(Struct, frozen=True):
    certify_id: str = ""


class Begun(Struct, frozen=True):
    certify_id: str


class Outcome(Struct, frozen=True, omit_defaults=True):
    """`passed` is T or F."""

    passed: str
    fail_reason: str = ""


def begin(books: Books, asked: Asked) -> Begun:
    """A check of that number; with the same words it is the one begun before."""
    wanted = read_content(asked, CertifyRequest, "ILLEGAL_ARGUMENT_FORMAT")
    if not _is_id_number(wanted.identity_param.cert_no):
        raise Refused("ILLEGAL_ARGUMENT_FORMAT")
    plain: dict[str, Any] = msgspec.to_builtins(wanted)
    for known in books.checks:
        if known.check_no == wanted.outer_order_no:
            if known.asked != plain:
                raise Refused("ILLEGAL_ARGUMENT_FORMAT")
            return Begun(known.check_id)
    check = IdentityCheck(
        check_id=secrets.token_hex(16),
        check_no=wanted.outer_order_no,
        open_id="",
        name=wanted.identity_param.cert_name,
        id_number=wanted.identity_param.cert_no,
        made_at=books.clock.now(),
        asked=plain,
    )
    books.checks.put(check.check_id, check)
    return Begun(check.check_id)


def query_outcome(books: Books, asked: Asked) -> Outcome:
    """How it ended; while the person has not been through it, its state is an error."""
    check = _demand_check(books, asked)
    if check.state == "pending":
        raise Refused("OPEN_CERTIFY_BILL_STATUS_ERROR")
    if check.state == "passed":
        return Outcome("T")
    return Outcome("F", check.result_code or "认证未通过")


def show_page(books: Books, asked: Asked) -> Answer:
    """What the person sees when the application opens the signed address."""
    check = _demand_check(books, asked)
    if check.state != "pending":
        return _page("<p>认证已结束。</p>")
    action = END_PATH.replace("{certify_id}", check.check_id)
    name = f"{escape(check.name[:1])}{'*' * (len(check.name) - 1)}"
    return _page(
        f"<p>{name}，请完成人脸识别。这是模拟网关，由您决定结果。</p>"
        f'<form method="post" action="{action}">'
        '<button name="passed" value="yes">通过</button> '
        '<button name="passed" value="no">不通过</button></form>'
    )


def end(books: Books, call: Call) -> Answer:
    """The person's answer on the page; then back to where the application wanted them."""
    check = books.checks.get(call.parameters["certify_id"])
    if check is None or check.state != "pending":
        return _page("<p>认证单据不存在或已结束。</p>", 404)
    passed = parse_qs(call.body.decode("latin-1")).get("passed") == ["yes"]
    books.checks.put(check.check_id, books.finish_check(check, passed, ""))
    return_url = str(check.asked["merchant_config"].get("return_url") or "")
    if not return_url:
        return _page("<p>认证已结束。</p>")
    return Answer(303, b"", "text/html;charset=utf-8", {"Location": return_url})


def _demand_check(books: Books, asked: Asked) -> IdentityCheck:
    named = read_content(asked, CertifyNamed, "ILLEGAL_ARGUMENT_FORMAT")
    check = books.checks.get(named.certify_id)
    if check is None:
        raise Refused("OPEN_CERTIFY_BILL_NOT_EXIST")
    if check.state == "pending" and books.clock.now() - check.made_at > CERTIFY_SECONDS:
        raise Refused("CERTIFY_ID_EXPIRED")
    return check


def _is_id_number(text: str) -> bool:
    if not _ID_NUMBER.match(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text[:17], _WEIGHTS, strict=True))
    return "10X98765432"[total % 11] == text[17]


def _page(content: str, status: int = 200) -> Answer:
    text = (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<title>身份认证</title></head><body><h1>身份认证</h1>"
        f"{content}</body></html>"
    )
    return Answer(status, text.encode(), "text/html;charset=utf-8")
