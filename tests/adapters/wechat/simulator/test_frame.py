"""The frame of every simulator: its journal, its faults, its targets, its command line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from msgspec import Struct

from adapters.simulation.faults import NOTHING_WRONG, Fault, FaultBoard
from adapters.simulation.journal import Journal, JournalBroken, Table
from adapters.simulation.keys import KeyRing, draw_toml, write_private
from adapters.simulation.notices import is_loopback
from adapters.simulation.run import read_options


class Row(Struct, frozen=True):
    number: int


def test_a_journal_keeps_the_last_of_each_row(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    journal = Journal(path)
    table = Table(journal, "rows", Row)
    table.put("a", Row(1))
    table.put("b", Row(2))
    table.put("a", Row(3))
    table.remove("b")
    table = Table(Journal(path), "rows", Row)
    assert list(table) == [Row(3)]
    assert path.read_text().count("\n") == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_journal_broken_in_its_middle_says_where(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    path.write_bytes(b'["rows","a",{"number":1}]\nnonsense\n["rows","b",{"number":2}]\n')
    with pytest.raises(JournalBroken, match="line 2"):
        Journal(path)


def test_a_fault_is_used_up_only_by_what_it_breaks() -> None:
    board = FaultBoard()
    board.put([Fault(mute=True, times=1, only="notice"), Fault(wrong_amount=True, after=1)])
    assert board.take("call", "payments.order") is NOTHING_WRONG
    assert board.take("notice", "noticeboard") is NOTHING_WRONG
    assert board.take("notice", "notice.payment").mute
    assert board.take("notice", "notice.payment") is NOTHING_WRONG
    assert not board.take("attempt", "notice.payment").wrong_amount
    assert board.take("attempt", "notice.payment").wrong_amount
    assert board.in_force() == [Fault(wrong_amount=True, after=1)]


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:80/", True),
        ("http://127.0.0.1@example.com/", False),
        ("http://localhost.example.com/", False),
        ("http://10.0.0.1/", False),
        ("http://0.0.0.0/", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_is_a_target(url: str, allowed: bool) -> None:
    assert is_loopback(url) is allowed


def test_keys_are_made_once_and_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert KeyRing(folder).text("secret", 32) == KeyRing(folder).text("secret", 32)
    assert (folder / "secret").stat().st_mode & 0o777 == 0o600
    write_private(folder / "secret", b"other")
    assert KeyRing(folder).text("secret", 32) == "other"


def test_a_section_is_valid_toml() -> None:
    values = {"b": 'quoted "x"\nline', "c": {"d": 1, "e": [True]}}
    assert tomllib.loads(draw_toml("a", values)) == {"a": values}


def test_the_command_line_is_read() -> None:
    given = ["--port", "1", "--data-dir", "d", "--notify-base", "http://127.0.0.1:9/"]
    options = read_options([*given, "--retry-seconds", "0.5,1"], default_port=2)
    assert (options.port, options.retry_seconds) == (1, (0.5, 1.0))
    assert options.notify_base == "http://127.0.0.1:9"
    assert options.address == "http://127.0.0.1:1"
