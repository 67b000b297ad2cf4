from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from api.catalogue.search import read_synonyms
from api.catalogue.search.index_titles import reindex, title_ids
from api.catalogue.search.read_synonyms import SynonymBook
from api.catalogue.search.search_services import Filters, Place, find_scope, search_services
from api.catalogue.search.understand_query import understand_query
from api.database import open_connection
from tests.catalogue.evaluate_search import COUNTY, PROVINCE, Item, load

OTHER_COUNTY = "511602000000"
NAMES = [
    "居民身份证首次申领",
    "居民身份证挂失申报",
    "居民身份证丢失补领",
    "临时居民身份证申领",
    "居住证首次申领",
    "机动车驾驶证补领",
    "机动车驾驶证期满换领",
    "机动车驾驶证期满换领进度查询",
    "内地居民结婚登记",
    "内地居民离婚登记",
    "教师资格认定",
    "公司设立登记",
    "公司变更登记",
    "公司注销登记",
    "企业职工社会保险费断缴补缴申报",
    "出生登记",
    "公共租赁住房申请资格审核认定",
    "购买住房提取住房公积金",
    "跨省异地就医直接结算备案",
]


@pytest.fixture
async def catalogue(connection: Any) -> Any:
    """The names above in one county, two of them in another and for the whole province."""
    items = [Item(name, "", COUNTY, 4, "20") for name in NAMES]
    items += [Item(name, "", OTHER_COUNTY, 4, "1") for name in NAMES[:2]]
    items += [Item("居民身份证首次申领", "", PROVINCE, 2, "20")]
    await load(connection, items, tidy=False)
    return connection


async def _names(connection: Any, q: str, region: str | None = COUNTY) -> list[str]:
    scope = await find_scope(connection, region) if region else None
    words = await understand_query(connection, q, SynonymBook())
    return [found.name for found in await search_services(connection, words, scope)]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("身份证丢了", {"居民身份证丢失补领", "居民身份证挂失申报"}),
        ("驾照过期了怎么办", {"机动车驾驶证期满换领"}),
        ("给孩子上户口", {"出生登记"}),
        ("公司不做了", {"公司注销登记"}),
        ("取公积金", {"购买住房提取住房公积金"}),
        ("公租房", {"公共租赁住房申请资格审核认定"}),
    ],
)
async def test_what_people_say_finds_what_the_catalogue_says(
    catalogue: Any, q: str, first: set[str]
) -> None:
    assert (await _names(catalogue, q))[0] in first


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("jiehundengji", "内地居民结婚登记"),
        ("jiehun deng", "内地居民结婚登记"),
        ("lssfz", "临时居民身份证申领"),
        ("jzz", "居住证首次申领"),
        ("jszgrd", "教师资格认定"),
        ("jiaoshizige", "教师资格认定"),
    ],
)
async def test_letters_are_read_as_pinyin_or_initials(catalogue: Any, q: str, first: str) -> None:
    assert (await _names(catalogue, q))[0] == first


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("结昏登记", "内地居民结婚登记"),
        ("居往证", "居住证首次申领"),
        ("教师资个认定", "教师资格认定"),
    ],
)
async def test_a_slip_of_the_pen_is_understood(catalogue: Any, q: str, first: str) -> None:
    assert (await _names(catalogue, q))[0] == first


async def test_an_act_comes_before_information_about_it(catalogue: Any) -> None:
    assert (await _names(catalogue, "驾驶证期满换领"))[0] == "机动车驾驶证期满换领"
    assert (await _names(catalogue, "驾驶证期满换领进度"))[0] == "机动车驾驶证期满换领进度查询"


async def test_an_exact_name_comes_first(catalogue: Any) -> None:
    assert (await _names(catalogue, "公司变更登记"))[0] == "公司变更登记"


async def test_nothing_is_found_for_grammar_and_for_noise(catalogue: Any) -> None:
    for q in ("", "的", "怎么办", "？？！", "' | & ! <-> :*", "\\", "𠀀𠀀", "qqqqqq"):
        assert await _names(catalogue, q) == []


async def test_the_nearest_region_comes_first_and_strangers_do_not_come(catalogue: Any) -> None:
    scope = await find_scope(catalogue, COUNTY)
    words = await understand_query(catalogue, "居民身份证首次申领", SynonymBook())
    found = await search_services(catalogue, words, scope)
    assert [f.region_code for f in found[:2]] == [COUNTY, PROVINCE]
    assert {f.region_code for f in found} <= set(scope)


async def test_without_a_region_the_higher_level_comes_first(catalogue: Any) -> None:
    words = await understand_query(catalogue, "居民身份证首次申领", SynonymBook())
    found = await search_services(catalogue, words, None)
    assert [f.region_code for f in found[:3]] == [PROVINCE, COUNTY, OTHER_COUNTY]


async def test_no_name_is_listed_more_than_three_times_without_a_region(connection: Any) -> None:
    items = [Item("养犬登记", "", f"{n:012d}", 4, "20") for n in range(1, 9)]
    await load(connection, [*items, Item("犬类准养证核发", "", COUNTY, 4, "20")], tidy=False)
    names = await _names(connection, "养狗", None)
    assert names.count("养犬登记") == 3
    assert "犬类准养证核发" in names


