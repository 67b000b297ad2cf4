"""The demonstration town: complete, clean, deterministic and unmistakably invented."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from functools import cache
from hashlib import sha256

import msgspec
import pytest
from stdnum.cn import uscc

from api.catalogue.demonstration.plant_demonstration import (
    check_organisation,
    invent_phones,
    list_departments,
    mint_department_code,
    plant_demonstration,
    plant_offices,
    spread_steps,
)
from api.catalogue.demonstration.read_demonstration import (
    StepTemplate,
    read_departments,
    read_items,
    read_life_events,
    read_notices,
    read_processes,
    read_shared,
)
from api.catalogue.lint_guide import lint_guide
from api.catalogue.schemas import ITEM_TYPE_NAMES, FileReference, Guide, Material, Result

TODAY = date(2026, 11, 22)
REGIONS = [
    ("440000000000", "广东省", "province", None),
    ("440100000000", "广州市", "city", "440000000000"),
    ("441900000000", "东莞市", "city", "440000000000"),
    ("440106000000", "天河区", "county", "440100000000"),
    ("440111000000", "白云区", "county", "440100000000"),
    ("440118000000", "增城区", "county", "440100000000"),
]
OUTSIDE = [
    ("450000000000", "广西壮族自治区", "province", None),
    ("450100000000", "南宁市", "city", "450000000000"),
    ("440106003000", "石牌街道", "township", "440106000000"),
]


def attach(basic_code: str, material: Material) -> tuple[FileReference, FileReference]:
    return file_of(f"{basic_code}{material.name}"), file_of(f"{basic_code}{material.name}示例")


def attach_result(basic_code: str, result: Result) -> FileReference:
    return file_of(f"{basic_code}{result.name}")


def file_of(name: str) -> FileReference:
    digest = sha256(name.encode()).hexdigest()
    return FileReference(f"{name}.pdf", "application/pdf", 1024, digest)


@cache
def planted() -> list[Guide]:
    return list(plant_demonstration(REGIONS, attach, attach_result, TODAY))


def test_every_guide_passes_the_whole_lint() -> None:
    findings = [
        (guide.name, finding) for guide in planted() for finding in lint_guide(guide, TODAY)
    ]
    assert findings == []


def test_every_guide_survives_strict_decoding() -> None:
    for guide in planted():
        assert msgspec.json.decode(msgspec.json.encode(guide), type=Guide, strict=True) == guide


def test_the_same_regions_and_day_give_the_same_guides() -> None:
    again = list(plant_demonstration(REGIONS, attach, attach_result, TODAY))
    assert msgspec.json.encode(again) == msgspec.json.encode(planted())


def test_there_are_enough_items_of_every_type() -> None:
    items = {guide.basic_code: guide for guide in planted()}
    assert len(items) >= 66
    assert {guide.item_type for guide in items.values()} == set(ITEM_TYPE_NAMES)


def test_basic_codes_are_unique_and_name_province_and_type() -> None:
    codes = [item.basic_code for item in read_items()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"44[0-9]{10}", code) for code in codes)


def test_service_codes_are_unique() -> None:
    counts = Counter(guide.service_code for guide in planted())
    assert max(counts.values()) == 1


def test_each_item_is_planted_once_in_each_region_of_its_level() -> None:
    regions = {item.basic_code: set[str]() for item in read_items()}
    for guide in planted():
        regions[guide.basic_code or ""].add(guide.region_code)
    places = {
        "2": {"440000000000"},
        "3": {"440100000000", "441900000000"},
        "4": {"440106000000", "440111000000", "440118000000", "441900000000"},
    }
    for item in read_items():
        assert regions[item.basic_code] == places[item.level], item.name


def test_regions_outside_the_demonstration_province_stay_empty() -> None:
    assert list(plant_demonstration(OUTSIDE, attach, attach_result, TODAY)) == []
    assert list(plant_offices(OUTSIDE)) == []


def test_a_city_repeated_as_its_own_county_is_planted_once() -> None:
    twice = [*REGIONS, ("441900000000", "东莞市", "county", "441900000000")]
    assert list(plant_demonstration(twice, attach, attach_result, TODAY)) == planted()
    assert len(list(plant_offices(twice))) == len(REGIONS)


def test_a_city_without_counties_does_their_work_at_city_level() -> None:
    guides = [guide for guide in planted() if guide.region_code == "441900000000"]
    assert {guide.exercise_level for guide in guides} == {"3"}
    assert "居民身份证首次申领" in {guide.name for guide in guides}


def test_every_guide_says_it_is_a_demonstration() -> None:
    for guide in planted():
        assert guide.demonstration
        assert guide.department.name.endswith("（演示）")
        assert (guide.source, guide.licence) == ("掌办演示数据", "Apache-2.0")
        assert all("（演示）" in place.name for place in guide.places)


def test_no_phone_can_be_anybodys() -> None:
    for guide in planted():
        for contact in (guide.enquiry, guide.complaint):
            assert contact
            assert contact.phone
            assert re.fullmatch(r"0000-88[0-9]{6}", contact.phone)


def test_enquiry_and_complaint_phones_differ_for_every_body() -> None:
    for number in range(100):
        enquiry, complaint = invent_phones(number, "440106000000")
        assert int(enquiry[-1]) % 2 == 0
        assert int(complaint[-1]) % 2 == 1


@pytest.mark.parametrize(
    ("body", "check"), [("D2143569", "X"), ("00000693", "9"), ("60003734", "1")]
)
def test_the_organisation_check_agrees_with_known_codes(body: str, check: str) -> None:
    assert check_organisation(body) == check


def test_department_codes_are_valid_and_no_two_bodies_share_one() -> None:
    codes = {
        mint_department_code(number, f"44{city:02d}{county:02d}000000")
        for number in range(1, 25)
        for city in range(0, 60, 7)
        for county in range(0, 90, 11)
    }
    assert len(codes) == 24 * 9 * 9
    assert all(uscc.is_valid(code) and code.startswith("1144") for code in codes)
    assert all(code[8:10] == "DM" for code in codes)
    assert all(check_organisation(code[8:16]) == code[16] for code in codes)
    assert len({code[8:17] for code in codes}) == len(codes)


def test_the_listed_departments_are_those_that_publish() -> None:
    listed = {(region, body.code, body.name) for region, body in list_departments(REGIONS)}
    assert listed == {(g.region_code, g.department.code, g.department.name) for g in planted()}


def test_every_department_and_shared_part_is_used() -> None:
    items, shared = read_items(), read_shared()
    assert {item.department for item in items} == set(read_departments())
    assert {part["use"] for item in items for part in item.materials} == set(shared.materials)
    assert {item.steps for item in items} == set(shared.steps)
    assert {item.online for item in items} == set(shared.online)
    reasons = {item.visit_reason for item in items if item.visit_reason}
    assert reasons == set(shared.visit_reasons)


def test_every_process_belongs_to_an_item_and_is_planted_with_it() -> None:
    processes = read_processes()
    assert set(processes) <= {item.basic_code for item in read_items()}
    assert {g.basic_code for g in planted() if g.process} == set(processes)
    assert len(processes) >= 12
    rules = [guide.process.rules for guide in planted() if guide.process]
    for name in ("eligibility", "completeness", "fee", "instant"):
        assert any(getattr(rule, name) for rule in rules), name


def test_every_form_has_a_file_of_its_own_item() -> None:
    for guide in planted():
        for material in guide.materials:
            if material.is_form:
                assert material.blank_form
                assert material.sample
                assert material.blank_form.name.startswith(guide.basic_code or "-")
                assert material.blank_form.sha256 != material.sample.sha256


def test_there_is_something_for_every_kind_of_trial() -> None:
    guides = {guide.basic_code: guide for guide in planted()}.values()
    free_instant = [
        guide
        for guide in guides
        if not guide.charged and guide.handling_type == "instant" and guide.online.depth == "IV"
    ]
    fixed_fee = [guide for guide in guides if any(fee.amount_fen for fee in guide.fees)]
    with_forms = [guide for guide in guides if any(m.is_form for m in guide.materials)]
    booked = [guide for guide in guides if guide.online.appointment and guide.visits]
    promised = [g for g in guides if g.handling_type == "promised" and g.materials]
    assert len(free_instant) >= 3
    assert len(promised) >= 20
    assert min(len(fixed_fee), len(with_forms), len(booked)) >= 5
    assert all(guide.daily_appointment_quota for guide in booked)
    assert {guide.visits for guide in guides} >= {0, 1}
    assert {a for guide in guides for a in guide.audience} == {"natural_person", "legal_person"}
    assert {guide.exercise_level for guide in guides} == {"2", "3", "4"}


def test_steps_add_up_to_the_promise_and_lose_no_day() -> None:
    templates = [StepTemplate("步", "other", "承办人", weight, "") for weight in (0, 1, 4, 2, 1, 0)]
    for days in range(260):
        steps = spread_steps(templates, days)
        assert sum(step.limit_days or 0 for step in steps) == days
        assert all((step.limit_days or 0) >= 0 for step in steps)


def test_every_guide_was_assured_within_the_last_month() -> None:
    ages = {(TODAY - guide.assured_on).days for guide in planted() if guide.assured_on}
    assert min(ages) >= 1
    assert max(ages) <= 27
    assert len(ages) > 20


def test_life_events_name_items_that_exist_and_serve_their_audience() -> None:
    items = {item.basic_code: item for item in read_items()}
    events = read_life_events()
    assert len({event.slug for event in events}) == len(events) >= 8
    for event in events:
        for step in event.steps:
            assert event.audience in items[step.basic_code].audience, (event.slug, step.name)


def test_a_life_event_asks_for_nothing_that_comes_later() -> None:
    for event in read_life_events():
        done: set[str] = set()
        for step in event.steps:
            assert set(step.after) <= done, (event.slug, step.name)
            done.add(step.basic_code)


def test_notices_are_marked_and_recent() -> None:
    notices = read_notices()
    assert len(notices) >= 3
    assert all(n.title.startswith("（演示）") and 0 <= n.days_ago < 30 for n in notices)


def test_offices_lie_in_the_province_each_at_its_own_place() -> None:
    offices = list(plant_offices(REGIONS))
    assert [office.region_code for office in offices] == [region[0] for region in REGIONS]
    assert len({(office.latitude, office.longitude) for office in offices}) == len(offices)
    for office in offices:
        assert 20 < office.latitude < 26
        assert 109 < office.longitude < 118
        assert "工作日" in office.hours
        assert "88号" in office.address
        assert set(office.windows) == {body.window for body in read_departments().values()}
