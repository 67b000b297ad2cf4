"""The REST form of the same methods, `/v3/…`: the signature in headers, errors as HTTP errors."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from urllib.parse import parse_qsl

import msgspec

from adapters.alipay.signing import SigningWrong, decrypt, encrypt, is_signed, sign
from adapters.alipay.simulator.books import Asked, Books
from adapters.alipay.simulator.codes import Refused
from adapters.alipay.simulator.methods import METHODS, Method
from adapters.simulation.faults import Fault
from adapters.simulation.gateway import Answer, Call

REST_PATH = "/v3/{method:path}"
_SCHEME = "ALIPAY-SHA256withRSA "
_MILLISECONDS = re.compile(r"\A[0-9]{13}\Z")
_PREFIX = re.compile(r"\A(?:isv|aop|isp)\.")
_STATUSES = {"20000": 500, "20001": 401, "40005": 429, "40006": 403}


class RestAnswer(Answer, frozen=True):
    """An answer still without its signature."""


class Rest:
    """Takes REST calls for the books."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def answer(self, call: Call) -> RestAnswer:
        try:
            self._prove(call)
            method = METHODS.get(call.parameters["method"].replace("/", "."))
            if method is None or method.verb != call.method:
                raise Refused("isv.invalid-method")
            body = msgspec.json.encode(method.run(self._books, self._asked(call, method)))
        except Refused as refused:
            return self.refuse(refused)
        if call.headers.get("alipay-encrypt-type") == "AES":
            sealed = encrypt(body, self._books.aes_key).encode()
            return RestAnswer(200, sealed, "text/plain;charset=utf-8")
        return RestAnswer(200, body, "application/json;charset=utf-8")

    def refuse(self, refused: Refused) -> RestAnswer:
        said = {
            "code": _PREFIX.sub("", refused.sub_code),
            "message": refused.words,
            "links": [{"link": f"{self._books.options.address}/", "desc": "解决方案"}],
        }
        status = _STATUSES.get(refused.code, 400)
        return RestAnswer(status, msgspec.json.encode(said), "application/json;charset=utf-8")

    def seal(self, answer: RestAnswer, fault: Fault) -> Answer:
        """`timestamp\\nnonce\\nbody\\n`, with the certificate's number in certificate mode."""
        at, nonce = str(int(self._books.clock.now() * 1000)), secrets.token_hex(16)
        text = f"{at}\n{nonce}\n".encode() + answer.body + b"\n"
        headers = {
            "alipay-timestamp": at,
            "alipay-nonce": nonce,
            "alipay-signature": sign(text, self._books.signing_key(fault)),
            "alipay-trace-id": secrets.token_hex(16),
        }
        if self._books.mode == "certificate":
            headers["alipay-sn"] = self._books.certificate_sn(fault)
        return Answer(answer.status, answer.body, answer.media_type, headers)

    def _prove(self, call: Call) -> None:
        """Raises Refused with the gateway's own code."""
        header = call.headers.get("authorization", "")
        if not header.startswith(_SCHEME):
            raise Refused("isv.missing-timestamp")
        authorization, _, signature = header.removeprefix(_SCHEME).partition(",sign=")
        parts = dict(part.partition("=")[::2] for part in authorization.split(","))
        if not parts.get("app_id"):
            raise Refused("isv.missing-app-id")
        if parts["app_id"] != self._books.app_id:
            raise Refused("isv.invalid-app-id")
        if not parts.get("timestamp"):
            raise Refused("isv.missing-timestamp")
        if not _MILLISECONDS.match(parts["timestamp"]):
            raise Refused("isv.invalid-timestamp")
        if not signature:
            raise Refused("isv.missing-signature")
        self._check_certificates(parts, call.headers)
        token = call.headers.get("alipay-app-auth-token")
        text = f"{authorization}\n{call.method}\n{call.target}\n".encode() + call.body + b"\n"
        text += f"{token}\n".encode() if token else b""
        if not is_signed(text, signature, self._books.app_public_key):
            raise Refused("isv.invalid-signature")

    def _check_certificates(self, parts: Mapping[str, str], headers: Mapping[str, str]) -> None:
        if self._books.mode == "key":
            return
        if parts.get("app_cert_sn") != self._books.certificates.app_sn:
            raise Refused(
                "isv.app-cert-not-exist" if parts.get("app_cert_sn") else "isv.missing-app-cert-sn"
            )
        if headers.get("alipay-root-cert-sn") != self._books.certificates.root_sn:
            raise Refused("isv.invalid-alipay-root-cert-sn")

    def _asked(self, call: Call, method: Method) -> Asked:
        if method.verb == "GET":
            return Asked(msgspec.json.encode(dict(parse_qsl(call.query))))
        content = call.body or b"{}"
        if call.headers.get("alipay-encrypt-type") == "AES":
            try:
                content = decrypt(content.decode("latin-1"), self._books.aes_key)
            except SigningWrong as wrong:
                raise Refused("isv.invalid-encrypt") from wrong
        common = _common(content)
        return Asked(
            content,
            notify_url=common.get("notify_url", ""),
            auth_token=common.get("auth_token", ""),
        )


def _common(content: bytes) -> dict[str, str]:
    """What v2 has among its common parameters stands in the body here."""
    try:
        members = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused("isv.illegal-json") from wrong
    if not isinstance(members, dict):
        raise Refused("isv.illegal-json")
    return {name: value for name, value in members.items() if isinstance(value, str)}
