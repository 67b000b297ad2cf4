"""Who may call as a platform: signed, fresh, once, and not too often."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.database import Database
from api.platforms.issue_key import IssuedKey, revoke_key
from api.platforms.keyring import KEEP_SECONDS, UNKNOWN_SECONDS
from api.settings import Settings
from tests.platforms.builders import Partner, Signed, encode, new_nonce, new_partner
from tests.town import running

USAGE = "/v1/platform/usage"
WEBHOOKS = "/v1/platform/webhooks"
HOST = "http://zhangban.test"


async def send(
    client: httpx.AsyncClient,
    partner: Partner,
    signed: Signed,
    *,
    method: str | None = None,
    path: str | None = None,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Sign one request, send what may be another."""
    given = {"Content-Type": "application/json", **partner.headers(signed), **(headers or {})}
    return await client.request(
        method or signed.method,
        path or signed.url.removeprefix(HOST),
        content=signed.body if body is None else body,
        headers={name: value for name, value in given.items() if value},
    )


def to_usage(**changed: Any) -> Signed:
    return Signed("GET", HOST + USAGE, **changed)


def to_webhooks(**changed: Any) -> Signed:
    body = encode({"url": "https://8.8.8.8/", "events": ["case.moved"]})
    return Signed("POST", HOST + WEBHOOKS, body, **changed)


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
async def test_a_signed_call_is_the_platforms(
    service: httpx.AsyncClient, settings: Settings, algorithm: Any
) -> None:
    partner = await new_partner(settings, algorithm=algorithm, services=["1144"], regions=["4401"])
    answer = await partner.call(service, "GET", USAGE)
    assert answer.status_code == 200
    assert answer.json()["service_prefixes"] == ["1144"]
    assert answer.json()["region_prefixes"] == ["4401"]
    assert answer.headers["cache-control"] == "private, no-cache"
    with_algorithm = await partner.call(service, "GET", USAGE, algorithm=algorithm)
    assert with_algorithm.status_code == 200


async def test_a_body_is_signed_by_its_digest(service: httpx.AsyncClient, partner: Partner) -> None:
    assert (await send(service, partner, to_webhooks())).status_code == 201


async def test_a_get_needs_no_digest(service: httpx.AsyncClient, partner: Partner) -> None:
    signed = to_usage(components=("@method", "@target-uri"))
    assert (await send(service, partner, signed, headers={"Content-Digest": ""})).status_code == 200


