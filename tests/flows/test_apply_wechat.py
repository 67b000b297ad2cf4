"""From WeChat's sign-in to a completed case that waits for its evaluation."""

from __future__ import annotations

from tests.cases.intake.builders import ANSWERS, RESIDENCE, service_at
from tests.citizens.builders import identity_number
from tests.flows.people import Place, Visitor, open_number

COMPLETED = "已办结，请评价"


async def test_a_case_goes_from_the_sign_in_to_the_evaluation(place: Place) -> None:
    phone, number = open_number(), identity_number()
    here = await place.arrive(place.wechat, name="测试甲", phone=phone)
    assert await here.give_phone() == f"{phone[:3]}****{phone[-4:]}"
    assert (await here.show_face("测试甲", number))["assurance_level"] == "face"
    there = await place.also_in(place.alipay, here)
    case_no = await hand_in(place, here, number)
    assert (await there.read("/v1/cases"))["items"][0]["case_no"] == case_no
    for event, status, label in (
        ("pre_checked", "pre_checked", "待受理"),
        ("accepted", "accepted", "审批中"),
        ("reviewed", "reviewed", "审批中"),
        ("decided", "decided", "审批中"),
        ("completed", "completed", "待评价"),
    ):
        await place.department.moved(case_no, event, note="请携带证件")
        # Whoever looks right after the department's answer sees it, wherever they look.
        for who in (here, there):
            seen = await who.progress(case_no)
            assert (seen["status"], seen["label"]) == (status, label), who.gateway.name
    steps = (await here.progress(case_no))["steps"]
    assert [step["name"] for step in steps if step["status"] == "current"] in ([], ["送达"])


async def hand_in(place: Place, here: Visitor, number: str) -> str:
    """Guide, draft, files, completeness, submission."""
    code = await service_at(place.client, RESIDENCE)
    guide = await here.read(f"/v1/services/{code}")
    asked = {field["name"] for field in guide["process"]["form"]}
    assert asked >= ANSWERS[RESIDENCE].keys()
    begun = (await here.apply(code, {"ground": "study"})).json()
    assert begun["status"] == "draft"
    path = f"/v1/cases/{begun['case_no']}"
    refused = await here.post(f"{path}/submit")
    missing = {error["field"] for error in refused.json()["errors"]}
    assert refused.status_code == 400
    assert missing == {wanted["field"] for wanted in begun["missing"]}
    form = {k: v for k, v in ANSWERS[RESIDENCE].items() if k not in ("id_number", "phone")}
    wanted = [field.removeprefix("materials.") for field in missing if "materials." in field]
    papers = await here.papers(*wanted)
    whole = (await here.patch(path, {"form": form, "materials": papers})).json()
    assert (whole["completeness_percent"], whole["missing"]) == (100, [])
    # What the channel has proven need not be typed.
    assert (await here.read(path))["form"]["id_number"] == number
    submitted = await here.post(f"{path}/submit")
    assert (submitted.status_code, submitted.json()["label"]) == (200, "待预审"), submitted.text
    return str(begun["case_no"])


async def test_the_end_is_told_once_and_its_arrival_known(place: Place) -> None:
    # As in life: first the answer, then the report.
    place.wechat.faults(late_ms=500, only="notice")
    here = await place.arrive(place.wechat)
    code = await service_at(place.client, RESIDENCE)
    case_no = await here.submitted(code, ANSWERS[RESIDENCE], "m1", "m2", "m3")
    end = {"event_id": f"end-{case_no}", "occurred_at": "2026-03-02T09:00:00+08:00"}
    for applied in (True, False, False):
        answer = await place.department.push(case_no, "completed", **end)
        assert (answer.status_code, answer.json()["applied"]) == (202, applied)
    told = await here.told(case_no, COMPLETED, "delivered")
    assert (told["channel"], told["kind"]) == ("wechat", "case_completed")
    assert told["sent_at"] is not None
    assert place.sent(here, "case_completed") == 1


async def test_people_are_told_where_they_began(place: Place) -> None:
    here = await place.arrive(place.wechat)
    there = await place.also_in(place.alipay, here)
    code = await service_at(place.client, RESIDENCE)
    case_no = await here.submitted(code, ANSWERS[RESIDENCE], "m1", "m2", "m3")
    await place.department.moved(case_no, "completed")
    told = await here.told(case_no, COMPLETED, "accepted", "delivered")
    assert told["channel"] == "wechat"
    assert (place.sent(here, "case_completed"), place.sent(there, "case_completed")) == (1, 0)
