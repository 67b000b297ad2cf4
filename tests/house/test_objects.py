"""Every object has an owner: whoever else names it hears what they hear of a missing one.

The matrix is drawn from the OpenAPI document, so a new route is in it by itself; a new
kind of object fails here until somebody says how one is made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec import Struct

from api import ledger
from api.database import CHINA
from api.kinds import new_id
from api.settings import Settings
from tests.cases.builders import add_submitted
from tests.cases.intake.builders import (
    READER_CARD,
    RESIDENCE,
    Person,
    service_at,
    sign_in,
    state_of,
)
from tests.house.test_routes import operations
from tests.platforms.builders import Partner, new_partner
from tests.town import running

# Objects of one path, by its parameters.
Made = dict[str, str]

CREDIT_CODE = "91350100M000100Y43"

# Path parameters that name nobody's object.
NOT_OWNED = {
    "channel": "one of the caller's own links, by the channel's name",
    "date": "a day; what of it a caller sees is decided line by line",
    "service_code": "items are public; a platform's right to write one is its prefix, said as 403",
}
# Operations that are no read or change of an object that is there.
ASIDE = {
    "PUT /v1/platform/cases/{case_no}": "makes the case: a taken number is said to be taken",
}
# Whoever may see them would listen for ever.
ENDLESS = {"GET /v1/cases/{case_no}/stream"}

# A body that is right, for operations that want one.
BODIES: dict[str, Any] = {
    "PATCH /v1/cases/{case_no}": {"form": {}},
    "POST /v1/cases/{case_no}/corrections": {"form": {}},
    "POST /v1/cases/{case_no}/withdrawal": {"reason": "情况有变"},
    "POST /v1/organisations/{organisation_id}/members": {"invitation_code": "ABCDEFGH2345"},
    "POST /v1/bills/{bill_no}/cancellation": {"reason": "填错了"},
    "POST /v1/platform/bills/{bill_no}/cancellation": {"reason": "处罚决定已撤销"},
    "POST /v1/platform/payments/{payment_no}/refunds": {
        "amount_fen": 100,
        "refund_amount_available_fen": 2000,
        "reason": "退费",
    },
    "POST /v1/platform/cases/{case_no}/events": {
        "event_id": "matrix",
        "type": "accepted",
        "occurred_at": "2026-03-02T09:00:00+08:00",
    },
}

Makers = dict[str, Callable[["Ground"], Awaitable[str]]]


class Ground(Struct, frozen=True):
    """The service with two citizens and two platforms; what is made is the first one's."""

    client: httpx.AsyncClient
    owner: Person
    stranger: Person
    partner: Partner
    other: Partner


async def make_case(ground: Ground, made: Made) -> str:
    """A draft of the owner's."""
    code = await service_at(ground.client, READER_CARD)
    answer = await ground.owner.apply(code)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_no"])


async def make_upload(ground: Ground, made: Made) -> str:
    return await ground.owner.uploaded()


async def make_check(ground: Ground, made: Made) -> str:
    """A check that has ended: nobody needs to be asked about it."""
    check_id = new_id()
    async with state_of(ground.client).database.transaction() as connection:
        await connection.execute(
            "insert into identity_checks (check_id, citizen_id, channel, link_id, state, level)"
            " values ($1, $2, 'wechat', $1, 'passed', 'face')",
            check_id,
            ground.owner.citizen_id,
        )
    return check_id


async def make_authority(ground: Ground, made: Made) -> str:
    """One that was offered to the owner, by a third person."""
    principal = await sign_in(ground.client)
    until = date.today() + timedelta(days=30)
    body = {"scopes": ["apply"], "until": f"{until}", "agent_id": ground.owner.citizen_id}
    answer = await principal.post("/v1/agents", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["authority_id"])


async def make_organisation(ground: Ground, made: Made) -> str:
    """One that the owner has just claimed, with only this one behind the claim."""
    body = {"credit_code": CREDIT_CODE, "name": "演示有限公司"}
    answer = await ground.owner.post("/v1/organisations", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["organisation_id"])


async def name_owner(ground: Ground, made: Made) -> str:
    return ground.owner.citizen_id


async def make_handled_case(ground: Ground, made: Made) -> str:
    """A case of an item that the partner handles, and the other platform does not."""
    async with state_of(ground.client).database.transaction() as connection:
        return await add_submitted(connection)


