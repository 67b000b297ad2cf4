"""The catalogue over HTTP: what a phone and a platform see."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx
import pytest

from api.catalogue import queries
from api.database import Database
from tests.town import LOST_CARD, TIANHE

Json = dict[str, Any]


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Json:
    answer = await client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_the_first_screen_comes_in_one_call(client: httpx.AsyncClient) -> None:
    home = await get(client, "/v1/home", region=TIANHE)
    assert home["region"] == {"code": TIANHE, "name": "天河区"}
    assert home["notices"]
    assert len(home["hot_services"]) == 8
    assert {event["slug"] for event in home["life_events"]} >= {"birth", "marriage", "retirement"}
    assert all(d["services_count"] > 0 for d in home["departments"])


async def test_a_lost_card_is_found_in_the_words_of_people(client: httpx.AsyncClient) -> None:
    found = await get(client, "/v1/services", q="身份证丢了", region=TIANHE)
    first = found["items"][0]
    assert first["name"] in ("居民身份证丢失补领", "居民身份证挂失申报")
    assert first["region"]["code"] == TIANHE


async def test_a_summary_has_the_fields_of_the_contract(client: httpx.AsyncClient) -> None:
    item = (await get(client, "/v1/services", region=TIANHE, limit=1))["items"][0]
    assert set(item) >= {
        "service_code",
        "name",
        "department",
        "region",
        "item_type",
        "audience",
        "handling_type",
        "statutory_days",
        "promised_days",
        "visits",
        "online_depth",
        "charged",
        "updated_at",
    }
    assert item["updated_at"].endswith("+08:00")


async def test_a_place_sees_its_own_items_before_those_above(client: httpx.AsyncClient) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        query = {"region": TIANHE, "limit": 100, **({"cursor": cursor} if cursor else {})}
        page = await get(client, "/v1/services", **query)
        seen += [item["region"]["code"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    order = [TIANHE, "440100000000", "440000000000"]
    assert seen == sorted(seen, key=order.index)
    assert set(seen) == set(order)


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ({"audience": "legal_person"}, lambda i: "legal_person" in i["audience"]),
        ({"item_type": "1"}, lambda i: i["item_type"] == "1"),
        ({"online": "IV"}, lambda i: i["online_depth"] == "IV"),
        ({"online": "true"}, lambda i: i["online_depth"] in ("III", "IV")),
        ({"online": "false"}, lambda i: i["online_depth"] in ("I", "II")),
    ],
)
@pytest.mark.parametrize("scope", [{}, {"region": TIANHE}, {"q": "登记", "region": TIANHE}])
async def test_every_filter_holds_in_every_list(
    client: httpx.AsyncClient, query: Json, holds: Any, scope: Json
) -> None:
    items = (await get(client, "/v1/services", limit=50, **query, **scope))["items"]
    assert items
    assert all(holds(item) for item in items)


async def test_a_department_lists_as_many_as_it_says(client: httpx.AsyncClient) -> None:
    department = (await get(client, "/v1/departments", region=TIANHE, limit=1))["items"][0]
    items = await get(client, "/v1/services", department=department["code"], limit=100)
    assert len(items["items"]) == department["services_count"]


async def test_a_theme_lists_only_its_items(client: httpx.AsyncClient, lost_card: Json) -> None:
    theme = lost_card["person_themes"][0]
    items = (await get(client, "/v1/services", theme=theme, region=TIANHE, limit=100))["items"]
    assert lost_card["service_code"] in {item["service_code"] for item in items}


async def test_a_platform_reads_changes_since_a_time_in_order(client: httpx.AsyncClient) -> None:
    seen: list[Json] = []
    query: Json = {"updated_since": "2026-01-01T00:00:00+08:00", "limit": 100}
    for _ in range(3):
        page = await get(client, "/v1/services", **query)
        seen += page["items"]
        query["cursor"] = page["next_cursor"]
    times = [item["updated_at"] for item in seen]
    assert times == sorted(times)
    assert len({item["service_code"] for item in seen}) == 300


async def test_the_change_feed_goes_on_from_the_last_number(client: httpx.AsyncClient) -> None:
    first = await get(client, "/v1/services/changes", after=0, limit=3)
    following = await get(client, "/v1/services/changes", after=first["items"][-1]["seq"], limit=3)
    numbers = [item["seq"] for item in first["items"] + following["items"]]
    assert numbers == sorted(set(numbers))
    assert {item["change"] for item in first["items"]} == {"created"}


async def test_the_implementing_item_is_found_up_the_tree(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/services/{LOST_CARD}/at/440106001001")
    guide = answer.json()
    assert guide["region"]["code"] == TIANHE
    assert answer.headers["content-location"] == f"/v1/services/{guide['service_code']}"


async def test_a_place_without_an_implementing_body_is_told_so(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/services/{LOST_CARD}/at/511602000000")
    assert answer.status_code == 404
    assert "部门" in answer.json()["detail"]


async def test_a_guide_is_whole(lost_card: Json) -> None:
    assert lost_card["version"] == 1
    assert lost_card["status"] == "in_force"
    assert lost_card["assured_on"]
    assert lost_card["conditions"]
    assert [step["name"] for step in lost_card["region_path"]] == ["广东省", "广州市", "天河区"]
    assert lost_card["links"]["web"].endswith(f"/services/{lost_card['service_code']}")
    assert lost_card["links"]["wechat"]
    assert "lost-cards" in {event["slug"] for event in lost_card["life_events"]}


async def test_related_items_say_why_they_are_related(lost_card: Json) -> None:
    reasons = {item["reason"] for item in lost_card["related"]}
    assert reasons <= {"shared_materials", "same_theme", "same_department"}
    assert len(lost_card["related"]) == 8
    assert lost_card["service_code"] not in {i["service_code"] for i in lost_card["related"]}


async def test_a_form_and_its_sample_can_be_opened(client: httpx.AsyncClient) -> None:
    guide = await get(client, f"/v1/services/440701009000/at/{TIANHE}")
    form = next(m for m in guide["materials"] if m["is_form"])
    blank = await client.get(form["blank_form"]["url"])
    assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(blank.content)).namelist()
    assert "filename*=UTF-8''" in blank.headers["content-disposition"]
    sample = await client.get(form["sample"]["url"])
    assert sample.headers["content-type"] == "application/pdf"
    assert sample.content.startswith(b"%PDF-")
    result = await client.get(guide["result"]["sample"]["url"])
    assert result.content.startswith(b"%PDF-")


@pytest.mark.parametrize("what", ["materials/nothing/blank-form", "materials/m1/x", "nothing"])
async def test_a_file_that_is_not_there_is_not_found(
    client: httpx.AsyncClient, lost_card: Json, what: str
) -> None:
    answer = await client.get(f"/v1/services/{lost_card['service_code']}/{what}")
    assert answer.status_code == 404


@pytest.mark.parametrize("typed", ["身份", "sfz", "shenfenz"])
async def test_suggestions_come_while_typing(client: httpx.AsyncClient, typed: str) -> None:
    answer = await client.get("/v1/suggestions", params={"q": typed, "region": TIANHE})
    found = answer.json()["items"]
    assert 0 < len(found) <= 10
    assert any("身份证" in suggestion["text"] for suggestion in found)


@pytest.mark.parametrize("code", ["NOPE", "1" * 31, "%00" * 10, "%F0%9F%98%80"])
async def test_an_unknown_service_is_not_found(client: httpx.AsyncClient, code: str) -> None:
    for path in ("", "/materials/m1/blank-form", "/result-sample"):
        answer = await client.get(f"/v1/services/{code}{path}")
        assert answer.status_code == 404, answer.text
        assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("limit=0", "limit", "out_of_range"),
        ("limit=x", "limit", "wrong_type"),
        ("region=12", "region", "wrong_length"),
        ("audience=cats", "audience", "unknown_value"),
        ("cursor=abc", "cursor", "cursor_wrong"),
        ("updated_since=yesterday", "updated_since", "wrong_format"),
        ("q=%00", "q", "wrong_format"),
        ("online=maybe", "online", "unknown_value"),
    ],
)
async def test_a_wrong_value_is_named_with_code_and_words(
    client: httpx.AsyncClient, query: str, field: str, code: str
) -> None:
    answer = await client.get(f"/v1/services?{query}")
    assert answer.status_code == 400
    problem = answer.json()
    assert [(e["field"], e["code"]) for e in problem["errors"]] == [(field, code)]
    assert problem["errors"][0]["detail"]
    english = await client.get(f"/v1/services?{query}", headers={"Accept-Language": "en"})
    assert english.json()["errors"][0]["detail"].isascii()


async def test_a_region_that_is_none_is_not_found(client: httpx.AsyncClient) -> None:
    for path in ("home", "services", "departments", "suggestions?q=a"):
        joint = "&" if "?" in path else "?"
        answer = await client.get(f"/v1/{path}{joint}region=999999000000")
        assert answer.status_code == 404, path


async def test_a_guide_shows_what_will_be_asked_and_not_by_which_rules(
    lost_card: dict[str, Any],
) -> None:
    process = lost_card["process"]
    assert [field["name"] for field in process["form"]][:2] == ["applicant_name", "lost_on"]
    assert process["steps"][0]["stage"] == "acceptance"
    assert process["payment"] == {"after": "acceptance", "without_case": False}
    assert (process["fee_by_form"], process["instant_approval"]) == (True, False)
    assert process["assurance_level"] == "basic"
    assert "rules" not in process


async def test_an_item_without_a_process_shows_the_standard_steps(
    client: httpx.AsyncClient,
) -> None:
    guide = (await client.get(f"/v1/services/440701007000/at/{TIANHE}")).json()
    assert [step["stage"] for step in guide["process"]["steps"]] == [
        *("acceptance", "review", "decision", "completion", "delivery")
    ]
    assert guide["process"]["form"] == []


async def test_the_examples_can_be_applied_for_online(
    client: httpx.AsyncClient, town: Database
) -> None:
    async with town.connection() as connection:
        examples = {e.first: e.second for e in await queries.list_examples(connection)}
    guides = {
        purpose: (await client.get(f"/v1/services/{code}")).json()
        for purpose, code in examples.items()
    }
    assert set(guides) == {"free_instant", "charged", "needs_correction", "appointment"}
    for purpose in ("free_instant", "charged", "needs_correction"):
        assert guides[purpose]["online_depth"] in ("III", "IV")
        assert guides[purpose]["region"]["code"] in (TIANHE, "440100000000")
    assert guides["free_instant"]["process"]["instant_approval"]
    assert not guides["free_instant"]["charged"]
    assert guides["charged"]["process"]["payment"]
    required = [m for m in guides["needs_correction"]["materials"] if m["necessity"] == "required"]
    assert len(required) >= 2
    assert guides["appointment"]["online"]["appointment"]
