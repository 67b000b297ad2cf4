"""Pages, sitemap and robots.txt through the whole service."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest
from lxml import etree, html

from api.catalogue import queries
from api.catalogue.publish_services import Linted, publish_batch, withdraw
from api.catalogue.show_guide import find_version
from api.catalogue.web.render_page import CONTENT_SECURITY_POLICY
from api.database import CHINA, Database

Json = dict[str, Any]
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
NAMES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def locations(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/xml"
    found: list[str] = etree.fromstring(answer.content).xpath("//s:loc/text()", namespaces=NAMES)
    return found


async def test_an_item_has_a_page_for_people(client: httpx.AsyncClient, lost_card: Json) -> None:
    answer = await client.get(f"/services/{lost_card['service_code']}", headers=BROWSER)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"].startswith("public, max-age=300")
    tree = html.document_fromstring(answer.text)
    assert tree.findtext(".//h1") == "居民身份证丢失补领"
    assert "演示数据" in tree.text_content()
    [canonical] = tree.findall(".//link[@rel='canonical']")
    assert canonical.get("href") == lost_card["links"]["web"]


async def test_the_page_is_not_sent_twice(client: httpx.AsyncClient, lost_card: Json) -> None:
    path = f"/services/{lost_card['service_code']}"
    first = await client.get(path)
    again = await client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304


async def test_the_elder_view_is_another_page(client: httpx.AsyncClient, lost_card: Json) -> None:
    path = f"/services/{lost_card['service_code']}"
    full = (await client.get(path)).text
    elder = (await client.get(path, params={"view": "elder"})).text
    assert '<body class="large">' in elder
    assert '<body class="large">' not in full
    assert len(elder) < len(full)


async def test_a_view_that_is_none_is_refused(client: httpx.AsyncClient, lost_card: Json) -> None:
    answer = await client.get(f"/services/{lost_card['service_code']}", params={"view": "x"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "view"


async def test_every_link_of_ours_on_a_page_opens(client: httpx.AsyncClient) -> None:
    found = await client.get("/v1/services/440701009000/at/440106000000")
    page = await client.get(f"/services/{found.json()['service_code']}")
    links = {a.get("href") for a in html.document_fromstring(page.text).iter("a")}
    own = sorted(link for link in links if link.startswith("/"))
    assert len(own) > 8
    for link in own:
        assert (await client.get(link)).status_code == 200, link


@pytest.mark.parametrize("code", ["NOPE", "1" * 31, "%F0%9F%98%80", "%3Cscript%3E"])
async def test_people_get_a_page_and_programs_a_problem_for_what_is_not_there(
    client: httpx.AsyncClient, code: str
) -> None:
    seen = await client.get(f"/services/{code}", headers=BROWSER)
    assert seen.status_code == 404
    assert seen.headers["content-type"] == "text/html; charset=utf-8"
    assert seen.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "没有这个事项" in html.document_fromstring(seen.text).text_content()
    problem = await client.get(f"/services/{code}", headers={"Accept": "application/json"})
    assert problem.status_code == 404
    assert problem.json()["code"] == "not_found"


async def test_a_withdrawn_item_keeps_a_page_that_says_so(
    client: httpx.AsyncClient, town: Database, lost_card: Json
) -> None:
    code = await withdrawn_copy(town, lost_card["service_code"])
    gone = await client.get(f"/services/{code}", headers=BROWSER)
    assert gone.status_code == 410
    assert gone.headers["cache-control"] == "no-store"
    [alert] = html.document_fromstring(gone.text).findall(".//*[@role='alert']")
    assert "已经取消" in alert.text_content()
    problem = await client.get(f"/services/{code}", headers={"Accept": "application/json"})
    assert problem.status_code == 410
    assert problem.json()["code"] == "service_withdrawn"
    assert not [loc for loc in await every_location(client) if loc.endswith(code)]


async def withdrawn_copy(town: Database, service_code: str) -> str:
    """A withdrawn item of the test's own."""
    found = await town.read(lambda c: find_version(c, service_code, None))
    assert found is not None
    code = f"{service_code[:19]}440701998000"
    guide = msgspec.structs.replace(found.guide, service_code=code, basic_code=None)
    async with town.transaction() as connection:
        await publish_batch(
            connection, [Linted(guide, [])], publisher="test", today=datetime.now(CHINA).date()
        )
        assert await withdraw(connection, code) is not None
    return code


async def test_the_sitemap_names_every_item_once(client: httpx.AsyncClient, town: Database) -> None:
    found = await every_location(client)
    count = await town.read(queries.count_services)
    assert len(found) == len(set(found)) == count
    page = await client.get(httpx.URL(found[0]).path)
    assert page.status_code == 200


async def every_location(client: httpx.AsyncClient) -> list[str]:
    index = locations(await client.get("/sitemap.xml"))
    assert index
    parts = [locations(await client.get(httpx.URL(part).raw_path.decode())) for part in index]
    assert all(len(part) <= 50_000 for part in parts)
    return [location for part in parts for location in part]


async def test_a_part_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sitemap.xml", params={"part": 999_999})
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize("number", ["0", "2000000000", "9" * 30, "-1", "x", "9" * 5000])
async def test_a_part_that_is_no_number_is_refused(client: httpx.AsyncClient, number: str) -> None:
    answer = await client.get("/sitemap.xml", params={"part": number})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "part"


async def test_robots_are_told_where_the_sitemap_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "Disallow: /v1/" in answer.text
    assert "/sitemap.xml" in answer.text


async def test_pages_are_documented_with_what_they_are(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/schema/openapi.json")).json()["paths"]
    kinds = {
        path: list(paths[path]["get"]["responses"]["200"]["content"])
        for path in (
            "/services/{service_code}",
            "/sitemap.xml",
            "/robots.txt",
        )
    }
    assert kinds == {
        "/services/{service_code}": ["text/html"],
        "/sitemap.xml": ["application/xml"],
        "/robots.txt": ["text/plain"],
    }
