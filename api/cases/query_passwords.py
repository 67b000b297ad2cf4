"""查询密码: what lets anybody who holds it see how a case goes, without signing in.

Twelve characters of an alphabet of 32 without look-alikes: 60 random bits. Only a hash
is kept. SHA-256 is enough for it: what is random cannot be guessed from a word list.
"""

from __future__ import annotations

import hashlib
import hmac

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 12
_NOBODY = bytes(32)


def derive_query_password(secret: bytes, case_no: str) -> str:
    """The same password each time for a case, where a repeated answer must show it again."""
    digest = hmac.digest(secret, b"zhangban query password 1\n" + case_no.encode(), "sha256")
    return "".join(ALPHABET[byte % 32] for byte in digest[:LENGTH])


def hash_query_password(case_no: str, password: str) -> bytes:
    """What is kept: bound to the case, blind to case and blanks as people type them."""
    spelled = password.replace(" ", "").replace("-", "").upper()
    return hashlib.sha256(f"{case_no}\n{spelled}".encode()).digest()


def is_query_password(case_no: str, password: str, kept: bytes | None) -> bool:
    """Whether it is the one; takes as long where there is no such case."""
    given = hash_query_password(case_no, password)
    same = hmac.compare_digest(given, kept or _NOBODY)
    return same and kept is not None
