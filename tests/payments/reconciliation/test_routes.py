"""Who sees which difference, and who settles it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.clerks.builders import clerk_named, headers_of
from tests.payments.conftest import FEE_FEN, Counter
from tests.payments.reconciliation.days import change, paid_in_silence, reconcile, today
from tests.platforms.builders import Partner, new_partner

PATH = f"/v1/platform/reconciliations/{today()}"


async def read(counter: Counter, partner: Partner, path: str = PATH) -> httpx.Response:
    return await partner.call(counter.client, "GET", path)


@pytest.fixture
async def open_day(counter: Counter) -> Counter:
    """A day with two differences: one of a payment of ours, one of nobody's."""
    payer = await counter.citizen("wechat")
    await paid_in_silence(counter, payer, "wechat")
    await change(counter, "delete from payments")
    await paid_in_silence(counter, payer, "wechat")
    await change(
        counter,
        "update payments set amount_fen = amount_fen + 1, status = 'succeeded', paid_at = now()",
    )
    assert (await reconcile(counter, "wechat")).state == "open"
    return counter


async def test_a_key_sees_the_differences_of_what_it_covers(open_day: Counter) -> None:
    whole = await new_partner(open_day.till.settings, name="whole", services=[""], regions=[""])
    service = await open_day.value("select max(service_code) from reconciliation_differences")
    part = await new_partner(
        open_day.till.settings, name="part", services=[service[:18]], regions=[""]
    )
    other = await new_partner(open_day.till.settings, name="other", services=["99"], regions=[""])
    seen = {
        name: (await read(open_day, partner)).json()
        for name, partner in (("whole", whole), ("part", part), ("other", other))
    }
    causes = {name: [i["cause"] for i in page["items"]] for name, page in seen.items()}
    assert {name: sorted(found) for name, found in causes.items()} == {
        "whole": ["amount", "missing_here"],
        "part": ["amount"],
        "other": [],
    }
    [item] = seen["part"]["items"]
    assert (item["here_fen"], item["there_fen"], item["gap_fen"]) == (FEE_FEN + 1, FEE_FEN, 1)
    assert item["refund_no"] is None
    assert [c["reconciled"] for c in seen["other"]["channels"]] == [True]
    assert "note" not in item


async def test_pages_go_on_where_they_stopped(open_day: Counter) -> None:
    whole = await new_partner(open_day.till.settings, name="whole", services=[""], regions=[""])
    first = (await read(open_day, whole, f"{PATH}?limit=1&channel=wechat")).json()
    assert len(first["items"]) == 1
    rest = (
        await read(open_day, whole, f"{PATH}?limit=1&channel=wechat&cursor={first['next_cursor']}")
    ).json()
    assert len(rest["items"]) == 1
    assert rest["next_cursor"] is None
    assert rest["items"][0]["difference_id"] != first["items"][0]["difference_id"]
    foreign = await read(open_day, whole, f"{PATH}?limit=1&cursor={first['next_cursor']}")
    assert foreign.json()["code"] == "cursor_wrong"


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/platform/reconciliations/{today() - timedelta(days=9)}",
        "/v1/platform/reconciliations/2026-02-30",
        "/v1/platform/reconciliations/20261121",
        "/v1/platform/reconciliations/yesterday",
        f"{PATH}?channel=alipay",
    ],
)
async def test_a_day_that_nobody_reconciled_is_not_there(open_day: Counter, path: str) -> None:
    answer = await read(open_day, open_day.partner, path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_cashier_settles_a_difference_for_good(open_day: Counter) -> None:
    headers = await headers_of(
        open_day.client, await clerk_named(open_day.till.settings, "cash.desk", "cashier")
    )
    page = (
        await open_day.client.get(f"/v1/clerk/reconciliations/{today()}", headers=headers)
    ).json()
    assert [day["state"] for day in page["channels"]] == ["open"]
    assert page["channels"][0]["payments_there"] == 2
    for number, item in enumerate(page["items"]):
        path = f"/v1/clerk/reconciliation-differences/{item['difference_id']}/resolution"
        body: dict[str, Any] = {"note": f"已查明 {number}"}
        answers = [await open_day.client.post(path, json=body, headers=headers) for _ in range(2)]
        assert [a.status_code for a in answers] == [200, 200], answers[0].text
        assert answers[0].json() == answers[1].json()
        assert answers[0].json()["status"] == "resolved"
        again = await open_day.client.post(path, json={"note": "不同"}, headers=headers)
        assert (again.status_code, again.json()["code"]) == (409, "nothing_waiting")
    noted = await open_day.value(
        "select count(*) from audit_entries where action = 'reconciliation.resolved'"
    )
    assert noted == 2
    # Run again, what was settled stays settled, with its words.
    await reconcile(open_day, "wechat")
    rows = await open_day.rows("select status, note from reconciliation_differences order by 2")
    assert [(r["status"], r["note"]) for r in rows] == [
        ("resolved", "已查明 0"),
        ("resolved", "已查明 1"),
    ]


async def test_others_hear_of_nothing(open_day: Counter) -> None:
    settings = open_day.till.settings
    handler = await headers_of(open_day.client, await clerk_named(settings, "han.dler", "handler"))
    elsewhere = await headers_of(
        open_day.client,
        await clerk_named(settings, "else.where", "cashier", service_prefixes=["99"]),
    )
    path = f"/v1/clerk/reconciliations/{today()}"
    assert (await open_day.client.get(path, headers=handler)).status_code == 403
    assert (await open_day.client.get(path)).status_code == 401
    page = (await open_day.client.get(path, headers=elsewhere)).json()
    assert (page["items"], page["channels"]) == ([], [])
    difference_id = await open_day.value(
        "select max(difference_id) from reconciliation_differences"
    )
    answers = [
        await open_day.client.post(
            f"/v1/clerk/reconciliation-differences/{name}/resolution",
            json={"note": "x"},
            headers=elsewhere,
        )
        for name in (difference_id, 999_999, "9" * 30, "x")
    ]
    assert {(a.status_code, a.json()["detail"]) for a in answers} == {
        (404, answers[0].json()["detail"])
    }
