"""Money: a bill, its payment in the app, some of it back; another payment that is not made."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from tools.record_examples.people import Citizen
from tools.record_examples.recorder import NOBODY, Recorder, Who
from tools.record_examples.walk_cases import begin_whole
from tools.record_examples.walk_platform import until

FEE_FEN = 2000
# What the app hands on unchanged: random in its last parts.
PLAIN_PARAMETERS = {
    "nonceStr": "0123456789abcdefghijABCDEFGHIJ01",
    "paySign": "c2lnbmF0dXJl",
    "package": "prepay_id=wx231000000000000000000000000000000000",
    "timeStamp": "1795399200",
}


def pay(recorder: Recorder, here: Citizen, department: Who) -> None:
    """The department bills a case; the person pays, and pays another bill not."""
    case_no = begin_whole(recorder, here, "case-4")
    bill_no = _bill(recorder, department, case_no, "44010020261123000001")
    recorder.call(here, "GET /v1/bills", status="unpaid")
    paid = _begin_payment(recorder, here, bill_no)
    recorder.control(here.channel, "POST", f"/payments/{paid}/confirm")
    own = "GET /v1/payments/{payment_no}"
    until(lambda: recorder.call(here, own, kept=False, payment_no=paid)["finished"])
    recorder.call(here, own, payment_no=paid)
    recorder.call(here, "GET /v1/bills/{bill_no}", bill_no=bill_no)
    _give_back(recorder, department, paid)
    other = begin_whole(recorder, here, "case-5")
    other_bill = _bill(recorder, department, other, "44010020261123000002")
    unpaid = _begin_payment(recorder, here, other_bill)
    recorder.call(here, "POST /v1/payments/{payment_no}/cancellation", payment_no=unpaid)
    _show_receipt(recorder, here, paid)


def _show_receipt(recorder: Recorder, here: Citizen, payment_no: str) -> None:
    """What the worker has issued by then, and what anybody may see of it."""
    path = "GET /v1/payments/{payment_no}/receipt"

    def issued() -> Any:
        # Not issued yet is said as a problem.
        with suppress(SystemExit):
            return recorder.call(here, path, kept=False, payment_no=payment_no)

    recorder.plain.show(until(issued)["check"], "R1ZKB1")
    receipt = recorder.call(here, path, payment_no=payment_no)
    named = {name: receipt[name] for name in ("code", "number", "check")}
    recorder.call(NOBODY, "GET /v1/receipts/{code}/{number}", **named)


def _bill(recorder: Recorder, department: Who, case_no: str, shown: str) -> str:
    bill = {
        "reference": f"fee-{case_no}",
        "case_no": case_no,
        "amount_fen": FEE_FEN,
        "basis": "演示收费依据",
        "standard": "每件20元",
    }
    billed: str = recorder.call(department, "POST /v1/platform/bills", bill)["bill_no"]
    recorder.plain.show(billed, shown)
    return billed


def _begin_payment(recorder: Recorder, here: Citizen, bill_no: str) -> str:
    begun = recorder.call(
        here,
        "POST /v1/payments",
        {"bill_no": bill_no, "channel": here.channel},
        headers={"Idempotency-Key": f"payment-{bill_no}"},
    )
    for name, value in (begun["client_parameters"] or {}).items():
        if name in PLAIN_PARAMETERS:
            recorder.plain.show(value, PLAIN_PARAMETERS[name])
    return str(begun["payment_no"])


def _give_back(recorder: Recorder, department: Who, payment_no: str) -> None:
    path = "/v1/platform/payments/{payment_no}"
    seen: dict[str, Any] = recorder.call(department, f"GET {path}", payment_no=payment_no)
    refund = {
        "amount_fen": FEE_FEN // 2,
        "refund_amount_available_fen": seen["refund_amount_available_fen"],
        "reason": "减免一半",
    }
    key = {"Idempotency-Key": f"refund-{payment_no}"}
    recorder.call(department, f"POST {path}/refunds", refund, payment_no=payment_no, headers=key)
