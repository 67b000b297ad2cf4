"""Draws every feature's table of moves as a Mermaid state diagram."""

from __future__ import annotations

from collections.abc import Mapping

Moves = Mapping[str, Mapping[str, str]]


def draw_moves(name: str, moves: Moves) -> str:
    """One table of moves: from → {what happens: to}. `(none)` is the beginning."""
    lines = [f"%% {name}", "stateDiagram-v2"]
    for state, ways in moves.items():
        source = "[*]" if state == "(none)" else state
        lines += [f"    {source} --> {target}: {event}" for event, target in ways.items()]
        if not ways:
            lines.append(f"    {source} --> [*]")
    return "\n".join(lines) + "\n"
