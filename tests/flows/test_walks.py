"""`docs/walks.md`: every block is run as it stands, and prints what the page says it prints."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import PROJECT
from tests.standing import Standing

PAGE = PROJECT / "docs" / "walks.md"
_BLOCK = re.compile(r"^```(bash|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "----- the next block -----"
_PROGRAMS = ("bash", "curl", "openssl", "python3")


def blocks() -> list[tuple[str, str]]:
    """Each shell block with what follows as its output; empty where none is shown."""
    found = _BLOCK.findall(PAGE.read_text())
    pairs = []
    for number, (kind, text) in enumerate(found):
        if kind == "bash":
            following = found[number + 1] if number + 1 < len(found) else ("", "")
            pairs.append((text, following[1] if following[0] == "text" else ""))
    return pairs


@pytest.fixture(scope="module")
def printed(standing: Standing, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each block printed, all of them run in one shell."""
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"the walks are pasted into a shell that has {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("walks")
    script = f"\necho '{_MARK}'\n".join(text for text, _ in blocks())
    done = subprocess.run(
        ["/bin/bash", "-uo", "pipefail", "-c", script],
        cwd=folder,
        env={
            **os.environ,
            "API": standing.address,
            "WECHAT": standing.wechat,
            "ALIPAY": standing.alipay,
            "DEMONSTRATION": str(standing.demonstration),
            "PYTHON": sys.executable,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return [part.strip() for part in done.stdout.split(_MARK)]


def test_the_page_has_walks() -> None:
    assert len(blocks()) > 10
    assert sum(1 for _, expected in blocks() if expected) > 8


@pytest.mark.parametrize("number", range(len(blocks())))
def test_a_block_prints_what_the_page_says(printed: list[str], number: int) -> None:
    text, expected = blocks()[number]
    assert len(printed) > number, f"the shell ended before:\n{text}"
    assert printed[number] == expected.strip(), text


def test_the_page_lies_where_the_readme_says() -> None:
    assert PAGE.relative_to(PROJECT) == Path("docs/walks.md")
