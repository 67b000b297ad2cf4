"""Who somebody is: the face check for government mini-programs, and the real-name check.

A face check has passed when the channel says 10000, and for no other reason. What the
mini-program reports of it is never believed.
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta

from adapters.contract import IdentityCheck, IdentityOutcome, Refusal, Unreachable
from adapters.wechat import wire
from adapters.wechat.codes import FACE_PASSED, face_failure
from adapters.wechat.mini_program import MiniProgram

_CHECK_NO = re.compile(r"[0-9A-Za-z_-]{5,32}")


class WeChatIdentity:
    """contract.Identity, by face."""

    def __init__(self, app: MiniProgram) -> None:
        self._app = app

    async def begin_identity_check(
        self,
        *,
        check_no: str,
        open_id: str,
        name: str,
        id_number: str,
        return_page: str,  # noqa: ARG002 (WeChat's dialogue closes onto the page it was opened from)
    ) -> IdentityCheck:
        """`client_parameters` go into `wx.requestFacialVerify`."""
        if not _CHECK_NO.fullmatch(check_no):
            raise Refusal("parameter_wrong")
        asked = wire.FaceAsked(check_no, wire.Certificate(name, id_number), open_id)
        path = "/cityservice/face/identify/getverifyid"
        begun = await self._app.post("begin_face_check", path, asked, wire.FaceBegun)
        if not begun.verify_id:
            raise Unreachable("answer_unreadable")
        return IdentityCheck(
            channel_check_id=begun.verify_id,
            client_parameters={"verifyId": begun.verify_id},
            expires_at=datetime.now(UTC) + timedelta(seconds=begun.expires_in),
        )

    async def identity_outcome(
        self, *, check_no: str, channel_check_id: str, open_id: str, name: str, id_number: str
    ) -> IdentityOutcome:
        """Binds the outcome to this name and number: another's certificate does not pass."""
        asked = wire.FaceQueried(
            verify_id=channel_check_id,
            out_seq_no=check_no,
            cert_hash=cert_hash(name, id_number),
            openid=open_id,
        )
        path = "/cityservice/face/identify/queryverifyinfo"
        result = await self._app.post("ask_face_check", path, asked, wire.FaceResult, safe=True)
        try:
            verify_ret = int(result.verify_ret)
        except ValueError:
            raise Unreachable("answer_unreadable") from None
        if verify_ret == FACE_PASSED:
            return IdentityOutcome("passed", level="face")
        failure = face_failure(verify_ret)
        if failure is not None:
            return IdentityOutcome("failed", reason=failure)
        return IdentityOutcome("pending")


class WeChatRealNames:
    """contract.RealNames: name and number against WeChat's own real-name record."""

    def __init__(self, app: MiniProgram) -> None:
        self._app = app

    async def check_real_name(
        self, *, open_id: str, name: str, id_number: str, proof: str
    ) -> IdentityOutcome:
        """`proof` is the code that the person's consent in the mini-program gave."""
        asked = wire.RealNameAsked(open_id, name, id_number, proof)
        path = "/intp/realname/checkrealnameinfo"
        result = await self._app.post("check_real_name", path, asked, wire.RealNameResult)
        about_person = set(result.verify_openid.split(";"))
        about_number = set(result.verify_real_name.split(";"))
        if about_person == {"V_OP_NM_MA"} and about_number == {"V_NM_ID_MA"}:
            return IdentityOutcome("passed", level="verified")
        if about_person & {"V_OP_NM_UM"} or about_number & {"V_NM_ID_UM"}:
            return IdentityOutcome("failed", reason="mismatch")
        if about_person & {"V_OP_NA"}:
            return IdentityOutcome("failed", reason="not_real_named")
        raise Unreachable("answer_unreadable")


def cert_hash(name: str, id_number: str) -> str:
    """SHA-256, hex, over the certificate's three fields in their order, each in base64."""
    fields = (("cert_type", "IDENTITY_CARD"), ("cert_name", name), ("cert_no", id_number))
    text = "&".join(f"{key}={base64.b64encode(value.encode()).decode()}" for key, value in fields)
    return hashlib.sha256(text.encode()).hexdigest()
