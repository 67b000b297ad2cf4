"""Real-name checks with a look at the face: alipay.user.certify.open.*.

Begun by a call, done by the person on a page of Alipay's, asked for by another call.
"""

from __future__ import annotations

from urllib.parse import quote

from adapters.alipay import wire
from adapters.alipay.gateway import Gateway
from adapters.alipay.links import AlipayLinks
from adapters.contract import IdentityCheck, IdentityOutcome, Refusal

# Alipay's own mini-program that shows the page.
_CERTIFY_APP_ID = "20000067"
_NOT_FINISHED = ("OPEN_CERTIFY_BILL_STATUS_ERROR",)
_EXPIRED = ("CERTIFY_ID_EXPIRED", "OPEN_CERTIFY_BILL_NOT_EXIST")


class AlipayIdentity:
    """Checks by name, identity number and face."""

    def __init__(self, gateway: Gateway, links: AlipayLinks) -> None:
        self._gateway = gateway
        self._links = links

    async def begin_identity_check(
        self,
        *,
        check_no: str,
        open_id: str,  # noqa: ARG002 - Alipay ties the check to whoever opens its page
        name: str,
        id_number: str,
        return_page: str,
    ) -> IdentityCheck:
        """`client_parameters`: `certify_id` and `url` for `my.startAPVerify`, and a `link` that
        opens the same page from anywhere. `return_page`: a page of ours or a whole address."""
        return_url = self._return_url(return_page)
        begun = await self._gateway.call(
            "alipay.user.certify.open.initialize",
            wire.BeginCertify(
                outer_order_no=check_no,
                biz_code="FACE",
                identity_param=wire.IdentityParameter(
                    identity_type="CERT_INFO",
                    cert_type="IDENTITY_CARD",
                    cert_name=name,
                    cert_no=id_number,
                ),
                merchant_config=wire.MerchantConfig(return_url=return_url),
            ),
            wire.CertifyBegun,
        )
        url = self._gateway.page_url(
            "alipay.user.certify.open.certify",
            wire.NameCertify(certify_id=begun.certify_id),
            return_url,
        )
        link = f"alipays://platformapi/startapp?appId={_CERTIFY_APP_ID}&url={quote(url, safe='')}"
        parameters = {"certify_id": begun.certify_id, "url": url, "link": link}
        return IdentityCheck(begun.certify_id, parameters, expires_at=None)

    async def identity_outcome(
        self,
        *,
        check_no: str,  # noqa: ARG002 - Alipay asks for its own number only
        channel_check_id: str,
        open_id: str,  # noqa: ARG002 - as above
        name: str,  # noqa: ARG002 - as above
        id_number: str,  # noqa: ARG002 - as above
    ) -> IdentityOutcome:
        """A refusal without a reason is taken for "not finished": only a T is a pass."""
        try:
            certified = await self._gateway.call(
                "alipay.user.certify.open.query",
                wire.NameCertify(certify_id=channel_check_id),
                wire.Certified,
                safe=True,
            )
        except Refusal as refusal:
            if refusal.channel_code in _NOT_FINISHED:
                return IdentityOutcome("pending")
            if refusal.channel_code in _EXPIRED:
                return IdentityOutcome("failed", reason="expired")
            raise
        if certified.passed == "T":
            return IdentityOutcome("passed", level="face")
        if certified.passed == "F" and certified.fail_reason:
            return IdentityOutcome("failed", reason="identity_mismatch")
        return IdentityOutcome("pending")

    def _return_url(self, return_page: str) -> str:
        if "://" in return_page:
            return return_page
        return self._links.deep_link(return_page, {})
