"""An agent pays for somebody by written authority, with an account of their own."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from api.kinds import new_id
from tests.payments.conftest import FEE_FEN, Counter, Payer
from tests.payments.test_bills_without_case import make_settings as make_settings
from tests.payments.test_bills_without_case import own


async def agent_for(counter: Counter, principal: Payer, agent: Payer, **said: Any) -> Payer:
    """The agent as they act for the principal, once both have agreed."""
    until = date.today() + timedelta(days=30)
    body = {"scopes": ["pay"], "until": f"{until}", "agent_id": agent.citizen_id, **said}
    offered = await principal.post("/v1/agents", body)
    assert offered.status_code == 201, offered.text
    authority_id = offered.json()["authority_id"]
    accepted = await agent.post(f"/v1/agents/{authority_id}/acceptance")
    assert accepted.status_code < 300, accepted.text
    headers = {**agent.headers, "X-On-Behalf-Of": principal.citizen_id}
    return Payer(principal.citizen_id, counter.client, headers, counter)


async def test_an_agent_pays_with_their_own_account(counter: Counter) -> None:
    principal, agent = await counter.citizen("wechat"), await counter.citizen("alipay")
    bill_no = await principal.owing()
    acting = await agent_for(counter, principal, agent)
    # The principal's WeChat account is not the agent's to pay with.
    refused = await acting.begin(bill_no, "wechat")
    assert (refused.status_code, refused.json()["code"]) == (409, "payer_not_linked")
    payment_no = await acting.begun(bill_no, "alipay")
    await acting.confirm(payment_no, "alipay")
    await counter.becomes(payment_no, "succeeded")
    assert (await principal.get(f"/v1/bills/{bill_no}")).json()["status"] == "paid"
    assert (await acting.read(payment_no))["amount_fen"] == FEE_FEN
    link = await counter.value(
        "select l.citizen_id from payments p join channel_links l using (link_id)"
        " where p.payment_no = $1",
        payment_no,
    )
    assert link == agent.citizen_id
    # For themselves, the agent has neither this bill nor this payment.
    assert (await agent.get(f"/v1/bills/{bill_no}")).status_code == 404
    assert (await agent.get(f"/v1/payments/{payment_no}")).status_code == 404


async def test_an_agent_without_that_authority_pays_nothing(counter: Counter) -> None:
    principal, agent = await counter.citizen("wechat"), await counter.citizen("wechat")
    bill_no = await principal.owing()
    acting = await agent_for(counter, principal, agent, scopes=["progress"])
    for answer in (
        await acting.begin(bill_no),
        await acting.get(f"/v1/bills/{bill_no}"),
        await acting.get("/v1/bills"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await counter.value("select count(*) from payments") == 0


async def test_an_agent_pays_only_for_the_services_of_the_authority(counter: Counter) -> None:
    principal, agent = await counter.citizen("wechat"), await counter.citizen("wechat")
    bill_no = await principal.owing()
    fine = (await own(counter, principal, {"violation": "parking"})).json()
    acting = await agent_for(counter, principal, agent, service_codes=[fine["service_code"]])
    assert (await acting.begin(bill_no)).status_code == 403
    seen = (await acting.get("/v1/bills")).json()["items"]
    assert [bill["bill_no"] for bill in seen] == [fine["bill_no"]]
    payment_no = await acting.begun(fine["bill_no"])
    await acting.confirm(payment_no)
    await counter.becomes(payment_no, "succeeded")


async def test_an_agent_cannot_reach_somebody_elses_bill(counter: Counter) -> None:
    principal, agent = await counter.citizen("wechat"), await counter.citizen("wechat")
    third = await counter.citizen("wechat")
    bill_no = await third.owing()
    acting = await agent_for(counter, principal, agent)
    foreign, missing = await acting.begin(bill_no), await acting.begin("1" * 20)
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert (await acting.get(f"/v1/bills/{bill_no}")).status_code == 404
    stranger = {**agent.headers, "X-On-Behalf-Of": third.citizen_id}
    answer = await counter.client.post(
        "/v1/payments",
        json={"bill_no": bill_no, "channel": "wechat"},
        headers={**stranger, "Idempotency-Key": new_id()},
    )
    assert answer.status_code == 403
