"""The gateway's amounts and times: yuan as decimal text, Shanghai's wall clock without zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
_AMOUNT = re.compile(r"\A(0|[1-9][0-9]{0,11})(?:\.([0-9]{1,2}))?\Z")


def read_fen(amount: str | float) -> int | None:
    """Fen of a decimal with at most two places, written as text or as a JSON number."""
    match = None if isinstance(amount, bool) else _AMOUNT.match(str(amount))
    if match is None:
        return None
    yuan, cents = match.groups(default="")
    return int(yuan) * 100 + int(cents.ljust(2, "0"))


def yuan(amount_fen: int) -> str:
    """Two places always; a minus sign in front where something went back."""
    sign = "-" if amount_fen < 0 else ""
    return f"{sign}{abs(amount_fen) // 100}.{abs(amount_fen) % 100:02d}"


def now() -> datetime:
    return datetime.now(SHANGHAI)


def spell_time(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime(TIME_FORMAT)


def spell_time_with_milliseconds(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime(TIME_FORMAT + ".%f")[:-3]


def read_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
