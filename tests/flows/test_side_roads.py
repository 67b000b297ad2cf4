"""What else becomes of cases: corrected, suspended, withdrawn, refused, applied for by others."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from api.database import CHINA
from api.settings import Settings
from tests.cases.intake.builders import ANSWERS, LOST_REPORT, RESIDENCE, service_at
from tests.citizens.builders import identity_number
from tests.clerks.builders import clerk_named, headers_of
from tests.flows.people import Place, Visitor, event, without_id

LOST_CARD = "440701003000"
LICENCE_CODE = "91350100M000100Y43"


@pytest.fixture
async def here(place: Place) -> Visitor:
    return await place.arrive(place.wechat, name="测试甲")


async def apply_for_residence(place: Place, here: Visitor, **form: Any) -> str:
    code = await service_at(place.client, RESIDENCE)
    return await here.submitted(code, {**ANSWERS[RESIDENCE], **form}, "m1", "m2", "m3")


async def test_a_correction_stops_the_clock_and_takes_what_was_asked_for(
    place: Place, here: Visitor
) -> None:
    case_no = await apply_for_residence(place, here)
    await place.department.moved(case_no, "accepted")
    running = await here.progress(case_no)
    assert (running["clock"], running["label"]) == ("running", "审批中")
    asked = {"fields": ["address"], "materials": [{"material_id": "m2", "reason": "缺少反面"}]}
    await place.department.moved(case_no, "correction_requested", correction=asked)
    paused = await here.progress(case_no)
    assert (paused["status"], paused["clock"]) == ("awaiting_correction", "paused")
    wanted = (await here.read(f"/v1/cases/{case_no}"))["correction"]
    assert wanted["fields"] == ["address"]
    path = f"/v1/cases/{case_no}/corrections"
    papers = await here.papers("m2")
    half = await here.post(path, {"form": {"address": "演示路二号"}})
    assert half.status_code == 400, half.text
    more = {"form": {"address": "演示路二号", "applicant_name": "别人"}, "materials": papers}
    assert (await here.post(path, more)).status_code == 400
    whole = {"form": {"address": "演示路二号"}, "materials": papers}
    handed_in = await here.post(path, whole)
    assert (handed_in.status_code, handed_in.json()["status"]) == (200, "accepted"), handed_in.text
    again = await here.progress(case_no)
    assert (again["clock"], again["due_on"]) == ("running", running["due_on"])
    told = await here.told(case_no, "需要补正材料", "accepted", "delivered")
    assert told["kind"] == "correction_needed"


async def test_a_correction_asks_only_for_what_the_guide_asks_for(
    place: Place, here: Visitor
) -> None:
    case_no = await apply_for_residence(place, here)
    before = await here.progress(case_no)
    wrong: tuple[dict[str, Any], ...] = (
        {"fields": ["salary"]},
        {"materials": [{"material_id": "m99"}]},
        {"fields": [], "materials": []},
    )
    for correction in wrong:
        answer = await place.department.push(case_no, "correction_requested", correction=correction)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert await here.progress(case_no) == before


def days_ago(count: int) -> str:
    return (datetime.now(CHINA) - timedelta(days=count)).isoformat()


async def test_a_suspension_is_not_counted_against_the_department(place: Place) -> None:
    department = place.department
    code = await service_at(place.client, RESIDENCE)
    due: dict[bool, date] = {}
    for suspended in (False, True):
        case_no = await department.counter_case(code, received_at=days_ago(16))
        await department.moved(case_no, "accepted", occurred_at=days_ago(15))
        if suspended:
            refused = await department.push(case_no, "suspended", occurred_at=days_ago(14))
            assert refused.status_code == 400, "a suspension says why and for how long"
            said = {"reason": "入户核查", "days": 10, "occurred_at": days_ago(14)}
            await department.moved(case_no, "suspended", **said)
            stands = (await department.call("GET", f"cases/{case_no}")).json()
            assert (stands["clock"], stands["due_on"]) == ("paused", None)
            await department.moved(case_no, "resumed", occurred_at=days_ago(7))
        stands = (await department.call("GET", f"cases/{case_no}")).json()
        assert (stands["status"], stands["clock"]) == ("accepted", "running")
        due[suspended] = date.fromisoformat(stands["due_on"])
    assert due[True] - due[False] >= timedelta(days=5)


async def test_a_withdrawn_case_is_out_of_the_departments_hands(
    place: Place, here: Visitor
) -> None:
    case_no = await apply_for_residence(place, here)
    path = f"/v1/cases/{case_no}/withdrawal"
    for _ in range(2):
        withdrawn = await here.post(path, {"reason": "情况有变"})
        assert (withdrawn.status_code, withdrawn.json()["label"]) == (200, "已撤回")
    impossible = await place.department.push(case_no, "accepted")
    assert (impossible.status_code, impossible.json()["code"]) == (409, "invalid_move")
    assert "已撤回" in impossible.json()["detail"]
    assert (await here.progress(case_no))["status"] == "withdrawn"
    # A file that a department wants no more is nobody else's either.
    assert (await here.post(f"/v1/cases/{case_no}/submit")).status_code == 409


async def test_a_refusal_says_why(place: Place, here: Visitor) -> None:
    case_no = await apply_for_residence(place, here)
    silent = await place.department.push(case_no, "completed", result={"code": "1"})
    assert (silent.status_code, silent.json()["errors"][0]["field"]) == (400, "result.reason")
    result = {"code": "1", "reason": "居住不满半年"}
    await place.department.moved(case_no, "completed", result=result)
    seen = await here.read(f"/v1/cases/{case_no}")
    assert (seen["result"]["code"], seen["result"]["reason"]) == ("1", "居住不满半年")
    assert seen["label"] == "待评价"
    late = await here.post(f"/v1/cases/{case_no}/withdrawal", {"reason": "太晚了"})
    assert (late.status_code, late.json()["code"]) == (409, "invalid_move")


async def test_what_one_case_issued_stands_for_a_material_of_the_next(
    place: Place, here: Visitor
) -> None:
    form = {
        "applicant_name": "测试甲",
        "lost_on": "2026-01-05",
        "has_fingerprint": True,
        "delivery": "window",
        "phone": "13800138000",
    }
    code = await service_at(place.client, LOST_CARD)
    card = await here.submitted(code, form, "m1")
    residence = await service_at(place.client, RESIDENCE)
    guide = await here.read(f"/v1/services/{residence}")
    [wanted] = [m for m in guide["materials"] if m["certificate_type"] == "居民身份证"]
    instead = [{"material_id": wanted["material_id"], "certificate_id": card}]
    before = await here.apply(residence, materials=instead)
    assert [e["code"] for e in before.json()["errors"]] == ["unknown_certificate"]
    await place.department.moved(card, "completed")
    await here.told(card, "已办结，请评价", "accepted", "delivered")
    begun = await here.apply(residence, ANSWERS[RESIDENCE], materials=instead)
    assert begun.status_code == 201, begun.text
    missing = {m["field"] for m in begun.json()["missing"]}
    assert f"materials.{wanted['material_id']}" not in missing
    [kept] = (await here.read(f"/v1/cases/{begun.json()['case_no']}"))["materials"]
    assert kept["consented_at"] is not None
    other = await place.arrive(place.alipay)
    foreign = await other.apply(residence, materials=instead)
    never = await other.apply(
        residence, materials=[{**instead[0], "certificate_id": f"{card[:-9]}999999999"}]
    )
    assert without_id(foreign) == without_id(never)


async def test_an_agent_does_what_the_authority_says_and_no_more(
    place: Place, here: Visitor
) -> None:
    agent = await place.arrive(place.alipay, name="测试丁")
    code = await service_at(place.client, LOST_REPORT)
    invitation = (await agent.post("/v1/agents/invitations")).json()["code"]
    body = {
        "invitation_code": invitation,
        "scopes": ["apply"],
        "service_codes": [code],
        "until": f"{date.today() + timedelta(days=30)}",
    }
    authority = (await here.post("/v1/agents", body)).json()
    acting = for_somebody(agent, here)
    assert (await acting.apply(code, ANSWERS[LOST_REPORT], submit=True)).status_code == 403
    accepted = await agent.post(f"/v1/agents/{authority['authority_id']}/acceptance")
    assert accepted.json()["in_force"] is True, accepted.text
    done = await acting.apply(code, ANSWERS[LOST_REPORT], submit=True)
    assert (done.status_code, done.json()["status"]) == (201, "completed"), done.text
    case_no = done.json()["case_no"]
    # It is the principal's case, and their record says whose hand it was.
    detail = await here.read(f"/v1/cases/{case_no}")
    assert detail["agent_id"] == agent.citizen_id
    assert (await agent.get(f"/v1/cases/{case_no}")).status_code == 404
    log = (await here.read("/v1/me/access-log"))["items"]
    assert f"agent:{agent.citizen_id}" in {line["actor"] for line in log}
    other_service = await service_at(place.client, RESIDENCE)
    assert (await acting.apply(other_service)).status_code == 403
    assert (await acting.get("/v1/me")).status_code == 403
    assert (await here.delete(f"/v1/agents/{authority['authority_id']}")).status_code == 204
    assert (await acting.apply(code, ANSWERS[LOST_REPORT])).status_code == 403


def for_somebody(agent: Visitor, principal: Visitor) -> Visitor:
    return Visitor(
        citizen_id=agent.citizen_id,
        client=agent.client,
        headers={**agent.headers, "X-On-Behalf-Of": principal.citizen_id},
        gateway=agent.gateway,
        open_id=agent.open_id,
    )


async def test_an_organisation_applies_once_a_clerk_has_confirmed_it(
    place: Place, here: Visitor, standing_settings: Settings
) -> None:
    await here.show_face("测试甲", identity_number())
    items = await here.read("/v1/services?audience=legal_person&online=true&limit=1")
    code = items["items"][0]["service_code"]
    claim = {"credit_code": LICENCE_CODE, "name": "演示有限公司"}
    organisation = (await here.post("/v1/organisations", claim)).json()
    organisation_id = organisation["organisation_id"]
    early = await here.apply(code, organisation_id=organisation_id)
    assert [e["code"] for e in early.json()["errors"]] == ["unknown_organisation"], early.text
    clerk = await clerk_named(standing_settings, f"zhu-{organisation_id[-10:]}", "supervisor")
    desk = await headers_of(place.client, clerk)
    path = f"/v1/clerk/organisations/{organisation_id}/decision"
    decided = await place.client.post(path, json={"confirmed": True}, headers=desk)
    assert decided.json()["state"] == "verified", decided.text
    try:
        begun = await here.apply(code, organisation_id=organisation_id)
        assert begun.status_code == 201, begun.text
        detail = await here.read(f"/v1/cases/{begun.json()['case_no']}")
        assert detail["organisation_id"] == organisation_id
        stranger = await place.arrive(place.alipay)
        foreign = await stranger.apply(code, organisation_id=organisation_id)
        assert [e["code"] for e in foreign.json()["errors"]] == ["unknown_organisation"]
    finally:
        # Of several claims to a code one is confirmed, and other tests claim it too.
        await place.client.post(path, json={"confirmed": False}, headers=desk)


async def test_a_late_event_cannot_be_refused_and_changes_nothing(
    place: Place, here: Visitor
) -> None:
    case_no = await apply_for_residence(place, here)
    early = event("accepted")
    await place.department.moved(case_no, "completed")
    late = await place.department.call("POST", f"cases/{case_no}/events", early)
    assert (late.status_code, late.json()["applied"]) == (202, False)
    assert (await here.progress(case_no))["status"] == "completed"
