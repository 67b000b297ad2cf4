"""The synonyms table, kept in this process and read again when it has changed."""

from __future__ import annotations

import time

from api.catalogue.search import queries
from api.catalogue.search.common_words import QUESTION_WORDS
from api.catalogue.search.cut_words import cut, initials, is_chinese, normalise, pinyin
from api.statements import Connection

REREAD_SECONDS = 3.0


class SynonymBook:
    """The synonyms table in this process, read again when it has changed."""

    def __init__(self) -> None:
        self.means: dict[str, list[str]] = {}
        self.by_latin: dict[str, list[str]] = {}
        self.longest = 0
        self._version: queries.SynonymsVersion | None = None
        self._looked_at = float("-inf")

    async def refresh(self, connection: Connection) -> None:
        """Look for a new version, at most every few seconds."""
        if time.monotonic() - self._looked_at < REREAD_SECONDS:
            return
        version = await queries.version_synonyms(connection)
        self._looked_at = time.monotonic()
        if version != self._version:
            rows = await queries.list_synonyms(connection)
            self._read({normalise(row.phrase).replace(" ", ""): row.means for row in rows})
            self._version = version

    def _read(self, means: dict[str, list[str]]) -> None:
        self.means = means
        self.longest = max((*map(len, means), *map(len, QUESTION_WORDS)))
        self.by_latin = {}
        for phrase in means:
            if is_chinese(phrase):
                letters = "".join(map(initials, cut(phrase)))
                if len(letters) >= 3:
                    self.by_latin.setdefault(letters, []).append(phrase)
                self.by_latin.setdefault("".join(map(pinyin, cut(phrase))), []).append(phrase)


BOOK = SynonymBook()
