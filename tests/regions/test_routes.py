"""Regions over HTTP."""

from __future__ import annotations

import httpx
import pytest


async def names(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get("/v1/regions", params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def test_a_region_shows_its_path_from_the_province(client: httpx.AsyncClient) -> None:
    region = (await client.get("/v1/regions/440106000000")).json()
    assert region["level"] == "county"
    assert region["parent_code"] == "440100000000"
    assert [step["name"] for step in region["path"]] == ["广东省", "广州市", "天河区"]


async def test_a_pseudo_city_is_left_out_of_the_path(client: httpx.AsyncClient) -> None:
    region = (await client.get("/v1/regions/110101000000")).json()
    assert region["parent_code"] == "110000000000"
    assert [step["name"] for step in region["path"]] == ["北京市", "东城区"]


async def test_the_counties_of_a_municipality_are_its_children(client: httpx.AsyncClient) -> None:
    assert await names(client, parent="110000000000") == ["东城区", "西城区"]


async def test_a_city_without_counties_has_its_townships_as_children(
    client: httpx.AsyncClient,
) -> None:
    found = (await client.get("/v1/regions", params={"parent": "441900000000"})).json()["items"]
    assert {item["level"] for item in found} == {"township"}
    assert [step["name"] for step in found[0]["path"]][:2] == ["广东省", "东莞市"]


async def test_without_a_parent_the_provinces_are_listed(client: httpx.AsyncClient) -> None:
    assert "广东省" in await names(client)


@pytest.mark.parametrize("words", ["天河", "天河区"])
async def test_a_name_is_found_by_its_beginning(client: httpx.AsyncClient, words: str) -> None:
    assert (await names(client, q=words))[0] == "天河区"


async def test_a_county_is_found_by_the_middle_of_its_name(client: httpx.AsyncClient) -> None:
    assert "天河区" in await names(client, q="河")


async def test_a_search_stays_within_the_parent(client: httpx.AsyncClient) -> None:
    assert await names(client, q="东城", parent="110000000000") == ["东城区"]


@pytest.mark.parametrize("sign", ["%", "_", "\\"])
async def test_signs_of_patterns_are_taken_as_text(client: httpx.AsyncClient, sign: str) -> None:
    assert await names(client, q=sign) == []


async def test_pages_go_on_where_the_one_before_ended(client: httpx.AsyncClient) -> None:
    whole = await names(client, limit="100")
    first = (await client.get("/v1/regions", params={"limit": 2})).json()
    following = await client.get(
        "/v1/regions", params={"limit": 100, "cursor": first["next_cursor"]}
    )
    assert [i["name"] for i in first["items"] + following.json()["items"]] == whole
    assert following.json()["next_cursor"] is None


@pytest.mark.parametrize("code", ["999999000000", "1", "%00", "44010600000x"])
async def test_an_unknown_region_is_not_found(client: httpx.AsyncClient, code: str) -> None:
    answer = await client.get(f"/v1/regions/{code}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
