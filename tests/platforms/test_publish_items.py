"""Platforms publish their own items: with versions, findings, and no line stopping another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest

from api.catalogue.routes import today
from api.catalogue.schemas import Guide
from api.catalogue.show_guide import find_version
from api.database import Database
from api.platforms.tell_platforms import tell_of_services
from api.settings import Settings
from tests.platforms.builders import Partner, Signed, forget_partners, new_partner
from tests.town import LOST_CARD, TIANHE

IMPORT = "/v1/platform/services:import"


@pytest.fixture
async def partner(town_settings: Settings, town: Database) -> AsyncIterator[Partner]:
    yield await new_partner(town_settings)
    await forget_partners(town)


@pytest.fixture
async def model(client: httpx.AsyncClient, town: Database) -> Guide:
    """The guide of 居民身份证丢失补领, as it was published."""
    code = (await client.get(f"/v1/services/{LOST_CARD}/at/{TIANHE}")).json()["service_code"]
    found = await town.read(lambda c: find_version(c, code, None))
    assert found is not None
    return found.guide


_numbers = iter(range(100, 999))


def item(model: Guide, **changed: Any) -> Guide:
    """Another item of the same body, not there yet."""
    basic_code = f"440701998{next(_numbers)}"
    code = f"{model.service_code[:19]}{basic_code}"
    return msgspec.structs.replace(
        model, **{"service_code": code, "basic_code": basic_code, **changed}
    )


def put_path(guide: Guide) -> str:
    return f"/v1/platform/services/{guide.service_code}"


def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    return [msgspec.json.decode(line) for line in answer.content.splitlines()]


async def test_an_item_is_published_with_versions(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    guide = item(model)
    first = await partner.call(client, "PUT", put_path(guide), guide)
    assert first.status_code == 200, first.text
    assert first.json() == {
        "service_code": guide.service_code,
        "version": 1,
        "changed": True,
        "findings": [],
    }
    again = await partner.call(client, "PUT", put_path(guide), guide)
    assert (again.json()["version"], again.json()["changed"]) == (1, False)
    renamed = msgspec.structs.replace(guide, keywords=["另一个名字"])
    second = await partner.call(client, "PUT", put_path(guide), renamed)
    assert (second.json()["version"], second.json()["changed"]) == (2, True)
    shown = (await client.get(f"/v1/services/{guide.service_code}")).json()
    assert (shown["version"], shown["keywords"]) == (2, ["另一个名字"])


async def test_findings_are_answered_by_rule_and_keep_nothing_out(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    guide = item(model, complaint=None, visits=2, visit_reason=None)
    answer = await partner.call(client, "PUT", put_path(guide), guide)
    assert answer.status_code == 200
    findings = answer.json()["findings"]
    assert {4, 8} <= {finding["rule"] for finding in findings}
    assert all(f["field"] and f["code"] and f["detail"] and f["detail_en"] for f in findings)
    assert (await client.get(f"/v1/services/{guide.service_code}")).status_code == 200


async def test_the_address_and_the_guide_name_the_same_item(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    answer = await partner.call(client, "PUT", put_path(item(model)), item(model))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "not_the_path"


@pytest.mark.parametrize(
    ("services", "regions", "allowed"),
    [
        ("body", "4401", True),
        ("whole code", "440106000000", True),
        ("body", "4402", False),
        ("another body", "4401", False),
    ],
)
async def test_rights_are_held_to(
    client: httpx.AsyncClient,
    town_settings: Settings,
    partner: Partner,
    model: Guide,
    services: str,
    regions: str,
    allowed: bool,
) -> None:
    guide = item(model)
    prefix = {
        "body": guide.service_code[:18],
        "whole code": guide.service_code,
        "another body": "11510000MB1234567X",
    }[services]
    limited = await new_partner(town_settings, services=[prefix], regions=[regions])
    answer = await limited.call(client, "PUT", put_path(guide), guide)
    assert answer.status_code == (200 if allowed else 403), answer.text


async def test_another_bodys_name_and_anothers_item_are_out_of_reach(
    client: httpx.AsyncClient, town_settings: Settings, partner: Partner, model: Guide
) -> None:
    elsewhere = await new_partner(
        town_settings, services=[model.service_code[:18]], regions=["440104"]
    )
    standing = item(model)
    assert (await partner.call(client, "PUT", put_path(standing), standing)).status_code == 200
    # Pulled over into a region of its own.
    pulled = msgspec.structs.replace(standing, region_code="440104000000")
    answer = await elsewhere.call(client, "PUT", put_path(pulled), pulled)
    assert answer.status_code == 403
    # A body of another name under its own prefix.
    department = msgspec.structs.replace(model.department, code="11510000MB1234567X", name="冒名")
    forged = item(model, department=department, region_code="440104000000")
    answer = await elsewhere.call(client, "PUT", put_path(forged), forged)
    assert answer.status_code == 403


async def test_a_stream_is_answered_line_by_line_and_poison_stops_nothing(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    good, twice, last = item(model), item(model), item(model)
    bare = item(model, complaint=None)
    foreign_field = msgspec.json.encode(good).replace(b'"name"', b'"nome"', 1)
    content = [
        msgspec.json.encode(good),
        b"not json",
        b"",
        b"\xff\xfe broken bytes",
        msgspec.json.encode(twice),
        b'{"service_code": "too short"}',
        foreign_field,
        b'{"name": "' + b"x" * 1_100_000 + b'"}',
        b"[" * 5000,
        msgspec.json.encode(msgspec.structs.replace(twice, keywords=["后来的"])),
        msgspec.json.encode(bare),
        b'"\\ud800"',
        msgspec.json.encode(last),
    ]
    answers = lines(await partner.call(client, "POST", IMPORT, b"\n".join(content)))
    assert [answer["line"] for answer in answers] == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
    by_line = {answer["line"]: answer for answer in answers}
    codes = {n: a["fault"]["code"] for n, a in by_line.items() if a["fault"]}
    assert codes == {
        2: "unreadable",
        4: "unreadable",
        6: "wrong_format",
        7: "unknown_field",
        8: "line_too_long",
        9: "wrong_type",
        12: "unreadable",
    }
    assert by_line[6]["fault"]["field"] == "service_code"
    assert (by_line[5]["version"], by_line[10]["version"]) == (1, 2)
    assert by_line[10]["service_code"] == twice.service_code
    assert {finding["rule"] for finding in by_line[11]["findings"]} == {8}
    for guide in (good, twice, bare, last):
        assert (await client.get(f"/v1/services/{guide.service_code}")).status_code == 200


async def test_a_foreign_line_is_a_fault_among_good_ones(
    client: httpx.AsyncClient, town_settings: Settings, partner: Partner, model: Guide
) -> None:
    limited = await new_partner(
        town_settings, services=[model.service_code[:18]], regions=["440106"]
    )
    own, foreign = item(model), item(model, region_code="440104000000")
    content = b"\n".join(map(msgspec.json.encode, (foreign, own)))
    answers = lines(await limited.call(client, "POST", IMPORT, content))
    assert [a["fault"]["code"] if a["fault"] else None for a in answers] == ["forbidden", None]
    assert answers[0]["service_code"] == foreign.service_code
    assert (await client.get(f"/v1/services/{foreign.service_code}")).status_code == 404


async def test_many_batches_are_taken_whole(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    guides = [item(model) for _ in range(120)]
    content = b"\n".join(map(msgspec.json.encode, guides))
    assert len(content) > 65_536
    answers = lines(await partner.call(client, "POST", IMPORT, content))
    assert [a["service_code"] for a in answers] == [g.service_code for g in guides]
    assert all(a["changed"] and a["version"] == 1 for a in answers)
    again = lines(await partner.call(client, "POST", IMPORT, content))
    assert not any(a["changed"] for a in again)


async def test_a_stream_of_another_type_or_altered_on_the_way_is_refused(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    guide = item(model)
    content = msgspec.json.encode(guide)
    from_partner = partner.headers
    url = f"http://zhangban.test{IMPORT}"
    signed = {"Content-Type": "application/json", **from_partner(Signed("POST", url, content))}
    assert (await client.post(IMPORT, content=content, headers=signed)).status_code == 415
    altered = {"Content-Type": "application/x-ndjson", **from_partner(Signed("POST", url, content))}
    answer = await client.post(IMPORT, content=content + b"\n", headers=altered)
    assert answer.status_code == 401
    assert (await client.get(f"/v1/services/{guide.service_code}")).status_code == 404


async def test_an_empty_stream_has_an_empty_answer(
    client: httpx.AsyncClient, partner: Partner
) -> None:
    assert lines(await partner.call(client, "POST", IMPORT, b"\n\n")) == []


async def test_two_partners_publish_the_same_item_at_once(
    client: httpx.AsyncClient, partner: Partner, model: Guide
) -> None:
    guide = item(model)
    versions = [msgspec.structs.replace(guide, keywords=[f"第{n}次"]) for n in range(4)]
    answers = await asyncio.gather(
        *(partner.call(client, "PUT", put_path(guide), version) for version in versions)
    )
    assert sorted(answer.json()["version"] for answer in answers) == [1, 2, 3, 4]


async def test_listeners_hear_of_a_changed_item(
    client: httpx.AsyncClient, partner: Partner, model: Guide, town: Database
) -> None:
    body = {"url": "https://8.8.8.8/", "events": ["service.changed"]}
    assert (await partner.call(client, "POST", "/v1/platform/webhooks", body)).status_code == 201
    guide = item(model)
    await partner.call(client, "PUT", put_path(guide), guide)
    for _ in range(2):
        await tell_of_services(town, [guide.service_code])
    answer = await partner.call(client, "GET", "/v1/platform/webhooks/deliveries")
    (delivery,) = answer.json()["items"]
    assert delivery["type"] == delivery["payload"]["type"] == "service.changed"
    data = delivery["payload"]["data"]
    assert (data["service_code"], data["version"], data["change"]) == (
        guide.service_code,
        1,
        "created",
    )
    assert today().isoformat() in data["changed_at"]
