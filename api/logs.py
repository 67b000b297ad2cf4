"""Logs: structlog, one line per request, nothing personal.

A line holds the route's template, never the path or query as typed; identity
numbers, phones and card numbers in any text field are masked before writing.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from api.privacy import mask_text
from api.settings import Settings


def configure_logs(settings: Settings) -> None:
    """Set up structlog for this process; lines go to standard error."""
    level = getattr(logging, settings.log_level.upper())
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=False),
            _mask,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    # Libraries that use the standard library's logging: warnings and worse only.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_WithoutValues("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)


class _WithoutValues(logging.Formatter):
    """A library's line with personal numbers masked, and of its exception the class alone."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_text(super().format(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 (the standard library's spelling)
        return str(ei[0].__name__)


def _mask(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = mask_text(value)
    return event


def describe_error(error: BaseException) -> dict[str, Any]:
    """What may be written of an unexpected error: its class and where, never its text."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else None
    return {
        "error": type(error).__name__,
        "sqlstate": getattr(error, "sqlstate", None),
        "where": where,
    }
