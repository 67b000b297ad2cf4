"""The report shows what was measured, needs nothing else, and is harmless."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from loadtests.draw_charts import Line, draw_chart
from loadtests.draw_report import draw_report
from loadtests.run import write_run
from loadtests.run_result import Run
from tests.loadtests.builders import make_figures, make_row, make_run


def test_a_reached_run_says_so() -> None:
    report = draw_report(make_run(make_figures()))
    assert "全部达标" in report
    assert "未达标 ·" not in report


def test_a_missed_run_says_how_many_goals() -> None:
    report = draw_report(make_run(make_figures(total=make_row("all", errors=2, p95_ms=9_999.0))))
    assert "2 项未达标" in report
    assert "9,999.0" in report


def test_the_report_asks_nobody_for_anything() -> None:
    report = draw_report(make_run(make_figures()))
    assert not re.search(r"(src|href)\s*=|https?://|@import|url\(", report)


def test_reasons_are_text_not_markup() -> None:
    report = draw_report(make_run(make_figures()))
    assert "<b>markup</b>" not in report
    assert "&lt;b&gt;markup" in report


def test_what_was_done_to_the_service_is_marked() -> None:
    assert "SIGKILL Valkey" in draw_report(make_run(make_figures()))


def test_a_run_without_samples_still_has_a_report() -> None:
    run = make_run(msgspec.structs.replace(make_figures(rows=()), samples=()))
    assert "未达标" in draw_report(msgspec.structs.replace(run, usage=(), marks=()))


def test_the_figures_can_be_read_back(tmp_path: Path) -> None:
    run = make_run(make_figures())
    figures, report = write_run(run, tmp_path)
    assert msgspec.json.decode(figures.read_bytes(), type=Run) == run
    assert report.stat().st_size < 300_000


def test_a_line_stays_inside_its_chart() -> None:
    seconds = [float(second) for second in range(1, 1000)]
    values = tuple(second % 37 for second in seconds)
    chart = draw_chart("", "", "ms", seconds, [Line("p50", 0, values)])
    points = [point.split() for point in chart.lines[0].path[1:].split("L")]
    assert len(points) <= 300
    assert all(0 <= float(x) <= 1000 and 0 <= float(y) <= 300 for x, y in points)
    assert chart.rows[0].text == "0"
    assert float(chart.rows[-1].text) >= 36


def test_a_disturbed_run_says_so() -> None:
    run = make_run(make_figures())
    assert "Disturbed" not in draw_report(run)
    busy = tuple(
        msgspec.structs.replace(usage, percent={**usage.percent, "others": 90.0})
        for usage in run.usage
    )
    assert "Disturbed" in draw_report(msgspec.structs.replace(run, usage=busy))
