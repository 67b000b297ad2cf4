"""Clerks: handling a case, comparing a claim with the register, managing clerks."""

from __future__ import annotations

import secrets

from tools.record_examples.people import (
    LONG_PHRASE,
    TOTP_SECRET,
    Citizen,
    administrator,
    demonstration_clerk,
)
from tools.record_examples.recorder import Recorder
from tools.record_examples.walk_cases import begin_whole


def handle_cases(recorder: Recorder, here: Citizen, organisation_id: str) -> None:
    """A handler's, a supervisor's and an auditor's work, all of it the demonstration's clerk's."""
    case_no = begin_whole(recorder, here, "case-3")
    desk = demonstration_clerk(recorder)
    recorder.call(desk, "GET /v1/clerk/me")
    recorder.call(desk, "GET /v1/clerk/tasks", status="submitted", limit=2)
    path = "/v1/clerk/cases/{case_no}"
    seen = recorder.call(desk, f"GET {path}", case_no=case_no, purpose="核对申请材料")
    move = {"move": "accepted", "note": "材料齐全"}
    version = {"If-Match": f'"{seen["version"]}"'}
    recorder.call(desk, f"POST {path}/moves", move, case_no=case_no, headers=version)
    recorder.call(desk, "GET /v1/clerk/audit", subject=f"case:{case_no}", limit=2)
    recorder.call(desk, "GET /v1/clerk/organisations", state="unverified")
    decide = "POST /v1/clerk/organisations/{organisation_id}/decision"
    recorder.call(desk, decide, {"confirmed": True}, organisation_id=organisation_id)


def manage_clerks(recorder: Recorder) -> None:
    """An administrator makes a clerk, looks who there is, and disables the new one."""
    desk = administrator(recorder)
    user = f"wang-{secrets.token_hex(3)}"
    recorder.plain.show(user, "wang.min")
    body = {
        "user": user,
        "name": "测试工作人员",
        "password": LONG_PHRASE,
        "roles": ["handler"],
        "service_prefixes": ["11440106"],
        "region_prefixes": ["440106"],
    }
    made = recorder.call(desk, "POST /v1/clerk/clerks", body)
    recorder.plain.show(made["totp_secret"], TOTP_SECRET)
    recorder.call(desk, "GET /v1/clerk/clerks", limit=2)
    recorder.call(desk, "DELETE /v1/clerk/clerks/{user}", user=user)
    recorder.call(desk, "DELETE /v1/clerk/sessions/current")
