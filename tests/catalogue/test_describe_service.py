"""What search engines are told about an item."""

from __future__ import annotations

import pytest

from api.catalogue.web.describe_service import describe_service, read_hours, web_address
from tests.catalogue.builders import HOURS, OTHER_CODE, URL, whole_guide


def test_the_description_follows_schema_org() -> None:
    found = describe_service(whole_guide(), URL)
    assert found["@type"] == "GovernmentService"
    assert found["serviceType"] == "行政确认"
    assert found["provider"]["@type"] == "GovernmentOrganization"
    assert found["areaServed"]["containedInPlace"]["containedInPlace"]["name"] == "广东省"
    assert found["offers"][0]["price"] == "40.00"
    assert found["mainEntityOfPage"]["dateModified"] == "2026-01-04T10:00:00+08:00"
    assert found["isRelatedTo"][0]["url"] == f"{URL}/services/{OTHER_CODE}"
    place = found["availableChannel"][2]["serviceLocation"]
    assert place["address"]["addressRegion"] == "广东省"
    assert place["openingHoursSpecification"] == found["hoursAvailable"]
    assert [channel["servicePhone"]["telephone"] for channel in found["availableChannel"]] == [
        "020-88834134"
    ] * 3


def test_what_is_free_offers_no_price() -> None:
    assert "offers" not in describe_service(whole_guide(charged=False), URL)


@pytest.mark.parametrize(
    ("text", "days", "times"),
    [
        (HOURS, 5, [("09:00", "12:00"), ("14:00", "17:30")]),
        ("周一至周六 8:30-17:00", 6, [("08:30", "17:00")]),
        ("星期一到星期日 上午9：00至下午5：00", 7, [("09:00", "17:00")]),
        ("工作日 下午2:00～5:30", 5, [("14:00", "17:30")]),
    ],
)
def test_plain_hours_are_read(text: str, days: int, times: list[tuple[str, str]]) -> None:
    found = read_hours(text)
    assert [(f["opens"], f["closes"]) for f in found] == times
    assert all(len(f["dayOfWeek"]) == days for f in found)
    assert found[0]["dayOfWeek"][0] == "https://schema.org/Monday"


@pytest.mark.parametrize(
    "text",
    [
        "", "工作日", "9:00-12:00", "周一至周五 9:00-12:00，周六 9:00-11:00", "工作日 17:00-9:00",
        "夏季工作日 9:00-18:00", "每月最后一个工作日 9:00-12:00", "周一至周五 9:00-25:00",
        "周一至周五 9:75-12:00", "工作日 9:00-12:00，周末预约",
    ],
)  # fmt: skip
def test_hours_in_doubt_are_left_out(text: str) -> None:
    assert read_hours(text) == []


def test_a_web_address_needs_a_host() -> None:
    assert web_address("https://a.example/x?y=1") == "https://a.example/x?y=1"
    assert web_address("https:///x") is None
    assert web_address(None) is None
