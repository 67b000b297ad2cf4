"""Rows of the clerks' statements that no caller sees as they are."""

from __future__ import annotations

from msgspec import Struct


class SignInRow(Struct, frozen=True):
    """What a sign-in is checked against; `totp_sealed` is opened by the vault."""

    user_name: str
    name: str
    password_hash: str
    totp_sealed: bytes
    totp_step: int
    roles: list[str]
    service_prefixes: list[str]
    region_prefixes: list[str]
    locked: bool
    disabled: bool


class SessionRow(Struct, frozen=True):
    """A live session's clerk; `due` says that it is time to note that they were seen."""

    user_name: str
    name: str
    roles: list[str]
    service_prefixes: list[str]
    region_prefixes: list[str]
    due: bool
