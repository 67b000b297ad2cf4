"""Keeps the search index: one title for each distinct name with its aliases.

A million items share a few thousand names, so most calls only look numbers up; words
are cut for names never seen before. How many titles hold a lexeme is counted in the
same transaction, so the counts are right whatever else commits or fails meanwhile.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import sha256

import msgspec

from api.catalogue.search import queries
from api.catalogue.search.cut_words import Index, index_text, is_word, normalise, pinyin
from api.statements import Connection

# Under the empty lexeme stands the number of all titles.
EVERY_TITLE = ""
BATCH = 2000

# What people look for is an act that is theirs; the first pattern that is found decides.
_INFORMATION = re.compile(
    r"查询|查看|公示|公布|公开|指引|进度|介绍|下载|咨询|名录|新闻|概况|须知|资讯|动态|展览|展示|列表|"
    r"目录|政策|信息$|浏览|指南|解读|统计|监测|活动|投诉|举报|培训|讲座|会议|窗口地址|分布|常见问题"
)
_SIDE_ROADS = re.compile(
    r"注销|撤销|暂停|恢复|重核|死亡待遇|作废|终止|废止|吊销|异议|争议|歇业|退回|遗失|更正|冻结"
)
_FEW_PEOPLE = re.compile(
    r"拖拉机|联合收割机|外国人|无国籍|公证|机关事业单位|军队|军人|涉外|外商|境外"
)
INFORMATION_WEIGHT = 0.75
SIDE_ROAD_WEIGHT = 0.8
FEW_PEOPLE_WEIGHT = 0.9


async def title_ids(
    connection: Connection, names_and_aliases: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """The title of each name with its aliases (keywords, sorted, separated by spaces).

    Titles that are new are indexed. Call it inside the publisher's transaction: the new
    lexemes stay locked until it ends.
    """
    keys = {_key(*title): title for title in names_and_aliases}
    known = {t.key: t.title_id for t in await queries.find_titles(connection, keys=[*keys])}
    missing = [key for key in keys if key not in known]
    for first in range(0, len(missing), BATCH):
        batch = missing[first : first + BATCH]
        known |= await _add(connection, {key: keys[key] for key in batch})
    return {title: known[key] for key, title in keys.items()}


async def reindex(connection: Connection) -> int:
    """Cut every title again, for a new way of cutting; the number of titles.

    Call it inside a transaction: publishers of new names wait for its end, searches go on.
    """
    await queries.lock_index(connection)
    await queries.empty_lexemes(connection)
    await queries.empty_starts(connection)
    done = after = 0
    while titles := await queries.list_titles(connection, after=after, limit=BATCH):
        indexes = {t.title_id: index_text(t.name, t.aliases) for t in titles}
        await queries.rewrite_titles(
            connection,
            title_ids=list(indexes),
            weights=[weigh(t.name) for t in titles],
            lengths=[index.length for index in indexes.values()],
            lexemes=[_joined(index) for index in indexes.values()],
        )
        await _count(connection, indexes)
        done, after = done + len(titles), titles[-1].title_id
    return done


def weigh(name: str) -> float:
    """How likely a name is what people look for, 0–1: acts before information about acts."""
    plain = normalise(name)
    weight = INFORMATION_WEIGHT if _INFORMATION.search(plain) else 1.0
    weight *= SIDE_ROAD_WEIGHT if _SIDE_ROADS.search(plain) else 1.0
    return weight * (FEW_PEOPLE_WEIGHT if _FEW_PEOPLE.search(plain) else 1.0)


def asks_for_information(text: str) -> bool:
    """Whether the words themselves ask for what `weigh` holds back."""
    return _INFORMATION.search(text) is not None


async def _add(connection: Connection, titles: dict[bytes, tuple[str, str]]) -> dict[bytes, int]:
    indexes = {key: index_text(*title) for key, title in titles.items()}
    added = await queries.add_titles(
        connection,
        keys=list(titles),
        names=[name for name, _ in titles.values()],
        aliases=[aliases for _, aliases in titles.values()],
        weights=[weigh(name) for name, _ in titles.values()],
        lengths=[index.length for index in indexes.values()],
        lexemes=[_joined(index) for index in indexes.values()],
    )
    known = {t.key: t.title_id for t in added}
    await _count(connection, {title_id: indexes[key] for key, title_id in known.items()})
    # Another publisher added these between our look and our insert, which waited for them.
    elsewhere = [key for key in titles if key not in known]
    if elsewhere:
        found = await queries.find_titles(connection, keys=elsewhere)
        known |= {t.key: t.title_id for t in found}
    return known


async def _count(connection: Connection, indexes: dict[int, Index]) -> None:
    if not indexes:
        return
    starts = [(start, title_id) for title_id, i in indexes.items() for start in i.starts]
    await queries.add_starts(
        connection, starts=[s for s, _ in starts], title_ids=[t for _, t in starts]
    )
    counts = Counter(lexeme for index in indexes.values() for lexeme in index.lexemes)
    counts[EVERY_TITLE] = len(indexes)
    await queries.count_more_lexemes(
        connection,
        lexemes=list(counts),
        counts=list(counts.values()),
        pinyins=_readings(counts),
    )


def _readings(lexemes: Iterable[str]) -> list[str]:
    # Only words have a sound: the chance pairs of characters would answer to any of them.
    return [pinyin(word) if is_word(word) else "" for word in lexemes]


def _joined(index: Index) -> str:
    # Lexemes hold no spaces, and asyncpg sends one text much faster than an array of arrays.
    return " ".join([*index.lexemes, *index.initials])


def _key(name: str, aliases: str) -> bytes:
    return sha256(msgspec.json.encode((name, aliases))).digest()
