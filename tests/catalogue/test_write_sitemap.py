"""The sitemap keeps to sitemaps.org 0.9."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from lxml import etree

from api.catalogue.rows import SitemapEntry, SitemapPart
from api.catalogue.web.write_sitemap import PART_LIMIT, write_index, write_part, write_robots

URL = "https://zhangban.example"
CHINA = timezone(timedelta(hours=8))
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=CHINA)
CODE = "11440106DM1GL9LR584440701003000"
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def read(document: bytes, path: str) -> list[Any]:
    found: list[Any] = etree.fromstring(document).xpath(path, namespaces=NAMES)
    return found


def test_the_index_names_every_part() -> None:
    index = write_index(URL, [SitemapPart(n, CODE, MOMENT) for n in (1, 2)])
    assert read(index, "/s:sitemapindex/s:sitemap/s:loc/text()") == [
        f"{URL}/sitemap.xml?part=1",
        f"{URL}/sitemap.xml?part=2",
    ]


def test_a_part_names_pages_with_their_last_change_and_its_zone() -> None:
    part = write_part(URL, [SitemapEntry(CODE, MOMENT), SitemapEntry(CODE, MOMENT.astimezone(UTC))])
    assert read(part, "/s:urlset/s:url/s:loc/text()") == [f"{URL}/services/{CODE}"] * 2
    moments = read(part, "/s:urlset/s:url/s:lastmod/text()")
    assert moments == ["2026-01-02T03:04:05+08:00", "2026-01-01T19:04:05+00:00"]


def test_an_address_with_signs_of_xml_is_escaped() -> None:
    part = write_part("https://a.example/?x=1&y=<2>", [SitemapEntry(CODE, MOMENT)])
    assert read(part, "//s:loc/text()") == [f"https://a.example/?x=1&y=<2>/services/{CODE}"]


def test_an_empty_catalogue_has_an_empty_index() -> None:
    assert read(write_index(URL, []), "/s:sitemapindex/*") == []


def test_a_full_part_stays_below_the_size_that_is_allowed() -> None:
    part = write_part(URL, [SitemapEntry(CODE, MOMENT)] * PART_LIMIT)
    assert len(read(part, "//s:loc")) == PART_LIMIT
    assert len(part) < 50 * 1024 * 1024


def test_more_addresses_than_allowed_are_refused() -> None:
    with pytest.raises(ValueError, match="50001"):
        write_part(URL, [SitemapEntry(CODE, MOMENT)] * (PART_LIMIT + 1))


def test_crawlers_read_pages_and_leave_the_interface_alone() -> None:
    robots = RobotFileParser()
    robots.parse(write_robots(URL).splitlines())
    assert robots.can_fetch("Baiduspider", f"{URL}/services/{CODE}")
    assert not robots.can_fetch("Baiduspider", f"{URL}/v1/services/{CODE}")
    assert robots.site_maps() == [f"{URL}/sitemap.xml"]
