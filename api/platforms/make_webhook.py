"""Makes a webhook: its address looked at, its secret made, sealed and shown once."""

from __future__ import annotations

import base64
import ipaddress
import secrets

from adapters.webhooks import DeliveryFailed, Sender, TargetRefused
from api import audit
from api.access import Caller
from api.database import Database
from api.errors import FieldError, Unauthorized, ValidationFailed, WebhooksTooMany
from api.kinds import new_id
from api.platforms import queries
from api.platforms.schemas import NewWebhookAnswer, NewWebhookBody
from api.settings import Settings, SettingsWrong
from api.vault import Vault

WEBHOOKS_MOST = 20
SECRET_PREFIX = "whsec_"  # noqa: S105 (Standard Webhooks: what every secret begins with)
_SECRET_BYTES = 32

_WORDS = {
    "url_malformed": (
        "请写完整的网址，例如 https://partner.example.gov.cn/zhangban。",
        "Write a whole address, such as https://partner.example.gov.cn/zhangban.",
    ),
    "scheme_refused": ("推送地址必须使用 https。", "A webhook's address must be https."),
    "host_refused": (
        "请写域名，或常规写法的公网 IP 地址。",
        "Write a DNS name, or a public address in its usual form.",
    ),
    "port_refused": ("端口只能是 443 或 8443。", "The port must be 443 or 8443."),
    "address_refused": (
        "推送地址不能指向内部网络。",
        "The address must not lead into a private or special-purpose network.",
    ),
}


def open_sender(settings: Settings) -> Sender:
    """The way out of a process. Raises SettingsWrong."""
    texts = [t.strip() for t in settings.webhook_private_networks.split(",") if t.strip()]
    try:
        return Sender([ipaddress.ip_network(text, strict=False) for text in texts])
    except ValueError as error:
        raise SettingsWrong(f"WEBHOOK_PRIVATE_NETWORKS: {error}") from None


async def make_webhook(
    database: Database, vault: Vault, sender: Sender, caller: Caller, body: NewWebhookBody
) -> NewWebhookAnswer:
    """Raises ValidationFailed for an address that is never sent to, WebhooksTooMany."""
    await _demand_reachable(sender, body.url)
    webhook_id = new_id()
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
    sealed = vault.seal(secret, table="webhooks", column="secret_sealed", row=webhook_id)
    events = sorted(set(body.events))
    async with database.transaction() as connection:
        # Two at once are counted one after the other.
        if await queries.lock_platform(connection, platform_id=caller.owner) is None:
            raise Unauthorized()
        if (
            await queries.count_webhooks(connection, platform_id=caller.owner) or 0
        ) >= WEBHOOKS_MOST:
            raise WebhooksTooMany()
        created_at = await queries.store_webhook(
            connection,
            webhook_id=webhook_id,
            platform_id=caller.owner,
            url=body.url,
            events=events,
            secret_sealed=sealed,
        )
        if created_at is None:
            raise LookupError("an insert gives a row")
        await audit.note(
            connection,
            actor=caller.actor,
            action="webhook.made",
            subject=f"webhook:{webhook_id}",
            details={"events": events},
        )
    return NewWebhookAnswer(
        webhook_id, body.url, list(events), "active", None, None, created_at, secret=secret
    )


async def _demand_reachable(sender: Sender, url: str) -> None:
    """Raises ValidationFailed. A name that nobody knows yet may be known when it is needed."""
    try:
        await sender.find_addresses(sender.read_target(url))
    except DeliveryFailed:
        return
    except TargetRefused as refused:
        chinese, english = _WORDS[refused.code]
        raise ValidationFailed(errors=[FieldError("url", refused.code, chinese, english)]) from None
