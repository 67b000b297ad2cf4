"""gateway.do: one path for every method, by GET or POST, always answered with HTTP 200.

The checks come in the gateway's own order: the application first, its signature last, and
only then what was asked. What is refused is signed like any other answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import msgspec

from adapters.alipay.signing import (
    ERROR_MEMBER,
    SigningWrong,
    decrypt,
    encrypt,
    is_signed,
    request_text,
    sign,
)
from adapters.alipay.simulator import bills, certify, pictures
from adapters.alipay.simulator.amounts import read_fen, read_time, yuan
from adapters.alipay.simulator.books import Asked, Books
from adapters.alipay.simulator.codes import MESSAGES, Refused
from adapters.alipay.simulator.methods import METHODS, PAGE_METHOD, Method
from adapters.alipay.simulator.rest import REST_PATH, Rest, RestAnswer
from adapters.simulation.faults import Fault
from adapters.simulation.gateway import Answer, Call, Operation

MEDIA_TYPE = "text/html;charset=utf-8"
PATH = "/gateway.do"
_NAMED_METHOD = re.compile(r"(?:\A|&)method=([a-z.]+)(?:&|\Z)")
# What must be there, in the order in which it is missed.
_DEMANDED = (
    ("sign_type", "isv.missing-signature-type"),
    ("sign", "isv.missing-signature"),
    ("timestamp", "isv.missing-timestamp"),
    ("version", "isv.missing-version"),
)


class Node(Answer, frozen=True, kw_only=True):
    """An answer before it is signed: `raw` is the text of the member called `member`."""

    member: str
    raw: bytes
    certified: bool = False


class AlipayGateway(Books):
    """The simulated Alipay on the wire."""

    def operations(self) -> Sequence[Operation]:
        rest = Rest(self)
        return (
            Operation("gateway", ("GET", "POST"), PATH, self._answer),
            Operation("rest", ("GET", "POST"), REST_PATH, rest.answer),
            Operation(
                "bills.download", ("GET",), bills.PATH, lambda call: bills.download(self, call)
            ),
            Operation(
                "links.file",
                ("GET",),
                pictures.PATH,
                lambda call: pictures.draw_picture(self, call),
            ),
            Operation(
                "identity.end", ("POST",), certify.END_PATH, lambda call: certify.end(self, call)
            ),
        )

    def name_call(self, call: Call, operation: Operation) -> str:
        """One path stands for many operations: faults and counts go by the method."""
        if operation.name == "rest":
            method = METHODS.get(call.path.removeprefix("/v3/").replace("/", "."))
        elif operation.name == "gateway":
            named = _NAMED_METHOD.search(call.query) or _NAMED_METHOD.search(
                call.body.decode("latin-1")
            )
            if named is not None and named[1] == PAGE_METHOD:
                return "identity.page"
            method = METHODS.get(named[1]) if named is not None else None
        else:
            method = None
        return method.name if method is not None else operation.name

    def error_of(self, call: Call, status: int, code: str | None) -> Answer:
        """A named code is an answer of the gateway's own, under 200; else a bare HTTP error."""
        if code is None:
            return Answer(status, f"<html>{status}</html>".encode(), MEDIA_TYPE)
        if not call.path.startswith(PATH):
            return Rest(self).refuse(Refused(code))
        parameters = read_parameters(call)
        return _failure(parameters, Refused(code))

    def quota_error(self, call: Call) -> Answer:
        return self.error_of(call, 429, "isv.app-call-limited")

    def seal(self, call: Call, answer: Answer, fault: Fault) -> Answer:
        del call
        if isinstance(answer, RestAnswer):
            return Rest(self).seal(answer, fault)
        if not isinstance(answer, Node):
            return answer
        if fault.wrong_amount_answered:
            answer = _one_fen_more(answer)
        signature = sign(answer.raw, self.signing_key(fault))
        serial = f'"alipay_cert_sn":"{self.certificate_sn(fault)}",' if answer.certified else ""
        body = b'{"%b":%b,%b"sign":"%b"}' % (
            answer.member.encode(),
            answer.raw,
            serial.encode(),
            signature.encode(),
        )
        return Answer(200, body, MEDIA_TYPE)

    def _answer(self, call: Call) -> Answer:
        parameters = read_parameters(call)
        try:
            self._prove(parameters)
            if parameters["method"] == PAGE_METHOD:
                return certify.show_page(self, self._asked(parameters, ()))
        except Refused as refused:
            return _failure(parameters, refused)
        method = METHODS[parameters["method"]]
        try:
            asked = self._asked(parameters, method.own)
        except Refused as refused:
            return _failure(parameters, refused)
        try:
            raw = _success(method, method.run(self, asked))
        except Refused as refused:
            return self._sealed(_failure(parameters, refused), parameters)
        member = _member(parameters["method"])
        node = Node(200, member=member, raw=raw, certified="app_cert_sn" in parameters)
        return self._sealed(node, parameters)

    def _prove(self, parameters: Mapping[str, str]) -> None:
        """Raises Refused with the gateway's own code."""
        if not parameters.get("method"):
            raise Refused("isv.missing-method", as_error=True)
        if not parameters.get("app_id"):
            raise Refused("isv.missing-app-id")
        if parameters["app_id"] != self.app_id:
            raise Refused("isv.invalid-app-id")
        if parameters["method"] not in METHODS and parameters["method"] != PAGE_METHOD:
            raise Refused("isv.invalid-method", as_error=True)
        for name, sub_code in _DEMANDED:
            if not parameters.get(name):
                raise Refused(sub_code)
        _check_form(parameters)
        self._check_certificates(parameters)
        text = request_text(parameters)
        if not is_signed(text, parameters["sign"], self.app_public_key):
            raise Refused("isv.invalid-signature")

    def _check_certificates(self, parameters: Mapping[str, str]) -> None:
        app_sn, root_sn = parameters.get("app_cert_sn"), parameters.get("alipay_root_cert_sn")
        if self.mode == "key":
            if app_sn:
                raise Refused("isv.app-cert-not-exist")
            return
        if not app_sn:
            raise Refused("isv.missing-app-cert-sn")
        if not root_sn:
            raise Refused("isv.missing-alipay-root-cert-sn")
        if app_sn != self.certificates.app_sn:
            raise Refused("isv.app-cert-not-exist")
        if root_sn != self.certificates.root_sn:
            raise Refused("isv.invalid-alipay-root-cert-sn")

    def _asked(self, parameters: Mapping[str, str], own: Sequence[str]) -> Asked:
        if own:
            given = {name: parameters[name] for name in own if parameters.get(name)}
            content = msgspec.json.encode(given)
        else:
            content = self._opened(parameters)
        return Asked(
            content,
            notify_url=parameters.get("notify_url", ""),
            return_url=parameters.get("return_url", ""),
            auth_token=parameters.get("auth_token", ""),
        )

    def _opened(self, parameters: Mapping[str, str]) -> bytes:
        content = parameters.get("biz_content") or "{}"
        kind = parameters.get("encrypt_type")
        if not kind:
            return content.encode()
        if kind != "AES":
            raise Refused("isv.invalid-encrypt-type")
        try:
            return decrypt(content, self.aes_key)
        except SigningWrong as wrong:
            raise Refused("isv.invalid-encrypt") from wrong

    def _sealed(self, node: Node, parameters: Mapping[str, str]) -> Node:
        """Encrypt first, sign then: the signature covers the quotes too."""
        if not parameters.get("encrypt_type"):
            return node
        sealed = msgspec.json.encode(encrypt(node.raw, self.aes_key))
        return msgspec.structs.replace(node, raw=sealed)