async def test_filters_hold_together_with_words(catalogue: Any) -> None:
    await catalogue.execute(
        "update services set audience = '{legal_person}', themes = '{企业开办}',"
        " online_depth = 'IV' where name = '公司设立登记'"
    )
    words = await understand_query(catalogue, "公司登记", SynonymBook())
    for scope in (None, await find_scope(catalogue, COUNTY)):
        for filters in (
            Filters(audience="legal_person"),
            Filters(theme="企业开办"),
            Filters(online=["III", "IV"]),
        ):
            found = await search_services(catalogue, words, scope, filters)
            assert [f.name for f in found] == ["公司设立登记"]
    assert not await search_services(catalogue, words, None, Filters(item_type="1"))
    assert await search_services(catalogue, words, None, Filters(department="1"))
    assert not await search_services(catalogue, words, None, Filters(department="2"))


async def test_withdrawn_future_and_ended_items_are_not_found(catalogue: Any) -> None:
    for change in (
        "withdrawn_at = now()",
        "effective_on = current_date + 1",
        "ends_on = current_date - 1",
    ):
        await catalogue.execute(f"update services set {change} where name = '出生登记'")
        for region in (COUNTY, None):
            assert "出生登记" not in await _names(catalogue, "出生登记", region)
        await catalogue.execute(
            "update services set withdrawn_at = null, effective_on = null, ends_on = null"
        )
    assert (await _names(catalogue, "出生登记"))[0] == "出生登记"


async def test_an_item_is_found_from_its_first_day_to_its_last(catalogue: Any) -> None:
    today: date = await catalogue.fetchval("select current_date")
    await catalogue.execute("update services set effective_on = $1, ends_on = $1", today)
    assert (await _names(catalogue, "出生登记"))[0] == "出生登记"


async def test_pages_go_on_where_the_last_one_ended(catalogue: Any) -> None:
    words = await understand_query(catalogue, "居民身份证申领登记", SynonymBook())
    for scope in (None, await find_scope(catalogue, COUNTY)):
        whole = await search_services(catalogue, words, scope, limit=50)
        paged, after = [], None
        while page := await search_services(catalogue, words, scope, limit=2, after=after):
            paged += page
            after = Place(page[-1].score, page[-1].closeness, page[-1].service_code)
        assert paged == whole
        assert len(whole) > 5


async def test_a_changed_synonym_is_read_again(
    catalogue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_synonyms, "REREAD_SECONDS", 0)
    book = SynonymBook()
    scope = await find_scope(catalogue, COUNTY)
    words = await understand_query(catalogue, "铁饭碗", book)
    assert not await search_services(catalogue, words, scope)
    await catalogue.execute(
        "insert into synonyms (phrase, means) values ('铁饭碗', '{教师资格认定}')"
    )
    words = await understand_query(catalogue, "铁饭碗", book)
    assert (await search_services(catalogue, words, scope))[0].name == "教师资格认定"


async def test_an_unknown_region_has_the_nation_behind_it(connection: Any) -> None:
    assert await find_scope(connection, "990000000000") == ["990000000000", "000000000000"]


async def test_a_title_is_added_once_and_counted_once(connection: Any) -> None:
    first = await title_ids(connection, [("出生登记", ""), ("出生登记", "上户口")])
    again = await title_ids(connection, [("出生登记", "上户口"), ("出生登记", "")])
    assert first == again
    assert len(set(first.values())) == 2
    assert await _counts(connection, "出生登记") == (2, 2)


async def test_reindexing_changes_nothing_that_was_right(connection: Any) -> None:
    await title_ids(connection, [(name, "") for name in NAMES])
    tables = ("titles order by title_id", "title_starts order by 1, 2", "lexemes order by lexeme")
    before = [await connection.fetch(f"select * from {table}") for table in tables]
    assert await reindex(connection) == len(NAMES)
    assert before == [await connection.fetch(f"select * from {table}") for table in tables]


async def test_publishers_at_once_count_every_title(clean_database_url: str) -> None:
    async def publish(names: list[str]) -> None:
        async with open_connection(clean_database_url) as own, own.transaction():
            await title_ids(own, [(name, "") for name in names])

    async def retry(names: list[str]) -> None:
        try:
            await publish(names)
        except asyncpg.DeadlockDetectedError:
            await publish(names)

    shared = [f"{name}办理" for name in NAMES]
    await asyncio.gather(
        *(retry([*shared, *(f"{name}{n}" for name in NAMES)]) for n in ("甲", "乙", "丙", "丁"))
    )
    async with open_connection(clean_database_url) as own:
        wrong = await own.fetch(
            "select lexeme from lexemes where lexeme <> '' and titles_count <> (select count(*)"
            " from titles where search @@ quote_literal(lexeme)::tsquery)"
        )
        assert wrong == []
        assert await own.fetchval("select count(*) from titles") == len(NAMES) * 5


async def _counts(connection: Any, lexeme: str) -> tuple[int, int]:
    rows = await connection.fetch(
        "select lexeme, titles_count from lexemes where lexeme in ('', '出生')"
    )
    counts = dict(rows)
    return counts[""], counts["出生"]
