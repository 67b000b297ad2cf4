"""WeChat's gateway: every path it answers, what guards each, and how answers are signed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from adapters.simulation.faults import Fault
from adapters.simulation.gateway import (
    Answer,
    Call,
    CannotDo,
    ControlAct,
    Handler,
    Operation,
    Options,
)
from adapters.simulation.notices import Delivery
from adapters.simulation.records import Citizen, Notice, Payment
from adapters.wechat.signing import verify_rsa
from adapters.wechat.simulator import (
    api_security,
    identity,
    mini_program,
    pay_bills,
    pay_notices,
    pay_orders,
    pay_refunds,
    push,
)
from adapters.wechat.simulator.books import Policy, WechatBooks
from adapters.wechat.simulator.certificates import hand_out
from adapters.wechat.simulator.errors import (
    PayRefused,
    Refused,
    errcode_answer,
    pay_answer,
    pay_fault,
)
from adapters.wechat.simulator.mini_program import with_token
from adapters.wechat.simulator.pay_access import Merchant, prove_merchant, sign_answer

MiniHandler = Callable[[WechatBooks, Call], Answer]
PayHandler = Callable[[WechatBooks, Call, Merchant], Answer]

_MINI: tuple[tuple[str, str, str, MiniHandler], ...] = (
    ("login", "GET", "/sns/jscode2session", mini_program.code_to_session),
    ("token.stable", "POST", "/cgi-bin/stable_token", mini_program.stable_token),
    ("token.plain", "GET", "/cgi-bin/token", mini_program.plain_token),
    (
        "phone",
        "POST",
        "/wxa/business/getuserphonenumber",
        with_token(mini_program.phone_number),
    ),
    (
        "messages.send",
        "POST",
        "/cgi-bin/message/subscribe/send",
        with_token(mini_program.send_message),
    ),
    ("links.url", "POST", "/wxa/generate_urllink", with_token(mini_program.url_link)),
    ("links.scheme", "POST", "/wxa/generatescheme", with_token(mini_program.scheme)),
    ("links.code", "POST", "/wxa/getwxacodeunlimit", with_token(mini_program.mini_code)),
    (
        "identity.begin",
        "POST",
        "/cityservice/face/identify/getverifyid",
        with_token(identity.begin_face_check),
    ),
    (
        "identity.query",
        "POST",
        "/cityservice/face/identify/queryverifyinfo",
        with_token(identity.face_result),
    ),
    (
        "identity.realname",
        "POST",
        "/intp/realname/checkrealnameinfo",
        with_token(identity.check_real_name),
    ),
)
_ORDERS = "/v3/pay/transactions"
_PARTNER = "/v3/pay/partner/transactions"
_REFUNDS = "/v3/refund/domestic/refunds"


def certificates(books: WechatBooks, _: Call, __: Merchant) -> Answer:
    """GET /v3/certificates."""
    body = hand_out(books.account.certificates, books.account.apiv3_key)
    return Answer(200, msgspec.json.encode(body))


_PAY: tuple[tuple[str, str, str, PayHandler], ...] = (
    ("certificates", "GET", "/v3/certificates", certificates),
    *(
        entry
        for base in (_ORDERS, _PARTNER)
        for entry in (
            ("payments.order", "POST", f"{base}/jsapi", pay_orders.prepay),
            ("payments.query", "GET", f"{base}/out-trade-no/{{number}}", pay_orders.query),
            ("payments.query", "GET", f"{base}/id/{{number}}", pay_orders.query),
            ("payments.close", "POST", f"{base}/out-trade-no/{{number}}/close", pay_orders.close),
        )
    ),
    ("refunds.order", "POST", _REFUNDS, pay_refunds.refund),
    ("refunds.query", "GET", f"{_REFUNDS}/{{number}}", pay_refunds.query_refund),
    (
        "refunds.abnormal",
        "POST",
        f"{_REFUNDS}/{{number}}/apply-abnormal-refund",
        pay_refunds.apply_abnormal,
    ),
    ("bills.trade", "GET", "/v3/bill/tradebill", pay_bills.trade_bill),
    ("bills.fund", "GET", "/v3/bill/fundflowbill", pay_bills.fund_bill),
    ("bills.download", "GET", "/v3/billdownload/file", pay_bills.download),
)


class WechatGateway(WechatBooks):
    """The gateway as it is started."""

    name: ClassVar[str] = "wechat"
    title: ClassVar[str] = "微信模拟网关"
    colour: ClassVar[str] = "#07874a"
    order_word: ClassVar[str] = "prepay_id"
    code_kinds: ClassVar[tuple[str, ...]] = ("login", "phone", "realname")

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.order_numbers = pay_orders.index_orders(self)
        self.refund_numbers = pay_refunds.index_refunds(self)

    def operations(self) -> Sequence[Operation]:
        mini = [
            Operation(name, (method,), path, self._guard_mini(handler))
            for name, method, path, handler in _MINI
        ]
        pay = [
            Operation(name, (method,), path, self._guard_pay(handler))
            for name, method, path, handler in _PAY
        ]
        return [*mini, *pay]

    def error_of(self, call: Call, status: int, code: str | None) -> Answer:
        if call.path.startswith("/v3/"):
            refund = call.operation.startswith("refunds")
            return pay_fault(status, code, "RESOURCE_NOT_EXISTS" if refund else "ORDER_NOT_EXIST")
        if code is not None and code.lstrip("-").isdigit():
            return errcode_answer(Refused(int(code)))
        return errcode_answer(Refused(-1), status=status)

    def quota_error(self, call: Call) -> Answer:
        if call.path.startswith("/v3/"):
            return pay_answer(PayRefused("FREQUENCY_LIMITED"))
        return errcode_answer(Refused(45011 if call.operation in ("login", "phone") else 45009))

    def seal(self, call: Call, answer: Answer, fault: Fault) -> Answer:
        if call.operation == "bills.download" and answer.status == 200:
            return answer
        if call.path.startswith("/v3/"):
            told = _one_fen_more(answer) if fault.wrong_amount_answered else answer
            return sign_answer(self, call, told, fault)
        if call.operation == "login":
            # JSON, said to be plain text, errors too.
            return msgspec.structs.replace(answer, media_type="text/plain")
        if api_security.is_sealed(call) and api_security.was_opened(answer):
            return api_security.seal_answer(self, call, answer, wrongly=fault.wrong_signature)
        return answer

    def sign_notice(self, notice: Notice, fault: Fault) -> Delivery:
        if notice.kind == "message":
            return push.deliver(self, notice, fault)
        return pay_notices.deliver(self, notice, fault)

    def accepts(self, notice: Notice, status: int, body: bytes) -> bool:
        """WeChat Pay believes the status alone, whatever the body says."""
        if notice.kind == "message":
            return push.accepts_push(notice, status, body)
        return status in (200, 204)

    def announce_payment(self, payment: Payment) -> None:
        pay_notices.announce_payment(self, payment)

    def new_transaction_id(self, payment: Payment) -> str:
        return f"4200{self.time(payment.created_at):%Y%m%d}{secrets.randbelow(10**16):016d}"

    def section(self) -> dict[str, Any]:
        return self.account.section(self.options.address)

    def templates(self) -> Mapping[str, str]:
        return self.account.template_ids

    def expire(self, payment: Payment) -> Payment:
        """`time_expire` ends paying; the order stays open until somebody closes it."""
        return payment

    def launch_fault(self, payment: Payment, parameters: Mapping[str, str]) -> str | None:
        """What `wx.requestPayment` checks: five texts, signed by the merchant."""
        wanted = {"timeStamp", "nonceStr", "package", "signType", "paySign"}
        if set(parameters) - {"appId"} != wanted:
            return "requestPayment:fail parameter error"
        if parameters["package"] != f"prepay_id={payment.order_id}":
            return "requestPayment:fail prepay_id is another order's"
        asked = payment.asked
        app_id = asked.get("appid") or asked.get("sp_appid")
        if "sub_openid" in asked["payer"]:
            app_id = asked.get("sub_appid")
        lines = (app_id, parameters["timeStamp"], parameters["nonceStr"], parameters["package"])
        text = "".join(f"{line}\n" for line in lines).encode()
        signed = verify_rsa(text, parameters["paySign"], self.account.merchant_key)
        if parameters["signType"] != "RSA" or not signed:
            return "requestPayment:fail 支付验证签名失败"
        return None

    def consent_changed(self, citizen: Citizen, template_ids: Sequence[str], consents: int) -> None:
        push.push_consent(self, citizen, template_ids, consents)

    def trigger_event(self, event: str, details: Mapping[str, Any]) -> None:
        """`verify`, or an event of subscriptions with `{open_id, entries}`."""
        if event == "verify":
            push.verify_address(self)
            return
        push.push(self, event, str(details.get("open_id", "")), list(details.get("entries", [])))

    def controls(self) -> Sequence[tuple[str, str, ControlAct]]:
        return (
            ("GET", "/account", lambda _, __: self.account.about()),
            ("GET", "/policy", lambda _, __: self.policy),
            ("PUT", "/policy", self._set_policy),
            (
                "POST",
                "/refunds/{number}/finish",
                lambda path, body: pay_refunds.finish_by_hand(self, path, body),
            ),
        )

    def resume(self) -> None:
        super().resume()
        for refund in self.refunds:
            if refund.state == "processing":
                pay_refunds.finish_later(self, refund)

    def reset(self) -> None:
        super().reset()
        self.policy = Policy()
        self.tokens.clear()
        self.forced_at.clear()
        self.session_keys.clear()
        self.order_numbers.clear()
        self.refund_numbers.clear()
        self.bills.clear()

    def _set_policy(self, _: Mapping[str, str], body: bytes) -> Policy:
        known = msgspec.to_builtins(self.policy)
        try:
            self.policy = msgspec.convert({**known, **msgspec.json.decode(body)}, Policy)
        except (msgspec.MsgspecError, TypeError) as error:
            raise CannotDo(400, str(error)) from error
        return self.policy

    def _guard_mini(self, handler: MiniHandler) -> Handler:
        def answer(call: Call) -> Answer:
            try:
                sealed = api_security.is_sealed(call)
                return handler(self, api_security.open_sealed(self, call) if sealed else call)
            except Refused as refusal:
                return errcode_answer(refusal)

        return answer

    def _guard_pay(self, handler: PayHandler) -> Handler:
        def answer(call: Call) -> Answer:
            try:
                return handler(self, call, prove_merchant(self, call))
            except PayRefused as refusal:
                return pay_answer(refusal)

        return answer


def _one_fen_more(answer: Answer) -> Answer:
    said = msgspec.json.decode(answer.body) if answer.status == 200 else {}
    if not isinstance(said.get("amount"), dict):
        return answer
    said["amount"]["total"] += 1
    return msgspec.structs.replace(answer, body=msgspec.json.encode(said))
