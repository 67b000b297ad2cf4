"""消息: what people are told, through which channel, and whether it arrived."""

from litestar import Router

from api.messages.reactions import forget_messages, move_messages
from api.messages.routes import push_taker, router
from api.messages.send_message import ask_for_due, send_message
from api.messages.states import MOVES
from api.messages.tell_citizen import tell_citizen

ROUTERS: tuple[Router, ...] = (router,)

__all__ = [
    "MOVES",
    "ROUTERS",
    "ask_for_due",
    "forget_messages",
    "move_messages",
    "push_taker",
    "send_message",
    "tell_citizen",
]
