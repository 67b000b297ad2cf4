"""What a person typed, as concepts of the catalogue: each a choice of words with a weight.

The longest phrases of the synonyms table come first, question words fall away, the rest
is cut like the names were. Latin letters are read as pinyin or as initials; a word that no
name holds is looked for under its sound, then under its looks. A word weighs by how few
names hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate
from math import log

from msgspec import Struct

from api.catalogue.search import queries
from api.catalogue.search.common_words import PEOPLE, QUESTION_WORDS, STOP_WORDS, WANTED_PLACES
from api.catalogue.search.cut_words import (
    INITIALS_MARK,
    cut,
    cut_finely,
    is_chinese,
    is_word,
    normalise,
    pinyin,
    place_words,
    read_pieces,
)
from api.catalogue.search.index_titles import EVERY_TITLE, asks_for_information
from api.catalogue.search.read_synonyms import BOOK, SynonymBook
from api.statements import Connection

LONGEST_QUERY = 100
LONGEST_PINYIN = 24
# How many titles one search may score: what keeps it fast however many there are.
CANDIDATES_LIMIT = 1000
WIDE_CANDIDATES_LIMIT = 4000

PLACE_FACTOR = 0.25
PEOPLE_FACTOR = 0.5
SINGLE_CHARACTER_FACTOR = 0.4
SYNONYM_FACTOR = 0.95
PART_FACTOR = 0.5
SOUND_FACTOR = 0.85
LOOKS_FACTOR = 0.8
INITIALS_FACTOR = 0.7
RARITY_EXPONENT = 0.6

_LATIN = re.compile(r"[a-z]+")


class Alternative(Struct, frozen=True):
    """One way a name can hold a concept; `length` in characters of the name."""

    query: str
    factor: float
    length: float
    count: int


class Concept(Struct, frozen=True):
    """One thing asked for; `weight` by rarity of all its alternatives together."""

    alternatives: list[Alternative]
    weight: float

    @property
    def whole(self) -> list[Alternative]:
        """The alternatives that are more than a part of it, if there are any."""
        return [a for a in self.alternatives if a.factor > PART_FACTOR] or self.alternatives

    @property
    def count(self) -> int:
        return sum(a.count for a in self.whole)

    @property
    def query(self) -> str:
        return "(" + " | ".join(a.query for a in self.whole) + ")"


class SearchWords(Struct, frozen=True):
    """A question ready for the search statements: terms column by column.

    `narrow` and `wide` are tsqueries of the titles worth scoring.
    """

    phrase: str
    information: bool
    term_concepts: list[int] = []
    term_queries: list[str] = []
    term_weights: list[float] = []
    term_lengths: list[float] = []
    total_weight: float = 0.0
    narrow: str = ""
    wide: str = ""


async def understand_query(
    connection: Connection, text: str, book: SynonymBook = BOOK
) -> SearchWords:
    """Read a question. Asks the database for word counts once, rarely twice or thrice."""
    await book.refresh(connection)
    phrase = normalise(text)[:LONGEST_QUERY]
    words = _split(phrase, book)
    vocabulary = _Vocabulary(connection, book)
    await vocabulary.look_up(words)
    places = place_words(phrase) - WANTED_PLACES if is_chinese(phrase) else set()
    heard = await _correct(vocabulary, words, _loose(vocabulary, words))
    concepts = [concept for concept, _ in heard]
    corrected = "".join(piece for _, piece in heard)
    for word in words:
        unknown = not vocabulary.knows(word)
        if (unknown and _LATIN.fullmatch(word)) or (len(word) < 5 and word in corrected):
            continue
        factor = PLACE_FACTOR if word in places else PEOPLE_FACTOR if word in PEOPLE else 1.0
        concepts += vocabulary.concepts_of(word, factor)
    concepts += await _read_latin(vocabulary, [w for w in words if _LATIN.fullmatch(w)])
    return _arrange(phrase, concepts)


def _loose(vocabulary: _Vocabulary, words: list[str]) -> list[int]:
    """Where a word may be a slip: no name holds it, or it is a character left over."""
    return [
        position
        for position, word in enumerate(words)
        if is_chinese(word)
        and word not in vocabulary.book.means
        and (len(word) == 1 or (len(word) < 5 and not vocabulary.count(word)))
    ]


def _split(phrase: str, book: SynonymBook) -> list[str]:
    """Words and known phrases in order, question words left out."""
    words: list[str] = []
    for run in re.findall(r"[\u3400-\u9fff]+|[0-9a-z]+", phrase):
        edges = {0, *accumulate(map(len, cut(run)))}
        rest = 0
        position = 0
        while position < len(run):
            for length in range(min(book.longest, len(run) - position), 1, -1):
                piece = run[position : position + length]
                # Two characters across the edge of a word are chance: 异地 within 异地就医.
                whole = length > 2 or {position, position + length} <= edges
                if whole and (piece in book.means or piece in QUESTION_WORDS):
                    words += cut(run[rest:position])
                    words += [piece]
                    position += length
                    rest = position
                    break
            else:
                position += 1
        words += cut(run[rest:])
    kept = [w for w in words if w not in QUESTION_WORDS and w not in STOP_WORDS]
    return list(dict.fromkeys(kept))


class _Vocabulary:
    """The catalogue's words as far as one question needs them."""

    def __init__(self, connection: Connection, book: SynonymBook) -> None:
        self.connection = connection
        self.book = book
        self.counts: dict[str, int] = {}

    async def look_up(self, words: Iterable[str]) -> None:
        wanted = {EVERY_TITLE}
        for word in words:
            for written in (word, *self.book.means.get(word, ())):
                wanted.update((written, *cut(written), *cut_finely(written)))
        found = await queries.count_lexemes(
            self.connection, words=list(wanted - self.counts.keys())
        )
        self.counts |= {w: 0 for w in wanted if w not in self.counts}
        self.counts |= {row.lexeme: row.titles_count for row in found}

    def count(self, word: str) -> int:
        return self.counts.get(word, 0)

    def knows(self, word: str) -> bool:
        return bool(self.count(word)) or word in self.book.means

    def concepts_of(self, word: str, factor: float) -> list[Concept]:
        """A known word or phrase as one concept; an unknown one as its known parts."""
        means = self.book.means.get(word, ())
        written = [(word, 1.0)] if means or self.count(word) else []
        written += [(meant, SYNONYM_FACTOR) for meant in means]
        known = [a for w, by in written if (a := self._alternative(w, by))]
        if known:
            if len(word) == 1:
                factor *= SINGLE_CHARACTER_FACTOR
            known += self._parts(word) if not means else []
            return [self.concept(known, factor)]
        return [
            self.concept([part], factor * part.length / len(word)) for part in self._cover(word)
        ]

    def concept(self, alternatives: list[Alternative], factor: float) -> Concept:
        every = max(1, self.count(EVERY_TITLE))
        count = max(1, min(every, Concept(alternatives, 0).count))
        return Concept(alternatives, factor * log(1 + every / count) ** RARITY_EXPONENT)

    def _alternative(self, written: str, factor: float) -> Alternative | None:
        """A written word; one that no name holds whole stands where all its parts stand."""
        if count := self.count(written):
            return Alternative(_quote(written), factor, len(written), count)
        parts = [p for p in cut(written) if p not in STOP_WORDS]
        count = min((self.count(part) for part in parts), default=0)
        if not count:
            return None
        query = "(" + " & ".join(map(_quote, parts)) + ")"
        return Alternative(query, factor, sum(map(len, parts)), count)

    def _parts(self, word: str) -> list[Alternative]:
        return [
            Alternative(_quote(part), PART_FACTOR * len(part) / len(word), len(part), count)
            for part in cut_finely(word)
            if 1 < len(part) < len(word) and is_word(part) and (count := self.count(part))
        ]

    def _cover(self, word: str) -> list[Alternative]:
        """The longest known parts of an unknown word that do not overlap."""
        taken: list[Alternative] = []
        free = word
        for part in sorted(cut_finely(word), key=len, reverse=True):
            if 1 < len(part) < len(word) and part in free and self.count(part):
                taken.append(Alternative(_quote(part), 1.0, len(part), self.count(part)))
                free = free.replace(part, " ", 1)
        return taken


