from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.catalogue.search.cut_words import (
    INITIALS_MARK,
    cut,
    cut_finely,
    index_text,
    initials,
    is_word,
    measure,
    normalise,
    pinyin,
    place_words,
)


def test_full_width_letters_and_digits_become_plain_lower_case() -> None:
    assert normalise("ＡＢＣ　１２３（申领）") == "abc 123(申领)"


def test_a_name_holds_its_words_and_the_words_within_them() -> None:
    assert {"居民", "身份", "身份证", "居民身份证", "申领"} <= set(cut_finely("居民身份证申领"))


def test_a_word_of_four_characters_within_a_longer_one_is_found() -> None:
    assert "社会保险" in cut_finely("企业职工社会保险费断缴补缴申报")


def test_neighbouring_characters_are_lexemes_but_not_across_brackets() -> None:
    lexemes = cut_finely(normalise("户口迁移（夫妻投靠）"))
    assert "口迁" in lexemes
    assert "移夫" not in lexemes


def test_grammar_is_no_lexeme() -> None:
    assert "的" not in cut_finely("证明的开具")


def test_a_polyphone_is_read_as_its_word_is_read() -> None:
    assert pinyin("银行") == "yinhang"
    assert pinyin("行政") == "xingzheng"
    assert pinyin("重庆") == "chongqing"


def test_initials_are_the_first_letters_of_syllables() -> None:
    assert initials("身份证") == "sfz"
    assert initials("etc") == "etc"


def test_initials_cannot_be_taken_for_words() -> None:
    index = index_text("居民身份证申领")
    assert INITIALS_MARK + "sfzsl" in index.initials
    assert not set(index.initials) & set(index.lexemes)


def test_suggestions_start_at_every_word_in_characters_pinyin_and_initials() -> None:
    starts = index_text("居民身份证申领", "办身份证").starts
    assert {"居民身份证申领", "申领", "shenling", "sl", "办身份证", "bsfz"} <= set(starts)


def test_what_stands_in_brackets_counts_half() -> None:
    assert measure(normalise("户口迁移（夫妻投靠）")) == 6
    assert measure("") == 1


def test_a_chance_pair_of_characters_is_no_word() -> None:
    assert is_word("身份证")
    assert not is_word("份证")


def test_places_are_told_from_other_words() -> None:
    assert place_words("在广州天河区打工") == {"广州", "天河区"}


@given(st.text(max_size=60))
def test_any_text_is_cut_into_words_without_spaces(text: str) -> None:
    normal = normalise(text)
    words = [*cut(normal), *cut_finely(normal), *index_text(text, text).starts]
    assert all(word and " " not in word for word in words)


@given(st.text(alphabet="身份证丢失补领公积金提取abc123 ，（）", max_size=30))
def test_every_character_is_in_one_word(text: str) -> None:
    normal = normalise(text)
    kept = [c for c in normal if c.isalnum()]
    assert list("".join(cut(normal))) == kept