def read_parameters(call: Call) -> dict[str, str]:
    """Query and form together; a name in both counts as the query has it."""
    form = dict(_pairs(call.body.decode("latin-1"))) if call.method == "POST" else {}
    return form | dict(_pairs(call.query))


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=128)
    except ValueError:
        return []


def _check_form(parameters: Mapping[str, str]) -> None:
    """Raises Refused for a common parameter that is there and wrong."""
    if parameters["sign_type"] != "RSA2":
        raise Refused("isv.invalid-signature-type")
    if parameters["version"] != "1.0":
        raise Refused("isv.invalid-parameter")
    if parameters.get("charset", "").lower() != "utf-8":
        raise Refused("isv.invalid-charset")
    if parameters.get("format", "JSON").upper() != "JSON":
        raise Refused("isv.invalid-format")
    # How far off it may be is nowhere said, and clients send other zones' time: only its form.
    if read_time(parameters["timestamp"]) is None:
        raise Refused("isv.invalid-timestamp")


def _one_fen_more(node: Node) -> Node:
    said = {} if node.raw.startswith(b'"') else msgspec.json.decode(node.raw)
    if "total_amount" not in said:
        return node
    more = {**said, "total_amount": yuan((read_fen(said["total_amount"]) or 0) + 1)}
    return msgspec.structs.replace(node, raw=msgspec.json.encode(more))


def _success(method: Method, answer: msgspec.Struct) -> bytes:
    raw = msgspec.json.encode(answer)
    if not method.coded:
        return raw
    rest = raw[1:] if raw == b"{}" else b"," + raw[1:]
    return b'{"code":"10000","msg":"Success"' + rest


def _failure(parameters: Mapping[str, str], refused: Refused) -> Node:
    said = {
        "code": refused.code,
        "msg": MESSAGES[refused.code],
        "sub_code": refused.sub_code,
        "sub_msg": refused.words,
    }
    named = parameters.get("method", "")
    member = ERROR_MEMBER if refused.as_error or named not in METHODS else _member(named)
    return Node(
        200,
        member=member,
        raw=msgspec.json.encode(said),
        certified=bool(parameters.get("app_cert_sn")),
    )


def _member(method: str) -> str:
    return method.replace(".", "_") + "_response"
