"""Masking of personal data, for screens and for logs.

Default display: identity number first and last character, phone 138****1234,
name its first character. The full value is never needed to show who is meant.
"""

from __future__ import annotations

import re

# Longest first: an identity number or a bank card must not be taken for a phone.
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:"
    r"(?P<identity>[1-9][0-9]{16}[0-9Xx])"
    r"|(?P<card>[1-9][0-9]{14,18})"
    r"|(?P<phone>1[3-9][0-9]{9})"
    r")(?![0-9A-Za-z])"
)


def mask_identity_number(number: str) -> str:
    """First and last character; the rest as stars."""
    return _keep_ends(number, 1, 1)


def mask_phone(phone: str) -> str:
    """First three and last four digits."""
    return _keep_ends(phone, 3, 4) if len(phone) > 7 else "*" * len(phone)


def mask_name(name: str) -> str:
    """The first character, the family name of most."""
    return _keep_ends(name, 1, 0)


def mask_text(text: str) -> str:
    """Free text with whatever looks like an identity number, a bank card or a mobile masked."""
    return _PERSONAL.sub(_mask_match, text)


def _mask_match(match: re.Match[str]) -> str:
    if match["phone"]:
        return mask_phone(match[0])
    return _keep_ends(match[0], 1, 1)


def _keep_ends(text: str, first: int, last: int) -> str:
    if len(text) <= first + last:
        return text[:first] + "*" * (len(text) - first)
    return text[:first] + "*" * (len(text) - first - last) + (text[-last:] if last else "")
