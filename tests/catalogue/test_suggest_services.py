from __future__ import annotations

from typing import Any

import pytest

from api.catalogue.search.read_synonyms import SynonymBook
from api.catalogue.search.search_services import find_scope
from api.catalogue.search.suggest_services import suggest_services
from tests.catalogue.evaluate_search import COUNTY, PROVINCE, Item, load


@pytest.fixture
async def catalogue(connection: Any) -> Any:
    names = ["居民身份证首次申领", "居民身份证丢失补领", "身份证明开具"]
    names += ["机动车驾驶证补领", "出生登记"]
    items = [Item(name, "", PROVINCE, 2, "20") for name in names]
    items += [Item("居民身份证首次申领", "", COUNTY, 4, "20")]
    items += [Item("银行账户核准", "开户", "511602000000", 4, "20")]
    await load(connection, items, tidy=False)
    return connection


async def _texts(connection: Any, q: str, region: str | None = COUNTY) -> list[str]:
    scope = await find_scope(connection, region) if region else None
    return [s.text for s in await suggest_services(connection, q, scope, book=SynonymBook())]


async def test_a_name_beginning_so_comes_before_one_that_holds_it(catalogue: Any) -> None:
    texts = await _texts(catalogue, "身份证")
    assert texts == ["身份证明开具", "居民身份证丢失补领", "居民身份证首次申领"]


async def test_initials_and_pinyin_are_accepted(catalogue: Any) -> None:
    for typed in ("sfz", "SFZ", "shenfenzh", "shen fen"):
        assert "居民身份证首次申领" in await _texts(catalogue, typed)


async def test_a_polyphone_answers_to_its_reading_in_the_word(catalogue: Any) -> None:
    assert await _texts(catalogue, "yinhang", None) == ["银行账户核准"]
    assert await _texts(catalogue, "yinxing", None) == []


async def test_keywords_suggest_the_name(catalogue: Any) -> None:
    assert await _texts(catalogue, "开户", None) == ["银行账户核准"]


async def test_what_people_say_suggests_what_it_means(catalogue: Any) -> None:
    assert await _texts(catalogue, "驾照") == ["机动车驾驶证补领"]


async def test_each_text_comes_once_with_the_nearest_item(catalogue: Any) -> None:
    scope = await find_scope(catalogue, COUNTY)
    found = await suggest_services(catalogue, "居民身份证首次", scope, book=SynonymBook())
    assert [s.text for s in found] == ["居民身份证首次申领"]
    region = await catalogue.fetchval(
        "select region_code from services where service_code = $1", found[0].service_code
    )
    assert region == COUNTY


async def test_items_elsewhere_and_withdrawn_ones_are_not_suggested(catalogue: Any) -> None:
    assert await _texts(catalogue, "银行") == []
    await catalogue.execute("update services set withdrawn_at = now() where name = '出生登记'")
    assert await _texts(catalogue, "出生") == []


async def test_at_most_ten_are_suggested_and_none_for_nothing(connection: Any) -> None:
    items = [Item(f"证明{n}", "", PROVINCE, 2, "20") for n in "一二三四五六七八九十甲乙"]
    await load(connection, items, tidy=False)
    assert len(await _texts(connection, "证")) == 10
    for typed in ("", "  ", "%", "_", "\\", "' or"):
        assert await _texts(connection, typed) == []