async def make_webhook(ground: Ground, made: Made) -> str:
    """Put there as it would be made: no address of a test may be called."""
    webhook_id = new_id()
    async with state_of(ground.client).database.transaction() as connection:
        await connection.execute(
            "insert into webhooks (webhook_id, platform_id, url, events, secret_sealed)"
            " select $1, platform_id, 'https://partner.example.gov.cn/', '{case.moved}', '\\x00'"
            " from platform_keys where key_id = $2",
            webhook_id,
            ground.partner.key.key_id,
        )
    return webhook_id


async def make_delivery(ground: Ground, made: Made) -> str:
    delivery_id = new_id()
    webhook_id = made.get("webhook_id") or await make_webhook(ground, made)
    async with state_of(ground.client).database.transaction() as connection:
        await connection.execute(
            "insert into webhook_deliveries (delivery_id, webhook_id, subject, type, body, status)"
            " values ($1, $2, 'case.moved:x:1', 'case.moved', '{}', 'dead')",
            delivery_id,
            webhook_id,
        )
    return delivery_id


async def make_bill(ground: Ground, made: Made) -> str:
    """One of the owner's, paid."""
    bill_no = f"{int(new_id(), 16) % 10**20:020d}"
    async with state_of(ground.client).database.transaction() as connection:
        await connection.execute(
            "insert into bills (bill_no, origin, citizen_id, case_no, service_code, service_name,"
            " region_code, department_code, amount_fen, status, due_on) values"
            " ($1, 'citizen', $2, $3, $4, '事项', '440106000000', left($4, 18), 2000, 'paid',"
            " current_date)",
            bill_no,
            ground.owner.citizen_id,
            new_id(),
            "11440106DM1GL9LR584440701003000",
        )
    return bill_no


async def make_payment(ground: Ground, made: Made) -> str:
    """One that has ended: no channel needs to be asked about it."""
    payment_no = new_id()
    bill_no = await make_bill(ground, made)
    async with state_of(ground.client).database.transaction() as connection:
        await connection.execute(
            "insert into payments (payment_no, bill_no, citizen_id, channel, link_id, description,"
            " amount_fen, status, expires_at, paid_at)"
            " values ($1, $2, $3, 'wechat', 'l', '事项', 2000, 'succeeded', now(), now())",
            payment_no,
            bill_no,
            ground.owner.citizen_id,
        )
        await connection.execute(
            "update bills set payment_no = $1 where bill_no = $2", payment_no, bill_no
        )
        # What goes back comes from where the money stands.
        lines = (
            ledger.Line(ledger.clearing("wechat", ""), bill_no, 2000),
            ledger.Line(ledger.treasury("11440106DM1GL9LR58", None), bill_no, -2000),
        )
        entry = ledger.Entry("payment.succeeded", payment_no, datetime.now(CHINA), lines)
        await ledger.post(connection, entry)
    return payment_no


MAKERS: dict[str, dict[str, Callable[[Ground, Made], Awaitable[str]]]] = {
    "citizen": {
        "case_no": make_case,
        "upload_id": make_upload,
        "check_id": make_check,
        "authority_id": make_authority,
        "organisation_id": make_organisation,
        "citizen_id": name_owner,
        "bill_no": make_bill,
        "payment_no": make_payment,
    },
    "platform": {
        "case_no": make_handled_case,
        "webhook_id": make_webhook,
        "delivery_id": make_delivery,
        "bill_no": make_bill,
        "payment_no": make_payment,
    },
}


@pytest.fixture
async def ground(town_settings: Settings) -> AsyncIterator[Ground]:
    async with running(town_settings) as client:
        yield Ground(
            client,
            await sign_in(client, level="face", name="测试甲"),
            await sign_in(client, level="face", name="测试乙"),
            await new_partner(town_settings),
            await new_partner(town_settings, services=["99"]),
        )


