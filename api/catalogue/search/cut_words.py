"""Text to lexemes: how the names of the catalogue, and questions about it, become words.

Pure functions. Chinese is cut with jieba's dictionary and the words of government that
it lacks; every pair of neighbouring characters is a lexeme too, so that a name is found
even where the two sides were cut differently. Pinyin is that of words, not of single
characters, so a polyphone is read as its word is read (行政 xing, 银行 hang).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import rjieba
from msgspec import Struct
from pypinyin import Style, lazy_pinyin

from api.catalogue.search.common_words import GOVERNMENT_WORDS, STOP_WORDS

# Initials of what stands at a word's start carry this mark among a title's lexemes.
INITIALS_MARK = "in:"
START_LENGTH = 12
STARTS_LIMIT = 6

# Words of government that jieba's dictionary cuts apart or joins to their neighbours.
for _word in GOVERNMENT_WORDS:
    rjieba.add_word(_word, 20_000, "n")


_RUN = re.compile(r"[\u3400-\u9fff]+|[0-9a-z]+")
_BRACKETED = re.compile(r"\([^()]*\)|【[^】]*】|\[[^\]]*\]")
_HAN = re.compile(r"[\u3400-\u9fff]")


class Index(Struct, frozen=True):
    """What is stored of a title. `length` counts characters, those in brackets by half."""

    lexemes: list[str]
    initials: list[str]
    starts: list[str]
    length: float


def index_text(name: str, aliases: str = "") -> Index:
    """Cut a name and its aliases (keywords separated by spaces) for the index."""
    named, said = normalise(name), normalise(aliases)
    parts = [named, *said.split()]
    lexemes = dict.fromkeys(word for part in parts for word in cut_finely(part))
    starts = dict.fromkeys(start for part in parts for start in _starts(part))
    latin = [s for s in starts if s.startswith(INITIALS_MARK)]
    plain = [s.removeprefix(INITIALS_MARK) for s in starts]
    return Index(
        lexemes=list(lexemes),
        initials=latin,
        starts=list(dict.fromkeys(s for s in plain if s)),
        length=measure(named),
    )


def normalise(text: str) -> str:
    """NFKC (full-width forms become plain ones), lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def cut(text: str) -> list[str]:
    """The words of a normalised text in order, each character in one word; no punctuation."""
    return [
        word
        for run in _RUN.findall(text)
        for word in (rjieba.cut(run) if _HAN.match(run) else (run,))
    ]


def cut_finely(text: str) -> list[str]:
    """Words, the words within words, and pairs of characters; in no useful order, each once."""
    found: dict[str, None] = {}
    for run in _RUN.findall(text):
        if not _HAN.match(run):
            found[run] = None
            continue
        for word in rjieba.cut_for_search(run):
            if word not in STOP_WORDS:
                found[word] = None
            # The cutter gives the words of two and three characters within a word, no longer ones.
            for length in range(4, len(word)):
                for piece in (word[i : i + length] for i in range(len(word) - length + 1)):
                    if rjieba.has_word(piece):
                        found[piece] = None
        for pair in pairwise(run):
            found["".join(pair)] = None
    return list(found)


def pairs(text: str) -> list[str]:
    """Neighbouring characters: 身份证 gives 身份 and 份证."""
    return ["".join(pair) for pair in pairwise(text)]


def is_chinese(text: str) -> bool:
    """Whether any character is a Han character."""
    return _HAN.search(text) is not None


def is_word(text: str) -> bool:
    """Whether it is a Chinese word of the dictionary, not a chance pair of characters."""
    return len(text) > 1 and is_chinese(text) and rjieba.has_word(text)


def place_words(text: str) -> set[str]:
    """The words of a text that name places, as jieba's dictionary tags them."""
    return {word for word, tag in rjieba.tag(text) if tag == "ns"}


def measure(name: str) -> float:
    """Length of a normalised name in characters; what stands in brackets counts half."""
    whole = sum(map(len, _RUN.findall(name)))
    plain = sum(map(len, _RUN.findall(_BRACKETED.sub(" ", name))))
    return max(1.0, (whole + plain) / 2)


@lru_cache(maxsize=65536)
def pinyin(word: str) -> str:
    """Pinyin of one word without tones or spaces: 身份证 gives shenfenzheng."""
    return "".join(lazy_pinyin(word, v_to_u=False, errors="default")).replace("ü", "v")


@lru_cache(maxsize=65536)
def initials(word: str) -> str:
    """First letters of one word's syllables: 身份证 gives sfz."""
    return "".join(
        syllable[0] if _HAN.match(word) else syllable
        for syllable in lazy_pinyin(word, style=Style.NORMAL, errors="default")
        if syllable
    )


def read_pieces(letters: str, known: Iterable[str]) -> tuple[list[str], str]:
    """The fewest known pieces that begin the letters and leave the least of them over."""
    best: dict[int, list[str]] = {0: []}
    known = set(known)
    for end in range(2, len(letters) + 1):
        reached = [
            [*best[start], letters[start:end]]
            for start in best
            if start < end and letters[start:end] in known
        ]
        if reached:
            best[end] = min(reached, key=len)
    end = max(best)
    return best[end], letters[end:]


def _starts(text: str) -> list[str]:
    """What stands at each word's start, as written, in pinyin, and as marked initials."""
    words = [part for word in cut(text) for part in _split_compound(word)]
    found: list[str] = []
    for position, word in enumerate(words[:STARTS_LIMIT]):
        if position and (len(word) == 1 or word in STOP_WORDS):
            continue
        rest = words[position : position + START_LENGTH]
        found.append("".join(rest)[:START_LENGTH])
        found.append("".join(map(pinyin, rest))[: 2 * START_LENGTH])
        found.append(INITIALS_MARK + "".join(map(initials, rest))[:START_LENGTH])
    return found


def _split_compound(word: str) -> list[str]:
    """居民身份证 gives 居民 and 身份证: people begin to type in the middle of a long word."""
    for middle in range(2, len(word) - 1):
        if is_word(word[:middle]) and is_word(word[middle:]):
            return [word[:middle], *_split_compound(word[middle:])]
    return [word]
