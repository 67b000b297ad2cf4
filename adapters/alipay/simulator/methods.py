"""Every method the simulated gateway has, by its name; faults and counts call it `name`."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from adapters.alipay.simulator import bills, certify, messages, people, pictures, refund, trade
from adapters.alipay.simulator.books import Asked, Books, read_content
from adapters.alipay.simulator.cancel import cancel
from adapters.alipay.simulator.codes import Refused

PAGE_METHOD = "alipay.user.certify.open.certify"


class Method(Struct, frozen=True):
    """`own` are parameters that stand beside the common ones; others come in `biz_content`.

    `verb` is how the REST form of the gateway takes it. `coded`: an answer begins with
    `code` and `msg`.
    """

    name: str
    run: Callable[[Books, Asked], Struct]
    verb: Literal["GET", "POST"] = "POST"
    own: tuple[str, ...] = ()
    coded: bool = True


class CertificateNamed(Struct, frozen=True):
    alipay_cert_sn: str = ""


class CertificateFound(Struct, frozen=True):
    """Base64 of the PEM chain."""

    alipay_cert_content: str


def download_certificate(books: Books, asked: Asked) -> CertificateFound:
    """alipay.open.app.alipaycert.download"""
    named = read_content(asked, CertificateNamed, "isv.invalid-parameter")
    chain = None
    if books.mode == "certificate":
        chain = books.certificates.chain(named.alipay_cert_sn)
    if chain is None:
        raise Refused("isv.alipay-cert-not-exist")
    return CertificateFound(base64.b64encode(chain.encode()).decode())


METHODS: dict[str, Method] = {
    "alipay.system.oauth.token": Method(
        "login",
        people.give_token,
        own=("grant_type", "code", "refresh_token"),
        coded=False,
    ),
    "alipay.user.info.share": Method("profile", people.share_profile, own=("auth_token",)),
    "alipay.trade.create": Method("payments.order", trade.create),
    "alipay.trade.query": Method("payments.query", trade.query),
    "alipay.trade.close": Method("payments.close", trade.close),
    "alipay.trade.cancel": Method("payments.cancel", cancel),
    "alipay.trade.refund": Method("refunds.order", refund.refund),
    "alipay.trade.fastpay.refund.query": Method("refunds.query", refund.query_refund),
    "alipay.data.dataservice.bill.downloadurl.query": Method(
        "bills.trade", bills.find_bill, verb="GET"
    ),
    "alipay.open.app.mini.templatemessage.send": Method("messages.send", messages.send),
    "alipay.open.app.messagetemplate.subscribe.query": Method(
        "messages.subscriptions", messages.query_subscriptions
    ),
    "alipay.open.app.qrcode.create": Method("links.code", pictures.make_picture),
    "alipay.user.certify.open.initialize": Method("identity.begin", certify.begin),
    "alipay.user.certify.open.query": Method("identity.query", certify.query_outcome, verb="GET"),
    "alipay.open.app.alipaycert.download": Method("certificates", download_certificate),
}