async def test_the_query_is_part_of_the_address(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    answer = await partner.call(service, "GET", f"{WEBHOOKS}?limit=5")
    assert answer.status_code == 200
    assert answer.json() == {"items": [], "next_cursor": None}


TAMPERING: dict[str, Callable[[httpx.AsyncClient, Partner], Any]] = {
    "method": lambda c, p: send(c, p, to_webhooks(), method="PUT"),
    "path": lambda c, p: send(c, p, to_usage(), path=WEBHOOKS),
    "query added": lambda c, p: send(c, p, to_usage(), path=f"{USAGE}?x=1"),
    "query dropped": lambda c, p: send(c, p, Signed("GET", f"{HOST}{USAGE}?x=1"), path=USAGE),
    "host": lambda c, p: send(c, p, Signed("GET", f"http://other.test{USAGE}"), path=USAGE),
    "scheme": lambda c, p: send(c, p, Signed("GET", f"https://zhangban.test{USAGE}"), path=USAGE),
    "body": lambda c, p: send(c, p, to_webhooks(), body=to_webhooks().body.replace(b"8", b"9")),
    "body dropped": lambda c, p: send(c, p, to_webhooks(), body=b""),
    "body added": lambda c, p: send(c, p, to_usage(), body=b"{}"),
    "digest": lambda c, p: send(
        c,
        p,
        to_webhooks(),
        body=b"{}",
        headers={"Content-Digest": "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"},
    ),
    "digest dropped": lambda c, p: send(c, p, to_webhooks(), headers={"Content-Digest": ""}),
    "signature dropped": lambda c, p: send(c, p, to_usage(), headers={"Signature": ""}),
    "signature": lambda c, p: send(c, p, to_usage(), headers={"Signature": "sig1=:AAAA:"}),
    "input dropped": lambda c, p: send(c, p, to_usage(), headers={"Signature-Input": ""}),
    "wrong algorithm": lambda c, p: send(c, p, to_usage(algorithm="ed25519")),
    "unknown key": lambda c, p: send(c, p, to_usage(key_id="pk_0000000000000000")),
    "too old": lambda c, p: send(c, p, to_usage(created=int(time.time()) - 302)),
    "too early": lambda c, p: send(c, p, to_usage(created=int(time.time()) + 302)),
    "expired": lambda c, p: send(c, p, to_usage(extra=f";expires={int(time.time()) - 1}")),
    "short nonce": lambda c, p: send(c, p, to_usage(nonce="1234567")),
    "method not covered": lambda c, p: send(
        c, p, to_usage(components=("@target-uri", "content-digest"))
    ),
    "address not covered": lambda c, p: send(
        c, p, to_usage(components=("@method", "content-digest"))
    ),
    "body not covered": lambda c, p: send(c, p, to_webhooks(components=("@method", "@target-uri"))),
}


@pytest.mark.parametrize("what", TAMPERING)
async def test_a_tampered_request_is_refused_and_writes_nothing(
    service: httpx.AsyncClient, partner: Partner, database: Database, what: str
) -> None:
    answer = await TAMPERING[what](service, partner)
    assert answer.status_code == (405 if what == "method" else 401), answer.text
    if answer.status_code == 401:
        assert answer.json()["code"] == "signature_wrong"
        assert "content-digest" in answer.headers["accept-signature"]
    assert await count(database, "platform_nonces") == 0
    assert await count(database, "webhooks") == 0


async def test_another_method_of_the_same_address_is_refused(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    answer = await send(service, partner, to_webhooks(), method="GET")
    assert answer.status_code == 401


@pytest.mark.parametrize("field", ["created", "nonce", "keyid"])
async def test_a_parameter_changed_after_signing_is_refused(
    service: httpx.AsyncClient, partner: Partner, field: str
) -> None:
    now = int(time.time())
    signed = to_usage(created=now, nonce="a-nonce-of-ours")
    headers = partner.headers(signed)
    changes = {
        "created": (str(now), str(now - 1)),
        "nonce": ("a-nonce-of-ours", "a-nonce-of-theirs"),
        "keyid": (partner.key.key_id, "pk_other"),
    }
    headers["Signature-Input"] = headers["Signature-Input"].replace(*changes[field])
    assert (await service.get(USAGE, headers=headers)).status_code == 401


async def test_an_unsigned_request_is_refused(service: httpx.AsyncClient) -> None:
    answer = await service.get(USAGE)
    assert answer.status_code == 401
    assert answer.json()["code"] == "signature_wrong"


async def test_a_public_key_is_no_shared_secret(
    service: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    real = await new_partner(settings, algorithm="ed25519")
    async with database.connection() as connection:
        public_key = await connection.fetchval(
            "select public_key from platform_keys where key_id = $1", real.key.key_id
        )
    for secret in (public_key.decode("latin-1"), public_key.hex()):
        forger = Partner(IssuedKey(real.key.key_id, "hmac-sha256", secret=secret))
        for algorithm in (None, "hmac-sha256", "ed25519"):
            answer = await forger.call(service, "GET", USAGE, algorithm=algorithm)
            assert answer.status_code == 401


async def test_an_unknown_key_and_a_wrong_secret_get_the_same_answer(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    wrong = Partner(IssuedKey(partner.key.key_id, "hmac-sha256", secret="another secret"))
    unknown = Partner(IssuedKey("pk_ffffffffffffffff", "hmac-sha256", secret="another secret"))
    bodies = []
    for impostor in (wrong, unknown):
        answer = await impostor.call(service, "GET", USAGE)
        assert answer.status_code == 401
        body = answer.json()
        del body["request_id"]
        bodies.append(body)
    assert bodies[0] == bodies[1]


@pytest.mark.parametrize("offset", [-298, 298])
async def test_a_signature_counts_inside_the_window(
    service: httpx.AsyncClient, partner: Partner, offset: int
) -> None:
    signed = to_usage(created=int(time.time()) + offset)
    assert (await send(service, partner, signed)).status_code == 200


async def test_a_replay_is_refused_and_costs_no_quota(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    headers = partner.headers(to_usage())
    first = await service.get(USAGE, headers=headers)
    assert first.status_code == 200
    for _ in range(3):
        again = await service.get(USAGE, headers=headers)
        assert again.status_code == 409
        assert again.json()["code"] == "nonce_used"
    after = await partner.call(service, "GET", USAGE)
    assert after.json()["used_today"] == first.json()["used_today"] + 1


async def test_a_nonce_counts_once_whatever_it_signs(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    nonce = new_nonce()
    assert (await send(service, partner, to_usage(nonce=nonce))).status_code == 200
    assert (await send(service, partner, to_webhooks(nonce=nonce))).status_code == 409


async def test_nonces_of_two_platforms_do_not_meet(
    service: httpx.AsyncClient, settings: Settings, partner: Partner
) -> None:
    other = await new_partner(settings)
    nonce = new_nonce()
    assert (await send(service, partner, to_usage(nonce=nonce))).status_code == 200
    assert (await send(service, other, to_usage(nonce=nonce))).status_code == 200


async def test_a_proxys_public_address_may_be_signed(
    make_settings: Callable[..., Settings], partner: Partner
) -> None:
    public = "https://api.zhangban.test"
    async with running(make_settings(public_url=public)) as client:
        headers = partner.headers(Signed("GET", public + USAGE))
        assert (await client.get(USAGE, headers=headers)).status_code == 200
        headers = partner.headers(Signed("GET", f"https://other.test{USAGE}"))
        assert (await client.get(USAGE, headers=headers)).status_code == 401


async def test_a_revoked_key_is_refused_within_seconds(
    service: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    partner = await new_partner(settings, name="revoked-partner")
    kept = await new_partner(settings, name="revoked-partner")
    assert (await partner.call(service, "GET", USAGE)).status_code == 200
    async with database.transaction() as connection:
        assert await revoke_key(connection, "revoked-partner", partner.key.key_id)
        assert not await revoke_key(connection, "another", kept.key.key_id)
    ends_at = time.monotonic() + KEEP_SECONDS + 2
    while (await partner.call(service, "GET", USAGE)).status_code == 200:
        assert time.monotonic() < ends_at
        time.sleep(0.2)  # noqa: ASYNC251 (the test's own pace)
    assert (await partner.call(service, "GET", USAGE)).status_code == 401
    assert (await kept.call(service, "GET", USAGE)).status_code == 200


@pytest.mark.parametrize(
    ("column", "offset"), [("expires_at", timedelta(0)), ("not_before", timedelta(hours=1))]
)
async def test_a_key_counts_only_in_its_time(
    service: httpx.AsyncClient,
    partner: Partner,
    database: Database,
    column: str,
    offset: timedelta,
) -> None:
    async with database.connection() as connection:
        await connection.execute(
            f"update platform_keys set {column} = $1 where key_id = $2",
            datetime.now(UTC) + offset,
            partner.key.key_id,
        )
    assert (await partner.call(service, "GET", USAGE)).status_code == 401


async def test_a_new_key_counts_although_it_was_asked_for_too_early(
    service: httpx.AsyncClient, settings: Settings
) -> None:
    early = Partner(IssuedKey("pk_1111111111111111", "hmac-sha256", secret="too early"))
    assert (await early.call(service, "GET", USAGE)).status_code == 401
    partner = await new_partner(settings)
    ends_at = time.monotonic() + UNKNOWN_SECONDS + 2
    while (await partner.call(service, "GET", USAGE)).status_code != 200:
        assert time.monotonic() < ends_at
        time.sleep(0.2)  # noqa: ASYNC251 (the test's own pace)


async def set_quota(database: Database, day: int, second: int) -> None:
    async with database.connection() as connection:
        await connection.execute(
            "update platforms set calls_per_day = $1, calls_per_second = $2", day, second
        )


async def test_the_days_quota_ends_with_a_time_to_come_back(
    service: httpx.AsyncClient, partner: Partner, database: Database
) -> None:
    await set_quota(database, 3, 100)
    answers = [await partner.call(service, "GET", USAGE) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.json()["used_today"] for answer in answers[:3]] == [1, 2, 3]
    assert answers[2].json()["remaining"] == 0
    assert answers[3].json()["code"] == "quota_used"
    assert 0 < int(answers[3].headers["retry-after"]) <= 86_400


async def test_calls_are_taken_in_batches_and_given_back(
    settings: Settings, partner: Partner, database: Database
) -> None:
    await set_quota(database, 50_000, 1000)
    async with running(settings) as client:
        for _ in range(3):
            answer = await partner.call(client, "GET", USAGE)
        assert answer.json()["used_today"] == 3
        assert await count(database, "platform_usage", "calls") == 50
    assert await count(database, "platform_usage", "calls") == 3


async def test_too_many_calls_a_second_are_refused(
    service: httpx.AsyncClient, partner: Partner, database: Database
) -> None:
    await set_quota(database, 1000, 2)
    answers = [await partner.call(service, "GET", USAGE) for _ in range(8)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert refused[0].json()["code"] == "rate_limited"
    assert int(refused[0].headers["retry-after"]) >= 1
    assert "platform" in refused[0].headers["ratelimit"]


async def test_usage_says_the_quota_and_its_window(
    service: httpx.AsyncClient, partner: Partner
) -> None:
    usage = (await partner.call(service, "GET", USAGE)).json()
    assert usage["quota"] == 1_000_000
    assert usage["per_second"] == 200
    starts_at, ends_at = (
        datetime.fromisoformat(usage["window"][name]) for name in ("starts_at", "ends_at")
    )
    assert ends_at - starts_at == timedelta(days=1)
    assert starts_at <= datetime.now(UTC) < ends_at
    assert usage["window"]["starts_at"].endswith("T00:00:00+08:00")


async def count(database: Database, table: str, column: str | None = None) -> int:
    what = f"coalesce(sum({column}), 0)::bigint" if column else "count(*)"
    async with database.connection() as connection:
        found: int = await connection.fetchval(f"select {what} from {table}")
        return found
