"""Keyset pages: a list goes on from behind the last item seen, so page 1,000 costs as page 1.

A cursor is opaque and tamper-proof: the last row's key, bound by HMAC-SHA256 to the
list and the filters that gave it. Altered, foreign or of another list: `cursor_wrong`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar.params import QueryParameter
from msgspec import Struct

from api.errors import CursorWrong, FieldError

Item = TypeVar("Item")
Row = TypeVar("Row")
Key = TypeVar("Key")

_SEAL_BYTES = 16

Limit = Annotated[
    int, QueryParameter(name="limit", ge=1, le=100, description="Items a page, 1 to 100")
]
Cursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor",
        max_length=1000,
        description="`next_cursor` of the page before; none: the first page",
    ),
]


class Page(Struct, Generic[Item], frozen=True):
    """A page of a list; `next_cursor` null: this is the last page."""

    items: list[Item]
    next_cursor: str | None


class Cursors:
    """Makes and reads the cursors of every list. Processes with one secret read each other's."""

    def __init__(self, secret: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"zhangban cursor 1").derive(secret)

    def of(self, *identity: object) -> ListCursors:
        """The cursors of one list: its name and every filter that shapes it."""
        return ListCursors(self._key, hashlib.sha256(repr(identity).encode()).digest())


class ListCursors:
    """Makes and reads the cursors of one list; `identity` is a digest of fixed length."""

    def __init__(self, key: bytes, identity: bytes) -> None:
        self._key = key
        self._identity = identity

    def read(self, cursor: str | None, kind: type[Key], first: Key) -> Key:
        """The key behind a cursor, or `first` without one. Raises CursorWrong."""
        if cursor is None:
            return first
        try:
            sealed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
            seal, content = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
            # Base64 leaves spare bits in the last character: only our own spelling counts.
            if not hmac.compare_digest(seal, self._seal(content)) or _text(sealed) != cursor:
                raise _wrong()
            return msgspec.msgpack.decode(content, type=kind)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise _wrong() from None

    def cut(
        self,
        rows: list[Row],
        limit: int,
        answer: Callable[[Row], Item],
        key: Callable[[Row], Any],
    ) -> Page[Item]:
        """A page from up to `limit + 1` rows: one more than asked for says that there is more."""
        shown = rows[:limit]
        cursor = self._make(key(shown[-1])) if len(rows) > limit else None
        return Page([answer(row) for row in shown], cursor)

    def _make(self, key: Any) -> str:
        content = msgspec.msgpack.encode(key)
        return _text(self._seal(content) + content)

    def _seal(self, content: bytes) -> bytes:
        return hmac.digest(self._key, self._identity + content, "sha256")[:_SEAL_BYTES]


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _wrong() -> CursorWrong:
    return CursorWrong(
        errors=[
            FieldError(
                "cursor",
                "cursor_wrong",
                "翻页游标无效，请从第一页重新开始。",
                "The cursor is not one of this list's. Start from the first page.",
            )
        ]
    )
