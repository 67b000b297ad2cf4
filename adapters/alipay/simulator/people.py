"""alipay.system.oauth.token and alipay.user.info.share. Their errors are `error_response`."""

from __future__ import annotations

import secrets

import msgspec
from msgspec import Struct

from adapters.alipay.simulator.amounts import spell_time
from adapters.alipay.simulator.books import Asked, Books, Token, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.records import Citizen

CODE_SECONDS = 24 * 3600
ACCESS_SECONDS = 1_296_000
REFRESH_SECONDS = 2_592_000


class TokenRequest(Struct, frozen=True):
    grant_type: str = ""
    code: str = ""
    refresh_token: str = ""


class TokenGiven(Struct, frozen=True, omit_defaults=True):
    access_token: str
    refresh_token: str
    expires_in: int
    re_expires_in: int
    auth_start: str
    open_id: str
    user_id: str = ""
    union_id: str = ""


class Profile(Struct, frozen=True, omit_defaults=True):
    open_id: str
    nick_name: str = ""
    user_id: str = ""


def give_token(books: Books, asked: Asked) -> TokenGiven:
    """Tokens for a code or a refresh token; either works once."""
    wanted = read_content(asked, TokenRequest, "isv.invalid-parameter")
    if wanted.grant_type == "authorization_code":
        code = books.redeem(wanted.code, "login", CODE_SECONDS)
        if code is None or code.used:
            raise Refused("isv.code-invalid", as_error=True)
        return _tokens(books, code.open_id)
    if wanted.grant_type == "refresh_token":
        return _tokens(books, _use_refresh_token(books, wanted.refresh_token).open_id)
    raise Refused("isv.grant-type-invalid", as_error=True)


def share_profile(books: Books, asked: Asked) -> Profile:
    """What everybody may know of the token's owner."""
    token = books.tokens.get(asked.auth_token)
    if token is None or token.kind != "access":
        raise Refused("aop.invalid-auth-token", as_error=True)
    if books.clock.now() >= token.expires_at:
        raise Refused("aop.auth-token-time-out", as_error=True)
    citizen = _citizen(books, token.open_id)
    nick_name = f"{citizen.name[:1]}**" if citizen.name else ""
    return Profile(citizen.open_id, nick_name, citizen.user_id)


def _use_refresh_token(books: Books, text: str) -> Token:
    token = books.tokens.get(text)
    if token is None or token.kind != "refresh":
        raise Refused("isv.refresh-token-invalid", as_error=True)
    if token.used:
        raise Refused("isv.refreshed-token-invalid", as_error=True)
    if books.clock.now() >= token.expires_at:
        raise Refused("isv.refresh-token-time-out", as_error=True)
    return books.tokens.put(text, msgspec.structs.replace(token, used=True))


def _tokens(books: Books, open_id: str) -> TokenGiven:
    now, citizen = books.clock.now(), _citizen(books, open_id)
    access, refresh = f"authusrB{secrets.token_hex(16)}", f"authusrR{secrets.token_hex(16)}"
    books.tokens.put(access, Token(access, "access", open_id, now + ACCESS_SECONDS))
    books.tokens.put(refresh, Token(refresh, "refresh", open_id, now + REFRESH_SECONDS))
    return TokenGiven(
        access_token=access,
        refresh_token=refresh,
        expires_in=ACCESS_SECONDS,
        re_expires_in=REFRESH_SECONDS,
        auth_start=spell_time(books.now()),
        open_id=open_id,
        user_id=citizen.user_id,
        union_id=citizen.union_id,
    )


def _citizen(books: Books, open_id: str) -> Citizen:
    return books.citizens.get(open_id) or Citizen(open_id)
