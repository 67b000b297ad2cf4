"""The project's own files, as the house tests read them."""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import api
from api.settings import PROJECT

# Made by tools, never by us.
_FOREIGN = {".git", ".venv", ".data", ".hypothesis", "__pycache__", "node_modules", "reports"}
_CODE = ("api", "adapters", "loadtests", "tools")


@cache
def import_everything() -> None:
    """Import every module of the service: facts, problems and statements are then all known."""
    for module in pkgutil.walk_packages(api.__path__, "api."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def files(*suffixes: str) -> Iterator[Path]:
    """Every file of the tree with one of the suffixes, caches and data left out."""
    for folder, names, found in os.walk(PROJECT):
        names[:] = sorted(
            n for n in names if n not in _FOREIGN and not n.endswith(("_cache", ".egg-info"))
        )
        for name in sorted(found):
            path = Path(folder, name)
            if path.suffix in suffixes and not path.is_symlink():
                yield path


def modules() -> list[Path]:
    """The Python files of the service and of what goes with it, tests aside."""
    return [path for path in files(".py") if path.relative_to(PROJECT).parts[0] in _CODE]


def parse(path: Path) -> ast.Module:
    """A Python file as its syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def named(path: Path) -> str:
    """A file's path as people write it: from the project's root, with slashes."""
    return path.relative_to(PROJECT).as_posix()
