"""Who calls: citizens with an app, a department's system, clerks."""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import httpx
import pyotp
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from tools.record_examples.recorder import NOBODY, Recorder, Who

LOGIN_CODE = "0a1b2c3d4e5f6g7h8i9j"
TOKEN = "eyJzdWIiOiIwMTkzYmQwMCJ9.c2lnbmF0dXJl"  # noqa: S105 (what stands for a token)
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # noqa: S105 (as above)
MESSAGES = 50
LONG_PHRASE = "a long passphrase"


class Citizen(Who, frozen=True, kw_only=True):
    """Somebody who came by an app: who they are there and here."""

    channel: str
    open_id: str
    citizen_id: str


def arrive(recorder: Recorder, channel: str, **known: str) -> Citizen:
    """A new person with the app, signed in; messages reach them by day and night."""
    open_id = install_app(recorder, channel, **known)
    signed_in = sign_in(recorder, channel, open_id)
    wish = {"preferences": {"quiet_hours": "00-00"}}
    recorder.call(signed_in, "PATCH /v1/me", wish, kept=False)
    return signed_in


def install_app(recorder: Recorder, channel: str, **known: str) -> str:
    """A new person with the app, who agrees to plenty of messages; gives who they are there."""
    told = {"agrees": True, **known}
    open_id: str = recorder.control(channel, "POST", "/citizens", told)["open_id"]
    recorder.plain.show(open_id, f"open-id-of-the-person-in-{channel}")
    agreed = {"kind": None, "count": MESSAGES}
    recorder.control(channel, "POST", f"/citizens/{open_id}/subscriptions", agreed)
    return open_id


def sign_in(recorder: Recorder, channel: str, open_id: str) -> Citizen:
    """One more session."""
    body = {"channel": channel, "code": phone_gives(recorder, channel, open_id, "login")}
    answer = recorder.call(NOBODY, "POST /v1/sessions", body)
    return Citizen(
        headers=bearer(recorder, answer["token"]),
        channel=channel,
        open_id=open_id,
        citizen_id=answer["citizen"]["citizen_id"],
    )


def phone_gives(recorder: Recorder, channel: str, open_id: str, kind: str) -> str:
    """The code that the app hands out for that purpose."""
    code: str = recorder.control(channel, "POST", f"/citizens/{open_id}/{kind}-code")["code"]
    recorder.plain.show(code, LOGIN_CODE)
    return code


def bearer(recorder: Recorder, token: str) -> dict[str, str]:
    """The header that goes with each call of a session."""
    recorder.plain.show(token, TOKEN)
    return {"Authorization": f"Bearer {token}"}


class _Signed(httpx.Auth):
    """Signs every request (RFC 9421)."""

    requires_request_body = True

    def __init__(self, key_id: str, secret: str) -> None:
        keys = MappingKeyResolver(public_keys={}, private_keys={key_id: secret.encode()})
        self._key_id = key_id
        self._signer = HTTPMessageSigner(
            signature_algorithm=algorithms.HMAC_SHA256, key_resolver=keys
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._signer.sign(
            request,
            key_id=self._key_id,
            nonce=secrets.token_urlsafe(16),
            covered_component_ids=("@method", "@target-uri", "content-digest"),
            body=request.content,
        )
        yield request


def department_of(recorder: Recorder) -> Who:
    """The demonstration's platform."""
    key = recorder.demonstration["platform"]
    return Who(signature=_Signed(key["key_id"], key["secret"]))


def demonstration_clerk(recorder: Recorder) -> Who:
    """The clerk of the demonstration, signed in."""
    known = recorder.demonstration["clerk"]
    return _clerk(recorder, known["user"], known["password"], known["totp_secret"])


def administrator(recorder: Recorder) -> Who:
    """Who manages clerks; made by the command that makes the first one, as on any day."""
    return _made(recorder, "chen.guan", "测试管理员", "administrator")


def cashier(recorder: Recorder) -> Who:
    """Who settles money that went wrong, for every body and place."""
    return _made(recorder, "chen.na", "测试出纳", "cashier")


def _made(recorder: Recorder, shown: str, name: str, role: str) -> Who:
    user = f"{role}-{secrets.token_hex(3)}"
    recorder.plain.show(user, shown)
    made = subprocess.run(
        [
            *("/usr/bin/env", f"DATA_DIR={recorder.folder}", sys.executable, "-m", "api"),
            *("clerk", user, "--name", name, "--roles", role),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(made.stdout)
    told: dict[str, Any] = dict(re.findall(r"^(password|TOTP) +(\S+)", made.stdout, re.MULTILINE))
    return _clerk(recorder, user, told["password"], told["TOTP"])


def _clerk(recorder: Recorder, user: str, password: str, totp_secret: str) -> Who:
    digits = pyotp.TOTP(totp_secret).now()
    for real, instead in ((password, LONG_PHRASE), (digits, "492039")):
        recorder.plain.show(real, instead)
    body = {"user": user, "password": password, "totp": digits}
    answer = recorder.call(NOBODY, "POST /v1/clerk/sessions", body)
    return Who(headers=bearer(recorder, answer["token"]))