def owned(kind: str) -> dict[str, list[str]]:
    """Operations for callers of a kind → the objects that their paths name."""
    found = {
        name: [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
        for name, operation in operations()
        if operation["security"] == [{kind: []}] and name not in ASIDE
    }
    return {name: names for name, names in found.items() if set(names) - NOT_OWNED.keys()}


def fill(name: str, values: dict[str, str]) -> tuple[str, str]:
    """Method and address of an operation with the objects put in."""
    method, path = name.split(" ")
    return method, path.format(**values)


async def call_as(
    ground: Ground, who: Person | Partner | None, name: str, values: dict[str, str]
) -> httpx.Response:
    method, path = fill(name, values)
    body = BODIES.get(name)
    if isinstance(who, Partner):
        return await who.call(ground.client, method, path, body)
    headers = {"Idempotency-Key": new_id(), **(who.headers if who else {})}
    return await ground.client.request(method, path, json=body, headers=headers)


def said(answer: httpx.Response) -> Any:
    """All that an answer tells, but for its own number."""
    headers = {k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")}
    headers.pop("ratelimit", None)
    body = {k: v for k, v in answer.json().items() if k != "request_id"}
    return answer.status_code, headers, body


async def make(ground: Ground, kind: str, names: list[str]) -> Made:
    made: Made = {}
    for name in names:
        made[name] = await MAKERS[kind][name](ground, made)
    return made


@pytest.mark.parametrize("kind", MAKERS)
def test_every_object_in_a_path_is_of_a_known_kind(kind: str) -> None:
    operations_of = owned(kind)
    assert operations_of
    unknown = {
        name: sorted(set(names) - MAKERS[kind].keys() - NOT_OWNED.keys())
        for name, names in operations_of.items()
    }
    assert {name: names for name, names in unknown.items() if names} == {}


def test_every_operation_on_an_object_that_wants_a_body_has_one_here() -> None:
    wanting = {
        name
        for kind in MAKERS
        for name, operation in operations()
        if name in owned(kind) and "requestBody" in operation
    }
    assert wanting == BODIES.keys()


@pytest.mark.parametrize("kind", MAKERS)
async def test_a_foreign_object_is_answered_like_a_missing_one(ground: Ground, kind: str) -> None:
    stranger = ground.stranger if kind == "citizen" else ground.other
    wrong = {}
    for name, names in owned(kind).items():
        theirs = await make(ground, kind, names)
        missing = {name: new_id() for name in names}
        foreign = await call_as(ground, stranger, name, theirs)
        absent = await call_as(ground, stranger, name, missing)
        if foreign.status_code != 404 or said(foreign) != said(absent):
            wrong[name] = (said(foreign), said(absent))
    assert wrong == {}


@pytest.mark.parametrize("kind", MAKERS)
async def test_the_owner_finds_what_others_do_not(ground: Ground, kind: str) -> None:
    owner = ground.owner if kind == "citizen" else ground.partner
    lost = {}
    for name, names in owned(kind).items():
        if name not in ENDLESS:
            answer = await call_as(ground, owner, name, await make(ground, kind, names))
            # An invitation code nobody gave out is all that is missing here.
            if answer.status_code == 404 and answer.json()["code"] != "agent_unknown":
                lost[name] = answer.text
            assert answer.status_code < 500, (name, answer.text)
    assert lost == {}


@pytest.mark.parametrize("kind", MAKERS)
async def test_nobody_in_particular_hears_nothing_of_an_object(ground: Ground, kind: str) -> None:
    for name, names in owned(kind).items():
        theirs = await call_as(ground, None, name, await make(ground, kind, names))
        missing = await call_as(ground, None, name, {name: new_id() for name in names})
        assert theirs.status_code == 401, (name, theirs.text)
        assert said(theirs) == said(missing), name


async def test_nobody_acts_for_somebody_who_did_not_say_so(ground: Ground) -> None:
    headers = {**ground.stranger.headers, "X-On-Behalf-Of": ground.owner.citizen_id}
    pretender = Person(ground.stranger.citizen_id, ground.client, headers)
    for name, names in owned("citizen").items():
        theirs = await call_as(ground, pretender, name, await make(ground, "citizen", names))
        assert theirs.status_code == 403, (name, theirs.text)


async def test_a_foreign_object_in_a_body_is_like_a_missing_one(ground: Ground) -> None:
    code = await service_at(ground.client, RESIDENCE)
    upload_id, organisation_id = await make_upload(ground, {}), await make_organisation(ground, {})
    for theirs, missing in (
        (
            {"materials": [{"material_id": "m1", "upload_id": upload_id}]},
            {"materials": [{"material_id": "m1", "upload_id": new_id()}]},
        ),
        ({"organisation_id": organisation_id}, {"organisation_id": new_id()}),
    ):
        foreign = await ground.stranger.apply(code, **theirs)
        absent = await ground.stranger.apply(code, **missing)
        assert foreign.status_code == 400, foreign.text
        assert said(foreign) == said(absent)
