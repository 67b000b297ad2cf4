"""Cursors are opaque, tamper-proof and bound to their list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import CursorWrong
from api.pages import Cursors, ListCursors

CURSORS = Cursors(b"a test's key, at least 32 characters long")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=é "


def next_cursor(cursors: ListCursors, last: tuple[int, str]) -> str:
    page = cursors.cut([last, last], 1, lambda row: row, lambda row: row)
    assert page.next_cursor is not None
    return page.next_cursor


def test_a_cursor_gives_back_the_key_it_was_made_from() -> None:
    cursors = CURSORS.of("services", None)
    cursor = next_cursor(cursors, (3, "code"))
    assert cursors.read(cursor, tuple[int, str], (0, "")) == (3, "code")


def test_no_cursor_is_the_first_page() -> None:
    assert CURSORS.of("services").read(None, tuple[int, str], (0, "")) == (0, "")


def test_the_last_page_has_no_cursor() -> None:
    page = CURSORS.of("services").cut([1, 2], 2, str, lambda row: row)
    assert page.items == ["1", "2"]
    assert page.next_cursor is None


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = next_cursor(CURSORS.of("services", "440000000000"), (3, "code"))
    with pytest.raises(CursorWrong):
        CURSORS.of("services", "510000000000").read(cursor, tuple[int, str], (0, ""))


def test_a_cursor_of_another_secret_is_refused() -> None:
    cursor = next_cursor(Cursors(b"another secret").of("services"), (3, "code"))
    with pytest.raises(CursorWrong):
        CURSORS.of("services").read(cursor, tuple[int, str], (0, ""))


@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    cursors = CURSORS.of("services")
    cursor = next_cursor(cursors, (3, "code"))
    place = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.sampled_from([c for c in ALPHABET if c != cursor[place]]))
    with pytest.raises(CursorWrong):
        cursors.read(cursor[:place] + other + cursor[place + 1 :], tuple[int, str], (0, ""))


@given(st.text())
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(CursorWrong):
        CURSORS.of("services").read(text, tuple[int, str], (0, ""))
