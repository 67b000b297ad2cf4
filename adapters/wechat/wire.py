"""WeChat's messages as WeChat spells them; nothing outside this folder sees one.

Answers tolerate what they do not know. Numbers that come now as a number, now as a text
are typed as both.
"""

from __future__ import annotations

from typing import TypeVar

from msgspec import Struct, field

Kind = TypeVar("Kind", bound=Struct)

# ── The mini-program's API ──────────────────────────────────────────────────────────────


class Failure(Struct):
    """What every JSON answer may be: errcode absent or 0 is well."""

    errcode: int = 0


class Session(Struct):
    """GET /sns/jscode2session."""

    openid: str
    session_key: str
    unionid: str | None = None


class TokenAsked(Struct):
    """POST /cgi-bin/stable_token."""

    appid: str
    secret: str
    grant_type: str = "client_credential"
    force_refresh: bool = False


class Token(Struct):
    """Its answer; `expires_in` in seconds."""

    access_token: str
    expires_in: int


class PhoneAsked(Struct):
    """POST /wxa/business/getuserphonenumber."""

    code: str


class PhoneWatermark(Struct):
    """Whose application the number was given to."""

    appid: str


class PhoneInfo(Struct):
    """`purePhoneNumber` is without the country code."""

    pure_phone_number: str = field(name="purePhoneNumber")
    country_code: str | int = field(name="countryCode")
    watermark: PhoneWatermark


class PhoneAnswer(Struct):
    """Its answer."""

    phone_info: PhoneInfo


class Certificate(Struct):
    """Who is to be verified."""

    cert_name: str
    cert_no: str
    cert_type: str = "IDENTITY_CARD"


class FaceAsked(Struct):
    """POST /cityservice/face/identify/getverifyid."""

    out_seq_no: str
    cert_info: Certificate
    openid: str


class FaceBegun(Struct):
    """Its answer; `expires_in` in seconds."""

    verify_id: str
    expires_in: int = 3600


class FaceQueried(Struct):
    """POST /cityservice/face/identify/queryverifyinfo."""

    verify_id: str
    out_seq_no: str
    cert_hash: str
    openid: str


class FaceResult(Struct):
    """Its answer; passed is 10000 and nothing else."""

    verify_ret: int | str = 0


class RealNameAsked(Struct):
    """POST /intp/realname/checkrealnameinfo; `cred_type` 1 is the resident identity card."""

    openid: str
    real_name: str
    cred_id: str
    code: str
    cred_type: str = "1"


class RealNameResult(Struct):
    """Its answer; several words are joined by semicolons."""

    verify_openid: str = ""
    verify_real_name: str = ""


class Value(Struct):
    """A template field's value."""

    value: str


class MessageAsked(Struct):
    """POST /cgi-bin/message/subscribe/send."""

    touser: str
    template_id: str
    page: str
    data: dict[str, Value]
    miniprogram_state: str
    lang: str = "zh_CN"


class MessageSent(Struct):
    """Its answer."""

    msgid: int | str | None = None


class UrlLinkAsked(Struct):
    """POST /wxa/generate_urllink; expiry in days from now."""

    path: str
    query: str
    env_version: str
    expire_interval: int
    is_expire: bool = True
    expire_type: int = 1


class UrlLink(Struct):
    """Its answer."""

    url_link: str


class CodeAsked(Struct):
    """POST /wxa/getwxacodeunlimit."""

    scene: str
    page: str
    check_path: bool
    env_version: str
    width: int = 430


# ── What is pushed to us ────────────────────────────────────────────────────────────────


class Encrypted(Struct):
    """A push in secure mode."""

    encrypt: str = field(name="Encrypt")


class SubscribeEntry(Struct, rename="pascal"):
    """One template in a push about subscriptions."""

    template_id: str = ""
    subscribe_status_string: str = ""
    msg_id: int | str | None = field(default=None, name="MsgID")
    error_code: int | str | None = None


class Push(Struct, rename="pascal"):
    """A pushed event in JSON; its `List` is an object where there is one entry."""

    from_user_name: str = ""
    event: str = ""
    entries: SubscribeEntry | list[SubscribeEntry] = field(default_factory=list, name="List")


# ── WeChat Pay ──────────────────────────────────────────────────────────────────────────


class Owner(Struct):
    """Whose order it is."""

    mchid: str


class PartnerOwner(Struct):
    """Whose order it is, in partner mode."""

    sp_mchid: str
    sub_mchid: str


class PayFailure(Struct):
    """The body of an answer that is no success."""

    code: str = ""


class SealedResource(Struct):
    """What a notice or a certificate is wrapped in."""

    ciphertext: str
    nonce: str
    associated_data: str = ""
    algorithm: str = "AEAD_AES_256_GCM"


class PlatformCertificate(Struct):
    """One of GET /v3/certificates."""

    serial_no: str
    encrypt_certificate: SealedResource


class PlatformCertificates(Struct):
    """GET /v3/certificates."""

    data: list[PlatformCertificate]


class Order(Struct, omit_defaults=True):
    """POST /v3/pay/transactions/jsapi, and its partner form."""

    description: str
    out_trade_no: str
    notify_url: str
    time_expire: str
    amount: dict[str, int | str]
    payer: dict[str, str]
    appid: str | None = None
    mchid: str | None = None
    sp_appid: str | None = None
    sp_mchid: str | None = None
    sub_appid: str | None = None
    sub_mchid: str | None = None
    attach: str | None = None


class Prepaid(Struct):
    """Its answer."""

    prepay_id: str


class TransactionAmount(Struct):
    """Fen; absent before payment in some answers."""

    total: int
    currency: str = "CNY"


class Payer(Struct):
    """Who paid, by the application the payment was launched in."""

    openid: str | None = None
    sp_openid: str | None = None
    sub_openid: str | None = None


class Transaction(Struct):
    """A payment as queried and as in a notice."""

    out_trade_no: str
    trade_state: str
    appid: str | None = None
    mchid: str | None = None
    sp_appid: str | None = None
    sp_mchid: str | None = None
    sub_appid: str | None = None
    sub_mchid: str | None = None
    transaction_id: str | None = None
    success_time: str | None = None
    payer: Payer | None = None
    amount: TransactionAmount | None = None


class RefundAmount(Struct):
    """Fen: what goes back, of what was paid."""

    refund: int
    total: int
    currency: str = "CNY"


class RefundAsked(Struct, omit_defaults=True):
    """POST /v3/refund/domestic/refunds."""

    out_trade_no: str
    out_refund_no: str
    reason: str
    amount: dict[str, int | str]
    sub_mchid: str | None = None
    notify_url: str | None = None


class Refund(Struct):
    """A refund as queried; a notice says `refund_status` for `status` and whose it is."""

    out_trade_no: str
    out_refund_no: str
    amount: RefundAmount
    status: str | None = None
    refund_status: str | None = None
    refund_id: str | None = None
    success_time: str | None = None
    mchid: str | None = None
    sp_mchid: str | None = None
    sub_mchid: str | None = None


class Notice(Struct):
    """POST to our notice address."""

    id: str
    event_type: str
    resource: SealedResource


class Acknowledgement(Struct):
    """What a refused notice is answered with."""

    code: str
    message: str


class BillPlace(Struct):
    """GET /v3/bill/tradebill: where the file is, and its SHA-1 uncompressed."""

    hash_type: str
    hash_value: str
    download_url: str
