"""The search's statements, each bound to the struct its columns fill."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from api.catalogue.rows import SummaryRow
from api.catalogue.schemas import Suggestion
from api.statements import Statements


class LexemeCount(Struct, frozen=True):
    """In how many titles a lexeme stands, and how it is read."""

    lexeme: str
    titles_count: int
    pinyin: str


class SynonymsVersion(Struct, frozen=True):
    """Changes whenever the table does."""

    count: int
    max: datetime | None


class Synonym(Struct, frozen=True):
    """What people say, and the catalogue's words for it: alternatives of one concept."""

    phrase: str
    means: list[str]


class FoundService(SummaryRow, frozen=True):
    """A service as lists show it, with its score; the order is `(-score, closeness, service_code)`.

    Without a region `closeness` is the exercise level.
    """

    score: float


class TitleKey(Struct, frozen=True):
    """A title's number under the digest of its name and aliases."""

    key: bytes
    title_id: int


class Title(Struct, frozen=True):
    """A distinct name with its aliases."""

    title_id: int
    name: str
    aliases: str


_statements = Statements("catalogue_search")

count_lexemes = _statements.many("count_lexemes", LexemeCount)
find_homophones = _statements.many("find_homophones", LexemeCount)
find_longer_pinyins = _statements.many("find_longer_pinyins", LexemeCount)
find_lookalikes = _statements.many("find_lookalikes", LexemeCount)
version_synonyms = _statements.optional("version_synonyms", SynonymsVersion)
list_synonyms = _statements.many("list_synonyms", Synonym)
find_department_regions = _statements.value("find_department_regions", list[str])
search_in_scope = _statements.many("search_in_scope", FoundService)
search_everywhere = _statements.many("search_everywhere", FoundService)
suggest_in_scope = _statements.many("suggest_in_scope", Suggestion)
suggest_everywhere = _statements.many("suggest_everywhere", Suggestion)
find_titles = _statements.many("find_titles", TitleKey)
add_titles = _statements.many("add_titles", TitleKey)
add_starts = _statements.execute("add_starts")
count_more_lexemes = _statements.execute("count_more_lexemes")
lock_index = _statements.execute("lock_index")
empty_lexemes = _statements.execute("empty_lexemes")
empty_starts = _statements.execute("empty_starts")
list_titles = _statements.many("list_titles", Title)
rewrite_titles = _statements.execute("rewrite_titles")
