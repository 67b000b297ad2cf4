"""What Alipay posts to us: prove a form before a word of it is believed. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from adapters.alipay import signing
from adapters.alipay.config import Config
from adapters.alipay.gateway import Keys
from adapters.contract import Inbound, NoticeRefused


def prove_form(
    inbound: Inbound, keys: Keys, config: Config, text_of: Callable[[signing.Form], bytes]
) -> dict[str, str]:
    """The fields of a form that Alipay signed for this application. Raises NoticeRefused.

    `text_of` says what the signature covers: trade notices and gateway messages differ.
    """
    try:
        form = signing.read_form(inbound.body)
        text = text_of(form)
    except signing.SigningWrong:
        raise NoticeRefused("malformed") from None
    fields = form.fields
    if fields.get("sign_type", "RSA2") != "RSA2" or not fields.get("sign"):
        raise NoticeRefused("signature_wrong")
    serial = fields.get("alipay_cert_sn")
    named = keys.named(serial) if serial else None
    if serial and named is None:
        raise NoticeRefused("serial_unknown")
    candidates = [named] if named is not None else keys.every()
    if not any(signing.is_signed(text, fields["sign"], key) for key in candidates):
        raise NoticeRefused("signature_wrong")
    if config.app_id not in (fields.get("app_id"), fields.get("auth_app_id")):
        raise NoticeRefused("not_ours")
    return fields
