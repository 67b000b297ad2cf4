"""Who one is: profile, phone, real name, a second app, one's own data, and leaving."""

from __future__ import annotations

import secrets

from tools.record_examples.people import Citizen, arrive, install_app, phone_gives, sign_in
from tools.record_examples.recorder import Recorder

# Test data: area 999000 is nobody's. It stands for a number of this recording alone, so that
# the person is nobody who came before.
IDENTITY_NUMBER = "999000199001010015"


def prove_oneself(recorder: Recorder, here: Citizen) -> None:
    """Give the phone, show the face, come by both apps."""
    wish = {"elder_view": False, "preferences": {"quiet_hours": "00-00", "recommendations": True}}
    recorder.call(here, "PATCH /v1/me", wish)
    grant = {
        "channel": here.channel,
        "code": phone_gives(recorder, "wechat", here.open_id, "phone"),
    }
    recorder.call(here, "POST /v1/me/phone", grant)
    _show_face(recorder, here)
    other = install_app(recorder, "alipay")
    code = phone_gives(recorder, "alipay", other, "login")
    recorder.call(here, "POST /v1/me/channels", {"channel": "alipay", "code": code})
    recorder.call(here, "GET /v1/me")
    recorder.call(here, "DELETE /v1/me/channels/{channel}", channel="alipay")


def _show_face(recorder: Recorder, here: Citizen) -> None:
    number = _new_identity_number()
    recorder.plain.show(number, IDENTITY_NUMBER)
    named = {"name": "测试甲", "id_number": number}
    begun = recorder.call(here, "POST /v1/me/identity-checks", named)
    for value in (begun["client_parameters"] or {}).values():
        recorder.plain.show(str(value), "as-the-channel-gave-it")
    held = recorder.control(here.channel, "GET", "/identity-checks")["items"]
    [check] = [check for check in held if check["check_no"] == begun["check_id"]]
    recorder.control(here.channel, "POST", f"/identity-checks/{check['check_id']}/pass")
    check_id = begun["check_id"]
    recorder.call(here, "GET /v1/me/identity-checks/{check_id}", check_id=check_id)


def _new_identity_number() -> str:
    """Of the right form (GB 11643); it ends like the one that is shown, as a mask shows."""
    while True:
        begin = f"999000{1950 + secrets.randbelow(50)}0101{secrets.randbelow(1000):03d}"
        total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(begin))
        if "10X98765432"[total % 11] == IDENTITY_NUMBER[-1]:
            return begin + IDENTITY_NUMBER[-1]


def leave(recorder: Recorder, here: Citizen) -> None:
    """Take one's data along, look who read them, sign out; somebody else asks to be forgotten."""
    recorder.call(here, "GET /v1/me/export")
    recorder.call(here, "GET /v1/me/access-log", limit=2)
    again = sign_in(recorder, here.channel, here.open_id)
    recorder.call(again, "DELETE /v1/sessions/current")
    recorder.call(arrive(recorder, "alipay"), "DELETE /v1/me")