async def _correct(
    vocabulary: _Vocabulary, words: list[str], loose: list[int]
) -> list[tuple[Concept, str]]:
    """What was meant by words that no name holds, by sound or looks; and what it replaces."""
    heard: list[tuple[Concept, str]] = []
    for pieces in _loose_runs(words, loose):
        sounds = {piece: pinyin(piece) for piece in pieces}
        found = await queries.find_homophones(
            vocabulary.connection, pinyins=list(set(sounds.values()))
        )
        likely = [
            (piece, row, SOUND_FACTOR)
            for piece in pieces
            for row in found
            if row.pinyin == sounds[piece] and _alike(piece, row)
        ]
        long = [piece for piece in pieces if len(piece) > 2]
        patterns = {p[:i] + "_" + p[i + 1 :] for p in long for i in range(1, len(p))}
        seen = await queries.find_lookalikes(vocabulary.connection, patterns=list(patterns))
        likely += [
            (piece, row, LOOKS_FACTOR)
            for piece in long
            for row in seen
            if sum(map(str.__ne__, piece, row.lexeme)) == 1 and len(piece) == len(row.lexeme)
        ]
        if likely:
            # The longest agreement is the least by chance; then sound goes before looks.
            best, _, factor = max(likely, key=lambda one: (len(one[0]), one[2]))
            rows = [row for piece, row, by in likely if piece == best and by == factor]
            heard.append((vocabulary.concept(_as_alternatives(rows, factor), 1.0), best))
    return heard


