"""What platforms are told: signed, at least once, and bad receivers harm nobody else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import standardwebhooks

from adapters.webhooks import Sender
from api.database import Database
from api.events import Reactions
from api.facts import CaseMoved, DeliveryAsked
from api.jobs import work
from api.platforms import send_asked, tell_of_cases
from api.platforms.deliver_webhooks import FAILURES_MOST, RETRIES, Courier, sign, wait_seconds
from api.platforms.make_webhook import WEBHOOKS_MOST
from api.platforms.tell_platforms import tell_of_case
from api.settings import Settings
from api.vault import Vault, open_vault
from tests.platforms.builders import SERVICE, Partner, new_partner
from tests.platforms.receivers import Receiver, drip, flood, hang, hang_up, listening, status
from tests.platforms.test_webhook_addresses import LOOPBACK
from tests.town import running

WEBHOOKS = "/v1/platform/webhooks"
REGION = "440106000000"


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(webhook_private_networks="127.0.0.0/8")


@pytest.fixture
async def vault(settings: Settings, database: Database) -> AsyncIterator[Vault]:
    vault = await open_vault(settings, database)
    yield vault
    await vault.close()


@asynccontextmanager
async def on_duty(
    database: Database, vault: Vault, *, budget_seconds: float = 1.5
) -> AsyncIterator[Courier]:
    courier = Courier(database, vault, Sender(LOOPBACK, budget_seconds=budget_seconds))
    try:
        yield courier
    finally:
        await courier.close()


@pytest.fixture
async def courier(database: Database, vault: Vault) -> AsyncIterator[Courier]:
    async with on_duty(database, vault) as courier:
        yield courier


async def listen(
    client: httpx.AsyncClient, partner: Partner, url: str, *events: str
) -> dict[str, Any]:
    body = {"url": url, "events": list(events or ["case.moved"])}
    answer = await partner.call(client, "POST", WEBHOOKS, body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


_numbers = iter(range(1, 10_000))


async def move(
    database: Database, *, seq: int = 1, case_no: str | None = None, **changed: Any
) -> CaseMoved:
    """A case with one more event, as its feature would leave it."""
    case_no = case_no or f"T{next(_numbers):08d}"
    now = datetime.now(UTC)
    async with database.connection() as connection:
        await connection.execute(
            "insert into cases (case_no, origin, service_code, service_version, service_name, "
            "department_code, region_code, status, query_password_hash) "
            "values ($1, 'counter', $2, 1, '', '', $3, 'accepted', '') on conflict do nothing",
            case_no,
            SERVICE,
            REGION,
        )
        await connection.execute(
            "insert into case_events (case_no, seq, type, applied, occurred_at, actor, note) "
            "values ($1, $2, 'accepted', true, $3, 'system:', '申请人张三的备注')",
            case_no,
            seq,
            now,
        )
    given = {
        "case_no": case_no,
        "seq": seq,
        "event_type": "accepted",
        "status": "accepted",
        "version": seq + 1,
        "service_code": SERVICE,
        "region_code": REGION,
        "citizen_id": "f" * 32,
        "platform_id": None,
    }
    return CaseMoved(**{**given, **changed})


async def deliveries(client: httpx.AsyncClient, partner: Partner, query: str = "") -> list[Any]:
    answer = await partner.call(client, "GET", f"{WEBHOOKS}/deliveries{query}")
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def make_due(database: Database) -> None:
    """The time of every retry, and of every pause of a receiver, has come."""
    async with database.connection() as connection:
        await connection.execute("update webhook_deliveries set next_attempt_at = now()")
        await connection.execute("update webhooks set open_until = null")


async def test_a_move_is_told_signed_and_without_personal_data(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver()) as receiver:
        made = await listen(service, partner, receiver.url)
        fact = await move(database, seq=3)
        await tell_of_case(database, fact)
        assert await courier.serve(made["webhook_id"]) == 1
    (received,) = receiver.received
    assert made["secret"].startswith("whsec_")
    payload = standardwebhooks.Webhook(made["secret"]).verify(received.body, received.headers)
    assert payload["type"] == "case.moved"
    assert payload["timestamp"].endswith("+08:00")
    assert payload["data"] == {
        "case_no": fact.case_no,
        "status": "accepted",
        "event": {"seq": 3, "type": "accepted", "occurred_at": payload["timestamp"]},
        "version": 4,
        "service_code": SERVICE,
        "region_code": REGION,
    }
    assert "张三" not in received.body.decode()
    assert "f" * 32 not in received.body.decode()
    (delivery,) = await deliveries(service, partner)
    assert delivery["delivery_id"] == received.headers["webhook-id"]
    assert (delivery["status"], delivery["attempts"], delivery["last_status"]) == (
        "delivered",
        1,
        204,
    )
    assert delivery["payload"] == payload
    assert delivery["next_attempt_at"] is None


async def test_another_secret_or_body_does_not_verify() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = sign(secret, "msg_1", int(time.time()), b'{"a":1}')
    webhook = standardwebhooks.Webhook(secret)
    assert webhook.verify(b'{"a":1}', headers) == {"a": 1}
    for body, other in ((b'{"a":2}', secret), (b'{"a":1}', secret[:-4] + "AAAA")):
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            standardwebhooks.Webhook(other).verify(body, headers)


async def test_a_fact_heard_twice_is_told_once(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver()) as receiver:
        made = await listen(service, partner, receiver.url)
        fact = await move(database)
        for _ in range(3):
            await tell_of_case(database, fact)
        assert await courier.serve(made["webhook_id"]) == 1
        assert await courier.serve(made["webhook_id"]) == 0
        assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("services", "regions", "events", "hears"),
    [
        ([""], [""], ["case.moved"], True),
        ([SERVICE[:18]], ["4401"], ["case.moved", "service.changed"], True),
        (["11999", SERVICE], ["51", "440106"], ["case.moved"], True),
        (["11999"], [""], ["case.moved"], False),
        ([""], ["4402"], ["case.moved"], False),
        ([""], [""], ["payment.succeeded"], False),
    ],
)
async def test_only_who_may_and_wants_to_hears_of_a_case(
    service: httpx.AsyncClient,
    settings: Settings,
    database: Database,
    services: list[str],
    regions: list[str],
    events: list[str],
    hears: bool,
) -> None:
    partner = await new_partner(settings, services=services, regions=regions)
    await listen(service, partner, "http://127.0.0.1:9999/", *events)
    await tell_of_case(database, await move(database))
    assert len(await deliveries(service, partner)) == int(hears)


async def test_versions_give_the_order_of_what_comes_late(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver(status(500))) as receiver:
        made = await listen(service, partner, receiver.url)
        first = await move(database)
        await tell_of_case(database, first)
        await courier.serve(made["webhook_id"])
        receiver.answer = status(204)
        second = await move(database, case_no=first.case_no, seq=2, status="reviewed")
        await tell_of_case(database, second)
        await courier.serve(made["webhook_id"])
        await make_due(database)
        await courier.serve(made["webhook_id"])
    told = [json.loads(received.body)["data"] for received in receiver.received[1:]]
    assert [data["version"] for data in told] == [3, 2]
    assert sorted(told, key=lambda data: data["version"])[-1]["status"] == "reviewed"


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (status(500), 500, "status_refused"),
        (status(404), 404, "status_refused"),
        (status(302, "location: http://127.0.0.1:1/"), 302, "redirect_refused"),
        (hang, None, "timeout"),
        (drip, None, "timeout"),
        (flood, None, "answer_too_large"),
        (hang_up, None, "answer_unreadable"),
    ],
)
async def test_a_failed_try_is_seen_and_comes_again(
    service: httpx.AsyncClient,
    partner: Partner,
    database: Database,
    courier: Courier,
    answer: Any,
    code: int | None,
    error: str,
) -> None:
    async with listening(Receiver(answer)) as receiver:
        made = await listen(service, partner, receiver.url)
        await tell_of_case(database, await move(database))
        assert await courier.serve(made["webhook_id"]) == 1
        (failed,) = await deliveries(service, partner, "?status=pending")
        assert (failed["last_status"], failed["last_error"]) == (code, error)
        wait = datetime.fromisoformat(failed["next_attempt_at"]) - datetime.now(UTC)
        assert timedelta(seconds=1) < wait < timedelta(seconds=7)
        assert await courier.serve(made["webhook_id"]) == 0
        receiver.answer = status(200)
        await make_due(database)
        assert await courier.serve(made["webhook_id"]) == 1
    first, last = receiver.received
    assert first.headers["webhook-id"] == last.headers["webhook-id"]
    (delivered,) = await deliveries(service, partner)
    assert (delivered["status"], delivered["attempts"]) == ("delivered", 2)


def test_waits_are_the_standards_with_jitter() -> None:
    assert [wait.total_seconds() for wait in RETRIES] == [
        5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]  # fmt: skip
    for attempts, wait in enumerate(RETRIES, start=1):
        waits = {wait_seconds(attempts) for _ in range(20)}
        assert len(waits) > 1
        assert all(0.8 <= seconds / wait.total_seconds() <= 1.2 for seconds in waits)


async def test_what_fails_to_the_end_is_dead_and_can_be_replayed(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver(status(503))) as receiver:
        made = await listen(service, partner, receiver.url)
        await tell_of_case(database, await move(database))
        for _ in range(len(RETRIES) + 1):
            await make_due(database)
            assert await courier.serve(made["webhook_id"]) == 1
        await make_due(database)
        assert await courier.serve(made["webhook_id"]) == 0
        (dead,) = await deliveries(service, partner, "?status=dead")
        assert dead["attempts"] == len(RETRIES) + 1
        receiver.answer = status(200)
        path = f"{WEBHOOKS}/deliveries/{dead['delivery_id']}/replay"
        answer = await partner.call(service, "POST", path)
        assert answer.status_code == 202
        assert answer.json()["status"] == "pending"
        assert await courier.serve(made["webhook_id"]) == 1
    (delivered,) = await deliveries(service, partner, "?status=delivered")
    assert delivered["attempts"] == 1
    assert len({received.headers["webhook-id"] for received in receiver.received}) == 1


async def test_a_receiver_that_is_gone_is_switched_off_until_a_replay(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver(status(410))) as receiver:
        made = await listen(service, partner, receiver.url)
        for _ in range(2):
            await tell_of_case(database, await move(database))
        await courier.serve(made["webhook_id"])
        assert len(receiver.received) == 1
        path = f"{WEBHOOKS}/{made['webhook_id']}"
        shown = (await partner.call(service, "GET", path)).json()
        assert (shown["status"], shown["disabled_reason"]) == ("disabled", "gone")
        # Nothing more is noted for it.
        await tell_of_case(database, await move(database))
        dead = await deliveries(service, partner, "?status=dead")
        assert len(dead) == 2
        receiver.answer = status(200)
        replay = f"{path}/deliveries/{dead[0]['delivery_id']}/replay"
        assert (await partner.call(service, "POST", replay)).status_code == 202
        assert await courier.serve(made["webhook_id"]) == 1
        shown = (await partner.call(service, "GET", path)).json()
        assert shown["status"] == "active"


async def test_a_receiver_that_keeps_failing_is_left_alone_for_a_while(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver(status(500))) as receiver:
        made = await listen(service, partner, receiver.url)
        for _ in range(FAILURES_MOST + 3):
            await tell_of_case(database, await move(database))
        await courier.serve(made["webhook_id"])
        assert len(receiver.received) == FAILURES_MOST
        shown = (await partner.call(service, "GET", f"{WEBHOOKS}/{made['webhook_id']}")).json()
        assert shown["status"] == "failing"
        # Its time comes: one delivery tries, the others wait for how that goes.
        await make_due(database)
        await courier.serve(made["webhook_id"])
        assert len(receiver.received) == FAILURES_MOST + 1
        receiver.answer = status(200)
        await make_due(database)
        await courier.serve(made["webhook_id"])
    assert {d["status"] for d in await deliveries(service, partner)} == {"delivered"}


async def test_a_receiver_that_hangs_has_two_slots_and_others_flow(
    service: httpx.AsyncClient, partner: Partner, database: Database, vault: Vault
) -> None:
    async with (
        listening(Receiver(hang)) as slow,
        listening(Receiver()) as quick,
        on_duty(database, vault, budget_seconds=3.0) as one,
        on_duty(database, vault, budget_seconds=3.0) as two,
    ):
        await listen(service, partner, slow.url)
        await listen(service, partner, quick.url)
        for _ in range(10):
            await tell_of_case(database, await move(database))
        began = time.monotonic()
        while len(quick.received) < 10:
            # Two workers, each asked again and again.
            await asyncio.gather(one.start_due(), two.start_due())
            await asyncio.sleep(0.02)
            assert time.monotonic() - began < 2.5
        assert slow.most_at_once == 2


async def test_a_dead_workers_claim_is_taken_over(
    service: httpx.AsyncClient, partner: Partner, database: Database, vault: Vault
) -> None:
    async with listening(Receiver(hang)) as receiver:
        made = await listen(service, partner, receiver.url)
        await tell_of_case(database, await move(database))
        async with on_duty(database, vault, budget_seconds=60) as dying:
            dying.start(made["webhook_id"])
            await receiver.came.wait()
        receiver.answer = status(204)
        async with on_duty(database, vault) as another:
            assert await another.serve(made["webhook_id"]) == 0
            async with database.connection() as connection:
                await connection.execute("update webhook_deliveries set claimed_until = now()")
                await connection.execute("update webhook_slots set busy_until = now()")
            assert await another.serve(made["webhook_id"]) == 1
    assert [d["status"] for d in await deliveries(service, partner)] == ["delivered"]


async def test_the_job_worker_tells_by_itself(
    service: httpx.AsyncClient,
    partner: Partner,
    settings: Settings,
    database: Database,
    courier: Courier,
) -> None:
    reactions: Reactions = {
        CaseMoved: (tell_of_cases(database),),
        DeliveryAsked: (send_asked(courier),),
    }
    async with listening(Receiver()) as receiver:
        await listen(service, partner, receiver.url)
        fact = await move(database)
        await tell_of_case(database, fact)
        stop = asyncio.Event()
        working = asyncio.create_task(work(settings.database_url, settings, reactions, (), stop))
        await asyncio.wait_for(receiver.came.wait(), timeout=20)
        stop.set()
        await working
    assert json.loads(receiver.received[0].body)["data"]["case_no"] == fact.case_no


async def test_a_platform_sees_and_touches_only_its_own(
    service: httpx.AsyncClient, settings: Settings, partner: Partner, database: Database
) -> None:
    stranger = await new_partner(settings)
    made = await listen(service, partner, "http://127.0.0.1:9999/")
    await tell_of_case(database, await move(database))
    (delivery,) = await deliveries(service, partner)
    hook, sent = made["webhook_id"], delivery["delivery_id"]
    for method, path in (
        ("GET", f"{WEBHOOKS}/{hook}"),
        ("DELETE", f"{WEBHOOKS}/{hook}"),
        ("GET", f"{WEBHOOKS}/{hook}/deliveries"),
        ("POST", f"{WEBHOOKS}/{hook}/deliveries/{sent}/replay"),
        ("POST", f"{WEBHOOKS}/deliveries/{sent}/replay"),
    ):
        foreign = await stranger.call(service, method, path)
        missing = await stranger.call(
            service, method, path.replace(hook, "0" * 32).replace(sent, "0" * 32)
        )
        assert foreign.status_code == missing.status_code == 404, path
        assert foreign.json()["code"] == missing.json()["code"]
        assert foreign.json()["detail"] == missing.json()["detail"]
    assert await deliveries(service, stranger) == []
    assert (await stranger.call(service, "GET", WEBHOOKS)).json()["items"] == []


async def test_a_deleted_webhook_hears_nothing_more(
    service: httpx.AsyncClient, partner: Partner, database: Database, courier: Courier
) -> None:
    async with listening(Receiver()) as receiver:
        made = await listen(service, partner, receiver.url)
        await tell_of_case(database, await move(database))
        path = f"{WEBHOOKS}/{made['webhook_id']}"
        assert (await partner.call(service, "DELETE", path)).status_code == 204
        assert (await partner.call(service, "DELETE", path)).status_code == 404
        await tell_of_case(database, await move(database))
        assert await courier.serve(made["webhook_id"]) == 0
        assert receiver.received == []


async def test_the_secret_is_shown_once_and_sealed(
    service: httpx.AsyncClient, partner: Partner, database: Database
) -> None:
    made = await listen(service, partner, "http://127.0.0.1:9999/")
    listed = (await partner.call(service, "GET", WEBHOOKS)).json()["items"]
    assert [item["webhook_id"] for item in listed] == [made["webhook_id"]]
    assert made["secret"] not in json.dumps(listed)
    async with database.connection() as connection:
        sealed = await connection.fetchval("select secret_sealed from webhooks")
    assert made["secret"].encode() not in sealed


async def test_a_platform_has_so_many_webhooks_and_no_more(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    for _ in range(WEBHOOKS_MOST):
        await listen(service, partner, "http://127.0.0.1:9999/")
    body = {"url": "http://127.0.0.1:9999/", "events": ["case.moved"]}
    answer = await partner.call(service, "POST", WEBHOOKS, body)
    assert (answer.status_code, answer.json()["code"]) == (409, "webhooks_too_many")
    first = await partner.call(service, "GET", f"{WEBHOOKS}?limit=15")
    cursor = first.json()["next_cursor"]
    second = await partner.call(service, "GET", f"{WEBHOOKS}?limit=15&cursor={cursor}")
    assert len(first.json()["items"]) + len(second.json()["items"]) == WEBHOOKS_MOST
    assert second.json()["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "https://169.254.169.254/latest", "events": ["case.moved"]}, "url"),
        ({"url": "https://2130706433/", "events": ["case.moved"]}, "url"),
        ({"url": "http://8.8.8.8/", "events": ["case.moved"]}, "url"),
        ({"url": "https://①②⑦.⓪.⓪.①/", "events": ["case.moved"]}, "url"),
        ({"url": "https://8.8.8.8/", "events": []}, "events"),
        ({"url": "https://8.8.8.8/", "events": ["case.deleted"]}, "events"),
        ({"url": "https://8.8.8.8/", "events": ["case.moved"], "secret": "x"}, "unknown_field"),
    ],
)
async def test_a_wrong_webhook_is_refused_with_its_field(
    service: httpx.AsyncClient, partner: Partner, body: dict[str, Any], field: str
) -> None:
    answer = await partner.call(service, "POST", WEBHOOKS, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert field in json.dumps(answer.json()["errors"])


async def test_without_the_operators_word_nobody_reaches_loopback(
    make_settings: Callable[..., Settings], partner: Partner
) -> None:
    async with running(make_settings()) as client:
        for url in ("http://127.0.0.1:9999/", "https://127.0.0.1/", "https://localhost/"):
            body = {"url": url, "events": ["case.moved"]}
            answer = await partner.call(client, "POST", WEBHOOKS, body)
            assert answer.status_code == 400, url
