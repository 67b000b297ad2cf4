"""Names to offer while someone types: characters, pinyin or initials, of any word on.

A phrase of the synonyms table brings the names of what it means.
"""

from __future__ import annotations

from collections.abc import Sequence

from api.catalogue.schemas import Suggestion
from api.catalogue.search import queries
from api.catalogue.search.cut_words import START_LENGTH, is_chinese, normalise
from api.catalogue.search.read_synonyms import BOOK, SynonymBook
from api.statements import Connection

SUGGESTIONS_LIMIT = 10
# A title is found by at most this many different beginnings.
BEGINNINGS_LIMIT = 4


async def suggest_services(
    connection: Connection,
    text: str,
    scope: Sequence[str] | None,
    limit: int = SUGGESTIONS_LIMIT,
    book: SynonymBook = BOOK,
) -> list[Suggestion]:
    """Up to `limit` names, each once, with the item of the nearest region that bears it."""
    await book.refresh(connection)
    starts = _beginnings(normalise(text).replace(" ", ""), book)
    if not starts:
        return []
    if scope is None:
        return await queries.suggest_everywhere(connection, starts=starts, limit=limit)
    return await queries.suggest_in_scope(connection, starts=starts, scope=list(scope), limit=limit)


def _beginnings(typed: str, book: SynonymBook) -> list[str]:
    if not typed:
        return []
    typed = typed[: START_LENGTH if is_chinese(typed) else 2 * START_LENGTH]
    said = [typed] if typed in book.means else book.by_latin.get(typed, [])
    meant = [word for phrase in said for word in book.means[phrase]]
    return list(dict.fromkeys([typed, *meant]))[:BEGINNINGS_LIMIT]
