"""A small picture of a day: for each channel, what came in and went back, here and there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markupsafe import Markup, escape
from msgspec import Struct

from api.payments.reconciliation.rows import DayRow
from api.payments.reconciliation.words import channel_words

_WIDTH = 420
_LABEL, _FIGURE = 124, 92
_BAR, _GAP, _BETWEEN = 16, 4, 18


class _Bar(Struct, frozen=True):
    label: str
    fen: int
    style: str


def draw_chart(days: Sequence[DayRow]) -> Markup:
    """Inline SVG; the figures stand in it as text, so colour alone says nothing."""
    groups = [list(_bars(day)) for day in days]
    most = max((bar.fen for group in groups for bar in group), default=0) or 1
    parts: list[Markup] = []
    y = 0
    for day, group in zip(days, groups, strict=True):
        chinese, english = channel_words(day.channel)
        parts.append(_text(0, y + 13, f"{chinese} {english}", "name"))
        y += 22
        for number, bar in enumerate(group):
            parts.append(_row(bar, y, most))
            y += _BAR + (_GAP if number % 2 == 0 else 2 * _GAP)
        y += _BETWEEN
    words = "各渠道金额对照 Amounts by channel"
    frame = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return frame.format(_WIDTH, max(y - _BETWEEN, 1), words, Markup().join(parts))


def _bars(day: DayRow) -> Iterator[_Bar]:
    yield _Bar("支付·我方 paid, here", day.payments_here_fen, "here")
    yield _Bar("支付·渠道 paid, there", day.payments_there_fen, "there")
    yield _Bar("退款·我方 back, here", day.refunds_here_fen, "here back")
    yield _Bar("退款·渠道 back, there", day.refunds_there_fen, "there back")


def _row(bar: _Bar, y: int, most: int) -> Markup:
    room = _WIDTH - _LABEL - _FIGURE
    width = max(room * bar.fen // most, 1 if bar.fen else 0)
    drawn = Markup('<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="2"/>').format(
        bar.style, _LABEL, y, width, _BAR
    )
    figure = _text(_LABEL + width + 6, y + 12, spell_yuan(bar.fen), "figure")
    return _text(0, y + 12, bar.label, "label") + drawn + figure


def _text(x: int, y: int, words: str, style: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(style, x, y, escape(words))


def spell_yuan(fen: int) -> str:
    """123456 → "1,234.56"."""
    sign = "−" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
