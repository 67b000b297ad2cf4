"""Who somebody is: the face check of government mini-programs, and the real-name check."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from typing import Any

from adapters.simulation.gateway import Answer, Call
from adapters.simulation.records import Citizen, IdentityCheck
from adapters.wechat.simulator.books import WechatBooks, json_answer, read_object
from adapters.wechat.simulator.errors import Refused

CHECK_SECONDS = 3600
REALNAME_SECONDS = 300
PASSED = 10000
CANCELLED = 90002
MISMATCH = 90100
EXPIRED = 90017
# WeChat publishes no number for "not finished yet".
UNFINISHED = 0
_CHECK_NO = re.compile(r"[0-9A-Za-z_-]{5,32}")


def begin_face_check(books: WechatBooks, call: Call) -> Answer:
    """POST /cityservice/face/identify/getverifyid; a repeat gives the same id."""
    body = read_object(call)
    check_no, person = body.get("out_seq_no"), body.get("cert_info")
    if not isinstance(check_no, str) or not _CHECK_NO.fullmatch(check_no):
        raise Refused(40097, "invalid args: out_seq_no")
    if not isinstance(person, dict) or person.get("cert_type") != "IDENTITY_CARD":
        raise Refused(40097, "invalid args: cert_info")
    name, id_number = person.get("cert_name"), person.get("cert_no")
    if not (isinstance(name, str) and name and isinstance(id_number, str) and id_number):
        raise Refused(40097, "invalid args: cert_info")
    citizen = _citizen(books, body.get("openid"))
    known = next((check for check in books.checks if check.check_no == check_no), None)
    if known is None:
        known = IdentityCheck(
            check_id=secrets.token_urlsafe(48),
            check_no=check_no,
            open_id=citizen.open_id,
            name=name,
            id_number=id_number,
            made_at=books.clock.now(),
            asked=body,
        )
        books.checks.put(known.check_id, known)
    elif known.asked != body:
        raise Refused(40097, "invalid args: out_seq_no is used")
    return json_answer(
        {
            "errcode": 0,
            "errmsg": "ok",
            "verify_id": known.check_id,
            "expires_in": CHECK_SECONDS,
        }
    )


def face_result(books: WechatBooks, call: Call) -> Answer:
    """POST /cityservice/face/identify/queryverifyinfo."""
    body = read_object(call)
    check = books.checks.get(str(body.get("verify_id")))
    if check is None or check.check_no != body.get("out_seq_no"):
        raise Refused(40097, "invalid args: verify_id")
    if check.open_id != body.get("openid"):
        raise Refused(40003)
    number = _number_of(books, check)
    if body.get("cert_hash") != hash_of(check.name, check.id_number):
        number = MISMATCH
    return json_answer({"errcode": 0, "errmsg": "ok", "verify_ret": number})


def check_real_name(books: WechatBooks, call: Call) -> Answer:
    """POST /intp/realname/checkrealnameinfo, with the code of the person's consent."""
    body = read_object(call)
    citizen = _citizen(books, body.get("openid"))
    if body.get("cred_type") != "1":
        raise Refused(40097, "invalid args: cred_type")
    name, id_number = body.get("real_name"), body.get("cred_id")
    if not (isinstance(name, str) and name and isinstance(id_number, str) and id_number):
        raise Refused(40097, "invalid args: real_name")
    code = books.redeem(str(body.get("code")), "realname", REALNAME_SECONDS)
    if code is None or code.used or code.open_id != citizen.open_id:
        raise Refused(40029)
    said: dict[str, Any] = {"errcode": 0, "errmsg": "ok"}
    if not citizen.name or not citizen.id_number:
        return json_answer({**said, "verify_openid": "V_OP_NA", "verify_real_name": "V_NM_ID_UM"})
    same_name, same_number = name == citizen.name, id_number == citizen.id_number
    return json_answer(
        {
            **said,
            "verify_openid": "V_OP_NM_MA" if same_name else "V_OP_NM_UM",
            "verify_real_name": "V_NM_ID_MA" if same_name and same_number else "V_NM_ID_UM",
        }
    )


def hash_of(name: str, id_number: str) -> str:
    """The `cert_hash` that binds a query to a person."""
    values = {"cert_type": "IDENTITY_CARD", "cert_name": name, "cert_no": id_number}
    pairs = [f"{key}={base64.b64encode(value.encode()).decode()}" for key, value in values.items()]
    return hashlib.sha256("&".join(pairs).encode()).hexdigest()


def _number_of(books: WechatBooks, check: IdentityCheck) -> int:
    if check.state == "passed":
        return PASSED
    if check.state == "failed":
        return int(check.result_code) if check.result_code.isdigit() else CANCELLED
    if books.clock.now() - check.made_at > CHECK_SECONDS:
        return EXPIRED
    return UNFINISHED


def _citizen(books: WechatBooks, open_id: Any) -> Citizen:
    citizen = books.citizens.get(open_id) if isinstance(open_id, str) else None
    if citizen is None:
        raise Refused(40003)
    return citizen
