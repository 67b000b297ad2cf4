"""The report: one HTML file that needs nothing else, on a phone, on paper, in the dark."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.draw_charts import Chart, Line, draw_chart
from loadtests.machine import OTHERS, PARTS
from loadtests.run_result import Run

_PART_NAMES = {
    "service": "服务 server",
    "jobs": "任务 jobs",
    "postgres": "PostgreSQL",
    "valkey": "Valkey",
    "gateways": "渠道模拟 gateways, played",
    "load": "压测端 load generator",
    OTHERS: "其他程序 other programs",
}


def draw_report(run: Run) -> str:
    """The HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.jinja")
    charts = draw_charts(run)
    slowest = max((row.p95_ms for row in run.figures.rows), default=1.0)
    return template.render(
        run=run,
        figures=run.figures,
        rows=(*run.figures.rows, run.figures.total),
        charts=charts,
        slowest_ms=slowest or 1.0,
    )


def draw_charts(run: Run) -> list[Chart]:
    """Latency, throughput, what went wrong, and who used the processors, over time."""
    samples = run.figures.samples
    seconds = [sample.second for sample in samples]
    marks = [(mark.second, mark.label) for mark in run.marks]
    charts = [
        draw_chart(
            "响应时间",
            "Latency percentiles of each second",
            "ms",
            seconds,
            [
                Line("p99", 2, tuple(sample.p99_ms for sample in samples)),
                Line("p95", 1, tuple(sample.p95_ms for sample in samples)),
                Line("p50", 0, tuple(sample.p50_ms for sample in samples)),
            ],
            marks,
        ),
        draw_chart(
            "吞吐量",
            "Requests per second, and citizens present",
            "",
            seconds,
            [
                Line("请求/秒 requests/s", 0, tuple(sample.per_second for sample in samples)),
                Line("人数 users", 3, tuple(float(sample.users) for sample in samples)),
            ],
            marks,
        ),
        draw_chart(
            "错误与拒绝",
            "Errors and polite refusals (429, 503) per second",
            "/s",
            seconds,
            [
                Line("错误 errors", 2, tuple(sample.errors_per_second for sample in samples)),
                Line("拒绝 refused", 1, tuple(sample.refused_per_second for sample in samples)),
            ],
            marks,
        ),
    ]
    if run.usage:
        charts.append(_draw_usage(run, marks))
    return charts


def _draw_usage(run: Run, marks: list[tuple[float, str]]) -> Chart:
    return draw_chart(
        "处理器占用",
        "Processor use by part; 100 % is one core",
        "%",
        [usage.second for usage in run.usage],
        [
            Line(_PART_NAMES[part], number, tuple(usage.percent[part] for usage in run.usage))
            for number, part in enumerate((*PARTS, OTHERS))
        ],
        marks,
        least_top=100.0,
    )