def _loose_runs(words: list[str], loose: list[int]) -> list[list[str]]:
    """For each run of loose words: the pieces, longest first, that hold some of it."""
    runs: list[list[int]] = []
    for position in loose:
        if not is_chinese(words[position]):
            continue
        if runs and runs[-1][-1] == position - 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    windows = []
    for run in runs[:4]:
        before = words[run[0] - 1][-3:] if run[0] else ""
        after = words[run[-1] + 1][:2] if run[-1] + 1 < len(words) else ""
        text = before + "".join(words[p] for p in run)[:8] + after
        end = len(text) - len(after)
        pieces = {
            text[i:j]
            for i in range(len(text))
            for j in range(i + 2, min(len(text), i + 6) + 1)
            if i < end and j > len(before) and is_chinese(text[i:j])
        }
        windows.append(sorted(pieces, key=len, reverse=True))
    return windows


def _alike(piece: str, row: queries.LexemeCount) -> bool:
    same = sum(a == b for a, b in zip(piece, row.lexeme, strict=False))
    return len(piece) == len(row.lexeme) and len(piece) // 2 <= same < len(piece)


async def _read_latin(vocabulary: _Vocabulary, words: list[str]) -> list[Concept]:
    """Letters as pinyin of catalogue words and known phrases, or else as initials."""
    if not words:
        return []
    letters = "".join(words)[:LONGEST_PINYIN]
    book = vocabulary.book
    spans = {letters[i:j] for i in range(len(letters)) for j in range(i + 2, len(letters) + 1)}
    rows = await queries.find_homophones(vocabulary.connection, pinyins=list(spans))
    readings: dict[str, list[queries.LexemeCount]] = {}
    for row in rows:
        readings.setdefault(row.pinyin, []).append(row)
    phrases = {span: book.by_latin[span] for span in spans if span in book.by_latin}
    await vocabulary.look_up(phrase for found in phrases.values() for phrase in found)
    pieces, rest = read_pieces(letters, readings.keys() | phrases.keys())
    if rest and len(letters) > 3:
        # Still typing: the letters left over begin a word, or go on with the last one read.
        for kept in (pieces, pieces[:-1]):
            begun = letters[len("".join(kept)) :]
            longer = len(begun) > 2 and await queries.find_longer_pinyins(
                vocabulary.connection, first=begun, last=begun + "{"
            )
            if longer:
                readings.setdefault(begun, []).extend(longer)
                pieces, rest = [*kept, begun], ""
                break
    if rest:
        pieces = words
    return [
        concept
        for piece in pieces
        if (concept := _latin_concept(vocabulary, piece, readings, phrases))
    ]


def _latin_concept(
    vocabulary: _Vocabulary,
    piece: str,
    readings: dict[str, list[queries.LexemeCount]],
    phrases: dict[str, list[str]],
) -> Concept | None:
    alternatives = _as_alternatives(readings.get(piece, [])[:6], 1.0)
    for phrase in phrases.get(piece, ()):
        for concept in vocabulary.concepts_of(phrase, 1.0):
            alternatives += concept.alternatives
    # How many names have such initials is not counted: the longer, the fewer.
    rare = max(1, vocabulary.count(EVERY_TITLE) // 4 ** len(piece))
    if len(piece) > 1:
        factor = INITIALS_FACTOR if alternatives else 1.0
        alternatives.append(Alternative(_begins(piece), factor, len(piece), rare))
    if len(alternatives) == 1 and 4 <= len(piece) <= 8:
        # Two words of a name with others between them: sfzbl for 身份证丢失补领.
        for middle in range(2, len(piece) - 1):
            query = f"({_begins(piece[:middle])} & {_begins(piece[middle:])})"
            alternatives.append(Alternative(query, INITIALS_FACTOR, len(piece), rare))
    return vocabulary.concept(alternatives, 1.0) if alternatives else None


def _begins(letters: str) -> str:
    return _quote(INITIALS_MARK + letters) + ":*"


def _as_alternatives(rows: list[queries.LexemeCount], factor: float) -> list[Alternative]:
    return [Alternative(_quote(r.lexeme), factor, len(r.lexeme), r.titles_count) for r in rows]


def _arrange(phrase: str, concepts: list[Concept]) -> SearchWords:
    information = asks_for_information(phrase)
    if not concepts:
        return SearchWords(phrase, information)
    terms = [(n, c.weight * a.factor, a) for n, c in enumerate(concepts) for a in c.alternatives]
    return SearchWords(
        phrase=phrase.replace(" ", ""),
        information=information,
        term_concepts=[number for number, _, _ in terms],
        term_queries=[alternative.query for _, _, alternative in terms],
        term_weights=[weight for _, weight, _ in terms],
        term_lengths=[alternative.length for _, _, alternative in terms],
        total_weight=sum(concept.weight for concept in concepts),
        narrow=_candidates(concepts, CANDIDATES_LIMIT),
        wide=_candidates(concepts, WIDE_CANDIDATES_LIMIT),
    )


def _candidates(concepts: list[Concept], limit: int) -> str:
    """The rarest concepts that together stand in at most `limit` titles, or two at once."""
    rarest = sorted(concepts, key=lambda concept: concept.count)
    taken: list[str] = []
    total = 0
    for concept in rarest:
        total += concept.count
        if total > limit:
            break
        taken.append(concept.query)
    if taken:
        return " | ".join(taken)
    return " & ".join(concept.query for concept in rarest[:2])


def _quote(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
