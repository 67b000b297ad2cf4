"""Applying: files, drafts, submission, a correction, withdrawal, and asking how it goes."""

from __future__ import annotations

from msgspec import Struct

from tools.record_examples.people import Citizen
from tools.record_examples.recorder import NOBODY, Recorder, Who
from tools.record_examples.walk_platform import QUERY_PASSWORD, push_event

SHEET = b"%PDF-1.4\n% a sheet of paper\n%%EOF\n"
FORM = {
    "applicant_name": "测试甲",
    "members": 3,
    "monthly_income_yuan": 2000,
    "has_worker": False,
    "difficulties": "家人长期患病",
    "phone": "13800001234",
}


class Applied(Struct, frozen=True):
    """What is needed to ask how a case goes."""

    case_no: str
    query_password: str


def apply_for_things(recorder: Recorder, here: Citizen, department: Who) -> Applied:
    """A case from its draft to its corrections, another that is withdrawn, a draft thrown away."""
    applied = _begin(recorder, here, "draft-1")
    case_no = applied.case_no
    draft = {"form": FORM, "materials": papers(recorder, here, "m1", "m2", "m3", "m5")}
    seen = {"If-Match": '"1"'}
    recorder.call(here, "PATCH /v1/cases/{case_no}", draft, case_no=case_no, headers=seen)
    key = {"Idempotency-Key": "submit-1"}
    recorder.call(here, "POST /v1/cases/{case_no}/submit", case_no=case_no, headers=key)
    push_event(recorder, department, case_no, "accepted", note="材料齐全")
    _correct(recorder, here, department, case_no)
    recorder.call(here, "GET /v1/cases", limit=2, status="accepted")
    recorder.call(here, "GET /v1/cases/{case_no}", case_no=case_no)
    recorder.call(here, "GET /v1/cases/{case_no}/progress", case_no=case_no)
    _change_ones_mind(recorder, here)
    return applied


def _begin(recorder: Recorder, here: Citizen, key: str) -> Applied:
    draft = {
        "service_code": recorder.demonstration["services"]["needs_correction"],
        "form": {"members": 3},
        "materials": [],
        "submit": False,
    }
    begun = recorder.call(here, "POST /v1/cases", draft, headers={"Idempotency-Key": key})
    recorder.plain.show(begun["query_password"], QUERY_PASSWORD)
    return Applied(begun["case_no"], begun["query_password"])


def _correct(recorder: Recorder, here: Citizen, department: Who, case_no: str) -> None:
    """The department asks for a signature, and gets it."""
    asked = {"fields": [], "materials": [{"material_id": "m2", "reason": "缺少签名"}]}
    said = {"note": "授权书缺少签名", "correction": asked}
    push_event(recorder, department, case_no, "correction_requested", **said)
    corrected = {"materials": papers(recorder, here, "m2")}
    key = {"Idempotency-Key": "correction-1"}
    path = "/v1/cases/{case_no}/corrections"
    recorder.call(here, f"POST {path}", corrected, case_no=case_no, headers=key)


def _change_ones_mind(recorder: Recorder, here: Citizen) -> None:
    case_no = begin_whole(recorder, here, "case-2")
    reason = {"reason": "情况有变，不再申请"}
    key = {"Idempotency-Key": "withdrawal-1"}
    path = "/v1/cases/{case_no}/withdrawal"
    recorder.call(here, f"POST {path}", reason, case_no=case_no, headers=key)
    draft = _begin(recorder, here, "draft-2")
    recorder.call(here, "DELETE /v1/cases/{case_no}", case_no=draft.case_no)


def ask_by_password(recorder: Recorder, applied: Applied) -> None:
    """Whoever holds the receipt may ask."""
    recorder.call(
        NOBODY,
        "GET /v1/progress",
        case_no=applied.case_no,
        query_password=applied.query_password,
    )


def begin_whole(recorder: Recorder, here: Citizen, key: str) -> str:
    """A case that is handed in at once; gives its number."""
    whole = {
        "service_code": recorder.demonstration["services"]["needs_correction"],
        "form": FORM,
        "materials": papers(recorder, here, "m1", "m2", "m3", "m5"),
        "submit": True,
    }
    begun = recorder.call(here, "POST /v1/cases", whole, headers={"Idempotency-Key": key})
    recorder.plain.show(begun["query_password"], QUERY_PASSWORD)
    return str(begun["case_no"])


def papers(recorder: Recorder, here: Citizen, *material_ids: str) -> list[dict[str, str]]:
    """A sheet of paper for each."""
    return [
        {"material_id": material_id, "upload_id": _upload(recorder, here)}
        for material_id in material_ids
    ]


def _upload(recorder: Recorder, here: Citizen) -> str:
    files = {"file": ("sheet.pdf", SHEET, "application/pdf")}
    upload_id: str = recorder.call(here, "POST /v1/uploads", files=files)["upload_id"]
    recorder.call(here, "GET /v1/uploads/{upload_id}", upload_id=upload_id)
    return upload_id
