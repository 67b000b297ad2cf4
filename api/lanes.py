"""How each group of requests is limited: its rate, its importance, its body, its deadline.

One visible table, read from the top: the first lane that fits counts.
"""

from __future__ import annotations

from api.admission import BodyLimit, Kind
from api.documents import CONTENT_POLICY
from api.envelope import Lane
from api.limits import Policy
from api.settings import Settings

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EVERYTHING = READS | WRITES | {"OPTIONS"}
# What multipart puts around a file, and how long a phone may take to send it.
UPLOAD_FRAME_BYTES = 64 * 1024
UPLOAD_SECONDS = 20.0
IMPORT_BODY = BodyLimit(64 * 1024 * 1024, 120)
# 500 events, each with everything that an event may say.
EVENTS_BODY = BodyLimit(4 * 1024 * 1024, 10)
# Channels push in the form they like best.
NOTICE_TYPES = (
    b"application/json",
    b"application/xml",
    b"text/xml",
    b"application/x-www-form-urlencoded",
)


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """How each group of requests is limited; the first that fits counts."""
    read = _policy("read", settings.rate_reads_per_second)
    search = _policy("search", settings.rate_searches_per_second)
    write = _policy("write", settings.rate_writes_per_second)
    platform = _policy("address", settings.rate_platforms_per_second)
    notice = _policy("notice", settings.rate_notices_per_second)
    return (
        Lane("health", EVERYTHING, "/health/", None, None),
        Lane("metrics", EVERYTHING, "/metrics", None, None),
        Lane("documents", READS, "/schema", Kind.CATALOGUE, read, content_policy=CONTENT_POLICY),
        Lane("search", READS, "/v1/suggestions", Kind.CATALOGUE, search),
        Lane("search", READS, "/v1/services", Kind.CATALOGUE, search, needs=b"q="),
        Lane("search", READS, "/v1/regions", Kind.CATALOGUE, search, needs=b"q="),
        Lane("export", READS, "/sitemap", Kind.EXPORT, search),
        Lane("notices", EVERYTHING, "/v1/notices/", Kind.NOTICE, notice, media_types=NOTICE_TYPES),
        Lane(
            "import",
            WRITES,
            "/v1/platform/services:import",
            Kind.EXPORT,
            platform,
            deadline=False,
            media_types=(b"application/x-ndjson", b"application/ndjson"),
            body=IMPORT_BODY,
        ),
        Lane("events", WRITES, "/v1/platform/events", Kind.SUBMIT, platform, body=EVENTS_BODY),
        Lane("platform", EVERYTHING, "/v1/platform/", Kind.SUBMIT, platform),
        # A stream holds no place and has no deadline: its number and age are bounded elsewhere.
        Lane("stream", frozenset({"GET"}), "/v1/cases/", None, read, suffix="/stream"),
        Lane("cases", READS, "/v1/cases", Kind.QUERY, read),
        Lane("cases", READS, "/v1/progress", Kind.QUERY, read),
        Lane("own", READS, "/v1/me", Kind.QUERY, read),
        Lane("clerks", READS, "/v1/clerk/", Kind.QUERY, read),
        Lane("pay", READS, "/v1/bills", Kind.PAY, read),
        Lane("pay", READS, "/v1/payments", Kind.PAY, read),
        Lane("receipts", READS, "/v1/receipts", Kind.QUERY, read),
        Lane("catalogue", READS, "/", Kind.CATALOGUE, read),
        Lane(
            "upload",
            WRITES,
            "/v1/uploads",
            Kind.SUBMIT,
            write,
            deadline=False,  # a phone's own pace; body and scanner have limits of their own
            media_types=(b"multipart/form-data",),
            body=BodyLimit(settings.upload_limit_bytes + UPLOAD_FRAME_BYTES, UPLOAD_SECONDS),
        ),
        Lane("pay", WRITES, "/v1/payments", Kind.PAY, write),
        Lane("pay", WRITES, "/v1/bills", Kind.PAY, write),
        Lane("write", WRITES, "/", Kind.SUBMIT, write),
        Lane("other", EVERYTHING, "/", Kind.CATALOGUE, read),
    )


def _policy(name: str, per_second: int) -> Policy:
    return Policy(name, per_second=per_second, burst=per_second * 2)
