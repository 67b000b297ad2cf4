"""alipay.open.app.mini.templatemessage.send and messagetemplate.subscribe.query.

A person's consent to a template counts the messages still allowed; a form id (the number of
a paid trade of theirs) lets three through within seven days without one.
"""

from __future__ import annotations

import secrets

import msgspec
from msgspec import Struct

from adapters.alipay.simulator.books import Asked, Books, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.alipay.simulator.templates import BY_ID, Template
from adapters.simulation.records import Citizen, SentMessage

PAGE_CHARACTERS = 512
FORM_SECONDS = 7 * 24 * 3600
FORM_MESSAGES = 3


class SendRequest(Struct, frozen=True):
    to_open_id: str = ""
    to_user_id: str = ""
    user_template_id: str = ""
    page: str = ""
    data: str | None = None
    form_id: str = ""


class Keyword(Struct, frozen=True):
    value: str


class Sent(Struct, frozen=True):
    """Nothing is said of a message that was taken."""


class SubscriptionQuery(Struct, frozen=True):
    template_id_list: list[str]
    open_id: str = ""
    user_id: str = ""


class Relation(Struct, frozen=True):
    template_id: str
    subscribe_state: str
    subscribe_type: str
    keep_state: str


class Subscriptions(Struct, frozen=True):
    subscribe_relations: list[Relation]


def send(books: Books, asked: Asked) -> Sent:
    wanted = read_content(asked, SendRequest, "DATA_CONTENT_FORMAT_ERROR")
    citizen = _citizen(books, wanted.to_open_id, wanted.to_user_id)
    if citizen is None:
        raise Refused("USER_ID_INVALID")
    template = BY_ID.get(wanted.user_template_id)
    if template is None:
        raise Refused("USER_TEMPLATE_ILLEGAL")
    if not 1 <= len(wanted.page) <= PAGE_CHARACTERS:
        raise Refused("PAGE_OVER_LIMIT")
    values = _values(wanted.data, template)
    if wanted.form_id:
        _use_form(books, citizen, wanted.form_id)
    else:
        _use_consent(books, citizen, template.template_id)
    message = SentMessage(
        message_id=f"{wanted.form_id}.{secrets.token_hex(8)}",
        open_id=citizen.open_id,
        template_id=template.template_id,
        page=wanted.page,
        values=values,
        sent_at=books.clock.now(),
    )
    books.messages.put(message.message_id, message)
    return Sent()


def query_subscriptions(books: Books, asked: Asked) -> Subscriptions:
    wanted = read_content(asked, SubscriptionQuery, "MSG_TEMPLATE_INVALID")
    citizen = _citizen(books, wanted.open_id, wanted.user_id)
    if citizen is None:
        raise Refused("OPENID_INVALID")
    if not wanted.template_id_list or not BY_ID.keys() >= set(wanted.template_id_list):
        raise Refused("MSG_TEMPLATE_INVALID")
    return Subscriptions(
        [
            Relation(
                template_id=template_id,
                subscribe_state="SUBSCRIBE" if citizen.consents.get(template_id) else "UNSUBSCRIBE",
                subscribe_type="ONCE",
                keep_state="N",
            )
            for template_id in wanted.template_id_list
        ]
    )


def _citizen(books: Books, open_id: str, user_id: str) -> Citizen | None:
    if open_id:
        return books.citizens.get(open_id)
    return next((c for c in books.citizens if user_id and c.user_id == user_id), None)


def _values(data: str | None, template: Template) -> dict[str, str]:
    if not data:
        raise Refused("DATA_IS_EMPTY")
    try:
        keywords = msgspec.json.decode(data, type=dict[str, Keyword])
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
        raise Refused("DATA_CONTENT_FORMAT_ERROR") from wrong
    if not keywords:
        raise Refused("DATA_IS_EMPTY")
    if not keywords.keys() <= template.keywords.keys():
        raise Refused("MESSAGE_TEMPLATE_KEYWORD_ILLEGAL")
    values = {name: keyword.value for name, keyword in keywords.items()}
    if keywords.keys() < template.keywords.keys() or not all(values.values()):
        raise Refused("USER_TEMPLATE_LACK_KEYWORD")
    if any(len(value) > template.keywords[name] for name, value in values.items()):
        raise Refused("USER_KEYWORD_LENGTH_ERROR")
    return values


def _use_consent(books: Books, citizen: Citizen, template_id: str) -> None:
    left = citizen.consents.get(template_id, 0)
    if left < 1:
        raise Refused("MSG_UNSUBSCRIBED")
    consents = {**citizen.consents, template_id: left - 1}
    books.citizens.put(citizen.open_id, msgspec.structs.replace(citizen, consents=consents))


def _use_form(books: Books, citizen: Citizen, form_id: str) -> None:
    payment = books.payments.get(form_id)
    if payment is None or payment.open_id != citizen.open_id or payment.paid_at is None:
        raise Refused("FORM_ID_INVALID")
    if books.clock.now() - payment.paid_at > FORM_SECONDS:
        raise Refused("FORM_ID_OVER_TIME")
    # A message's id begins with the form it was sent on.
    used = sum(1 for message in books.messages if message.message_id.startswith(f"{form_id}."))
    if used >= FORM_MESSAGES:
        raise Refused("FORM_ID_SEND_LIMIT")
