"""The style sheet: the only one that is allowed, legible by day and by night."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from lxml import html

from api.catalogue.web.render_page import CONTENT_SECURITY_POLICY, STYLE, render_page
from tests.catalogue.builders import URL, whole_guide


@pytest.mark.parametrize("large", [False, True])
def test_the_policy_allows_the_one_style_sheet_and_no_other(large: bool) -> None:
    tree = html.document_fromstring(render_page(whole_guide(), public_url=URL, large=large))
    [style] = [element.text for element in tree.iter("style")]
    assert style == STYLE
    proof = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{proof}';" in CONTENT_SECURITY_POLICY
    assert not [e for e in tree.iter() if e.get("style")]


def test_words_stand_out_from_their_ground_by_day_and_by_night() -> None:
    day, night = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)[:2]
    for colours in (read_colours(day), {**read_colours(day), **read_colours(night)}):
        for ink, ground in (
            ("ink", "paper"),
            ("ink", "ground"),
            ("soft", "paper"),
            ("soft", "ground"),
            ("soft", "tint"),
            ("brand", "paper"),
            ("brand", "tint"),
            ("on-brand", "brand"),
            ("good", "good-tint"),
            ("warn", "warn-tint"),
            ("stop", "stop-tint"),
            ("white", "band"),
        ):
            # WCAG 2.2 asks for 4.5 (1.4.3).
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def read_colours(text: str) -> dict[str, str]:
    found = dict(re.findall(r"--([a-z-]+): #([0-9a-f]{3,6});", text))
    return {"white": "ffffff"} | {
        name: value if len(value) == 6 else "".join(sign * 2 for sign in value)
        for name, value in found.items()
    }


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_no_words_are_smaller_than_sixteen_pixels_or_the_base_below_seventeen() -> None:
    [base] = re.findall(r"html \{ font-size: ([\d.]+)%", STYLE)
    assert float(base) * 16 / 100 >= 17
    screen = STYLE.partition("@media print")[0]
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)rem", screen)]
    assert min(sizes) * float(base) * 16 / 100 >= 15.9
