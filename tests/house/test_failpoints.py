"""Every step at which a process can be made to die is listed, and every listed one is a step."""

from __future__ import annotations

import ast

from api.failpoints import NAMES
from api.settings import PROJECT
from tests.house.tree import modules, parse

_DEFINED = {PROJECT / "api/failpoints.py", PROJECT / "api/payments/till.py"}


def test_the_steps_in_the_code_are_those_that_are_listed() -> None:
    reached: list[str] = []
    for path in modules():
        if path in _DEFINED:
            continue
        for node in ast.walk(parse(path)):
            if isinstance(node, ast.Call) and _called(node) == "reach":
                name = node.args[-1]
                assert isinstance(name, ast.Constant), f"{path}: a step without a literal name"
                reached.append(str(name.value))
    assert sorted(set(reached)) == sorted(NAMES)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
