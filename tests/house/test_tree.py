"""The house's rules of form, held by reading every file."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from api.settings import PROJECT
from tests.house.tree import files, modules, named, parse

FUNCTION_LINES = 70
FILE_LINES = 400
# What may be longer, and why.
LONG: dict[str, str] = {}

# Who else meets the environment than `api/settings.py`, and why.
ENVIRONMENT = {
    "api/settings.py": "reads every variable",
    "api/__main__.py": "tells the metrics library's own variable to the workers",
    "api/metrics.py": "asks whether that variable is set",
    "api/up.py": "gives its children an environment",
    "api/migrations.py": "gives dbmate and pg_dump an environment",
    "tools/check.py": "gives the checks an environment",
}

# Where the documents' paths begin.
ROOTS = (PROJECT, PROJECT / "api")
# What only a run makes.
MADE = (".data", ".venv", "loadtests/reports")

TEXT = (".py", ".md", ".sql", ".toml", ".txt", ".yml", ".yaml", ".json", ".html", ".sh", "")
# Written in pieces, so that this file does not name what it forbids.
FOREIGN_WORDS = re.compile(
    "|".join(
        (
            r"(?<![\w/])" + "shared" + "/",
            r"(?<![\w./])/(?:work|root|home)" + r"/\w",
            "pypi" + r"\.org",
            "python" + r"hosted\.org",
            "registry" + r"\.npmjs",
        )
    )
)


def test_functions_fit_a_screen() -> None:
    long = [
        f"{named(path)}:{function.lineno} {function.name}: {lines} lines"
        for path in modules()
        for function, lines in _functions(parse(path))
        if lines > FUNCTION_LINES and f"{named(path)} {function.name}" not in LONG
    ]
    assert long == []


def test_files_are_short() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in modules()}
    assert {n: lines for n, lines in lengths.items() if lines > FILE_LINES and n not in LONG} == {}


def test_no_file_is_named_after_nothing() -> None:
    empty = re.compile(r"(services?|misc|common)\.py|(.*_)?(utils?|helpers?|managers?)\.py")
    assert [named(path) for path in modules() if empty.fullmatch(path.name)] == []


def test_every_module_says_what_it_is_for() -> None:
    assert [named(path) for path in modules() if not ast.get_docstring(parse(path))] == []


def test_imports_stand_at_the_top() -> None:
    inside = [
        f"{named(path)}:{node.lineno}"
        for path in modules()
        for function, _ in _functions(parse(path))
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    ]
    assert inside == []


def test_no_import_hides_behind_type_checking() -> None:
    assert [named(p) for p in modules() if "TYPE_CHECKING" in p.read_text()] == []


def test_the_environment_is_read_in_one_place() -> None:
    meeting = {
        named(path)
        for path in modules()
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "getenv", "putenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and not named(path).startswith("loadtests/")
    }
    assert meeting <= ENVIRONMENT.keys()


def test_tables_of_moves_import_nothing() -> None:
    for path in modules():
        if path.name == "states.py":
            met = {name.split(".")[0] for name in _imported(parse(path))}
            assert met <= set(sys.stdlib_module_names), named(path)


def test_nothing_is_mocked() -> None:
    mocking = {
        named(path)
        for path in files(".py")
        if any(
            name.startswith(("unittest.mock", "mock", "pytest_mock"))
            for name in _imported(parse(path))
        )
    }
    assert mocking == set()


def test_the_project_names_no_machine_and_no_foreign_folder() -> None:
    found = [
        f"{named(path)}:{number}: {line.strip()[:80]}"
        for path in files(*TEXT)
        if path.name not in {"LICENSE", "OFL.txt"}
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1)
        if FOREIGN_WORDS.search(line)
    ]
    assert found == []


def test_every_path_in_the_documents_exists() -> None:
    missing = {
        f"{named(document)}: {path}"
        for document in _documents()
        for path in re.findall(r"`([\w./*-]+)`", document.read_text())
        if not path.startswith(MADE) and _is_path(path) and not _exists(path.rstrip("/"))
    }
    assert missing == set()


def _is_path(text: str) -> bool:
    first = text.removeprefix("./").split("/")[0]
    if "/" in text:
        return bool(first) and any((root / first).exists() for root in ROOTS)
    return bool(re.fullmatch(r"[a-z_]+\.(py|sql|md|toml)", text)) and text != "verb_noun.py"


def _exists(path: str) -> bool:
    path = path.removeprefix("./")
    if any(any(root.glob(path)) for root in ROOTS):
        return True
    # A name in a module: catalogue/routes.guide.
    module, _, name = path.rpartition(".")
    for source in (root / f"{module}.py" for root in ROOTS):
        if "/" in path and source.exists():
            return bool(
                re.search(rf"^(async )?(def|class) {name}\b|^{name}\b", source.read_text(), re.M)
            )
    return "/" not in path and any(file.name == path for file in files(Path(path).suffix))


def test_every_make_target_in_the_documents_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    asked = {
        (named(document), target)
        for document in _documents()
        for target in re.findall(r"(?:^|`)\s*make ([a-z][a-z-]*)", document.read_text(), re.M)
    }
    assert {target for _, target in asked} <= targets, asked


def test_every_target_explains_itself() -> None:
    lines = (PROJECT / "Makefile").read_text().splitlines()
    phony = next(line for line in lines if line.startswith(".PHONY:")).split()[1:]
    explained = {line.split(":")[0] for line in lines if re.match(r"[a-z-]+:.*## ", line)}
    assert set(phony) == explained


def _documents() -> list[Path]:
    return [
        path
        for path in files(".md")
        if path.parent == PROJECT or named(path).startswith(("docs/", "api/", "adapters/"))
    ]


def _functions(
    tree: ast.Module,
) -> Iterator[tuple[ast.FunctionDef | ast.AsyncFunctionDef, int]]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
