"""Prometheus metrics of the service, with names and units.

With several workers every process writes to a shared folder
(`PROMETHEUS_MULTIPROC_DIR`, set by `serve`), and any of them answers for all.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

REQUEST_SECONDS = Histogram(
    "zhangban_request_seconds",
    "Time from the request's first byte to the answer's last, seconds",
    ["method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
REFUSED = Counter(
    "zhangban_refused_total", "Requests refused before work, by reason and lane", ["reason", "lane"]
)
CACHE = Counter("zhangban_cache_total", "Look-ups in the shared cache by outcome", ["outcome"])
PAYMENT_NOTICES = Counter(
    "zhangban_payment_notices_total",
    "Notices of channels about money, by what became of them",
    ["channel", "outcome"],
)
MONEY_WAITING = Gauge(
    "zhangban_money_waiting",
    "Payments with something that waits for a cashier, by its kind",
    ["kind"],
    multiprocess_mode="mostrecent",
)
IN_FLIGHT = Gauge(
    "zhangban_in_flight", "Requests being handled now", ["lane"], multiprocess_mode="livesum"
)


def render_metrics() -> tuple[bytes, str]:
    """The exposition text and its media type."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(), CONTENT_TYPE_LATEST
