"""Rows of the messages' statements that no caller sees as they are."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class MoveRow(Struct, frozen=True):
    """A move of a case, and whom to tell of it; `channel` None: nothing is linked."""

    citizen_id: str
    type: str
    preferences: str
    channel: str | None


class TakenRow(Struct, frozen=True):
    """A message taken to be sent, with what its words are made of."""

    message_id: str
    channel: str
    kind: str
    case_no: str
    attempts: int
    created_at: datetime
    service_name: str
    type: str
    occurred_at: datetime
    note: str | None
    link_id: str
    open_id_sealed: bytes


class MessageIdRow(Struct, frozen=True):
    """A message's key."""

    message_id: str


class MessageRow(Struct, frozen=True):
    """One line of a citizen's list."""

    message_id: str
    kind: str
    case_no: str
    service_name: str
    type: str
    note: str | None
    channel: str | None
    status: str
    reason: str | None
    created_at: datetime
    sent_at: datetime | None


class ConsentRow(Struct, frozen=True):
    """What somebody said about one kind in one channel."""

    channel: str
    kind: str
    wanted: bool
