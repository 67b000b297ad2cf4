"""From Alipay's sign-in to a completed case that waits for its evaluation."""

from __future__ import annotations

from typing import Any

from tests.citizens.builders import identity_number
from tests.flows.people import Place, Visitor, open_number

FORM: dict[str, Any] = {
    "members": 3,
    "monthly_income_yuan": 2000,
    "has_worker": False,
    "difficulties": "家人长期患病",
}
PAPERS = ("m1", "m2", "m3", "m5")
COMPLETED = "已办结，请评价"


async def test_a_case_goes_from_the_sign_in_to_the_evaluation(place: Place) -> None:
    phone = open_number()
    here = await place.arrive(place.alipay, name="测试乙", phone=phone)
    assert await here.give_phone() == f"{phone[:3]}****{phone[-4:]}"
    assert (await here.show_face("测试乙", identity_number()))["state"] == "passed"
    service_code = place.standing.known()["services"]["needs_correction"]
    begun = (await here.apply(service_code, FORM)).json()
    # Name and phone are what the channel told; the papers are still to come.
    assert [m["field"] for m in begun["missing"]] == [f"materials.{m}" for m in PAPERS]
    case_no = begun["case_no"]
    papers = await here.papers(*PAPERS)
    changed = await here.patch(f"/v1/cases/{case_no}", {"materials": papers})
    assert changed.json()["completeness_percent"] == 100, changed.text
    submitted = await here.post(f"/v1/cases/{case_no}/submit")
    assert submitted.json()["label"] == "待预审", submitted.text
    there = await place.also_in(place.wechat, here)
    await follow(place, case_no, here, there)
    told = await here.told(case_no, COMPLETED, "accepted", "delivered")
    other = there if told["channel"] == "wechat" else here
    assert place.sent(other, "case_completed") == 1
    assert place.sent(here, "case_completed") + place.sent(there, "case_completed") == 1


async def follow(place: Place, case_no: str, *everywhere: Visitor) -> None:
    """The department's acts, each seen at once in every app."""
    for event, label, clock in (
        ("accepted", "审批中", "running"),
        ("reviewed", "审批中", "running"),
        ("completed", "待评价", "stopped"),
    ):
        moved = await place.department.moved(case_no, event)
        for who in everywhere:
            seen = await who.progress(case_no)
            assert (seen["label"], seen["clock"]) == (label, clock), (event, who.gateway.name)
            assert seen["version"] == moved["version"]
    result = (await everywhere[0].read(f"/v1/cases/{case_no}"))["result"]
    assert result["code"] == "0"


async def test_whoever_began_in_alipay_is_told_there_once(place: Place) -> None:
    here = await place.arrive(place.alipay)
    service_code = place.standing.known()["services"]["needs_correction"]
    form = {**FORM, "applicant_name": "测试乙", "phone": "13800001235"}
    case_no = await here.submitted(service_code, form, *PAPERS)
    await place.department.moved(case_no, "completed")
    told = await here.told(case_no, COMPLETED, "accepted")
    # Alipay says that it took a message, and never whether it arrived.
    assert (told["channel"], told["reason"]) == ("alipay", None)
    assert place.sent(here, "case_completed") == 1


async def test_signing_out_in_one_app_leaves_the_other(place: Place) -> None:
    here = await place.arrive(place.alipay)
    there = await place.also_in(place.wechat, here)
    assert (await here.delete("/v1/sessions/current")).status_code == 204
    assert (await here.get("/v1/me")).status_code == 401
    assert (await there.get("/v1/me")).status_code == 200
