"""Lines over time as inline SVG that stretches to any width; texts stay HTML and readable."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

_MOST_POINTS = 300
_STEPS = (1, 2, 2.5, 5, 10)


class Line(Struct, frozen=True):
    """One line: its name, a colour's number, its values."""

    name: str
    colour: int
    values: tuple[float, ...]


class Drawn(Struct, frozen=True):
    """A line with its path in a box of 1000 × 300, the origin top left."""

    name: str
    colour: int
    path: str
    area: str
    values: tuple[float, ...]


class Tick(Struct, frozen=True):
    """A mark on an axis: text and where it stands, percent from the left or from the top."""

    text: str
    at_percent: float


class Chart(Struct, frozen=True):
    """A chart ready for the template."""

    title: str
    about: str
    unit: str
    lines: tuple[Drawn, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]
    marks: tuple[Tick, ...]
    seconds: tuple[float, ...]


def draw_chart(
    title: str,
    about: str,
    unit: str,
    seconds: Sequence[float],
    lines: Sequence[Line],
    marks: Sequence[tuple[float, str]] = (),
    least_top: float = 1.0,
) -> Chart:
    """Lines over seconds. The scale begins at zero and ends at a round number."""
    step = -(-len(seconds) // _MOST_POINTS) or 1
    kept = tuple(seconds[::step])
    end = max(kept, default=1.0) or 1.0
    peak = max((value for line in lines for value in line.values), default=0.0)
    grid = _grid(max(peak, least_top))
    return Chart(
        title=title,
        about=about,
        unit=unit,
        lines=tuple(_draw(line, line.values[::step], kept, end, grid[-1]) for line in lines),
        rows=tuple(Tick(f"{value:,g}", 100 - 100 * value / grid[-1]) for value in grid),
        columns=tuple(
            Tick(f"{second:g} s", 100 * second / end) for second in _grid(end) if second <= end
        ),
        marks=tuple(Tick(label, 100 * min(second, end) / end) for second, label in marks),
        seconds=kept,
    )


def _draw(
    line: Line, values: Sequence[float], seconds: Sequence[float], end: float, top: float
) -> Drawn:
    points = [
        f"{1000 * second / end:.1f} {300 - 300 * value / top:.1f}"
        for second, value in zip(seconds, values, strict=False)
    ]
    path = "M" + "L".join(points) if points else ""
    first, last = (1000 * seconds[0] / end, 1000 * seconds[-1] / end) if points else (0.0, 0.0)
    area = f"{path}L{last:.1f} 300L{first:.1f} 300Z" if points else ""
    return Drawn(line.name, line.colour, path, area, tuple(round(value, 1) for value in values))


def _grid(top: float) -> list[float]:
    """Round numbers from zero to at least `top`, four or five steps."""
    rough = top / 4
    power = 10 ** (len(str(int(rough))) - 1) if rough >= 1 else 0.1
    size = next(step * power for step in _STEPS if step * power >= rough)
    count = -(-top // size)
    return [round(size * number, 6) for number in range(int(count) + 1)]
