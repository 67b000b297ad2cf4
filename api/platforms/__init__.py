"""第三方平台: partners with keys, what they may do, and what we tell them."""

from api.platforms.count_calls import CallCounter
from api.platforms.deliver_webhooks import Courier
from api.platforms.issue_key import demonstration_key
from api.platforms.keyring import Keyring
from api.platforms.make_webhook import open_sender
from api.platforms.prove_signature import PlatformProver
from api.platforms.reactions import (
    forget_old,
    send_asked,
    send_due,
    tell_of_cases,
    tell_of_changes,
    tell_of_payments,
    tell_of_refunds,
)
from api.platforms.routes import router

ROUTERS = (router,)

__all__ = [
    "ROUTERS",
    "CallCounter",
    "Courier",
    "Keyring",
    "PlatformProver",
    "demonstration_key",
    "forget_old",
    "open_sender",
    "send_asked",
    "send_due",
    "tell_of_cases",
    "tell_of_changes",
    "tell_of_payments",
    "tell_of_refunds",
]
