"""Templated messages: whom they may reach, and what may stand in them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.alipay.simulator.builders import Wire

SEND = "alipay.open.app.mini.templatemessage.send"
ASK = "alipay.open.app.messagetemplate.subscribe.query"
VALUES = {f"keyword{place}": {"value": f"内容{place}"} for place in range(1, 6)}


@pytest.fixture
def open_id(wire: Wire) -> str:
    """Somebody who lets one message of every kind through."""
    person = wire.gateway.citizen(name="测试", phone="13800001234")
    wire.gateway.subscribe(person)
    return person


def _message(wire: Wire, open_id: str, **changes: Any) -> dict[str, Any]:
    message = {
        "to_open_id": open_id,
        "user_template_id": wire.section["templates"]["case_moved"]["template_id"],
        "page": "pages/case/index?case_no=1",
        "data": json.dumps(VALUES, ensure_ascii=False),
        **changes,
    }
    return {name: value for name, value in message.items() if value is not None}


def test_every_kind_has_a_template_and_a_keyword_for_each_field(wire: Wire) -> None:
    templates = wire.section["templates"]
    kinds = {"case_moved", "correction_needed", "payment_due", "case_completed", "reminder"}
    assert templates.keys() == kinds
    assert len({template["template_id"] for template in templates.values()}) == len(kinds)
    for template in templates.values():
        assert set(template["fields"].values()) == VALUES.keys()


def test_a_consent_lets_one_message_through(wire: Wire, open_id: str) -> None:
    assert wire.call(SEND, _message(wire, open_id)) == {}
    (sent,) = wire.gateway.all("messages")
    assert sent["open_id"] == open_id
    assert sent["values"]["keyword3"] == "内容3"
    assert wire.refused(SEND, _message(wire, open_id)) == "MSG_UNSUBSCRIBED"


def test_nobody_is_written_to_unasked(wire: Wire) -> None:
    stranger = wire.gateway.citizen()
    assert wire.refused(SEND, _message(wire, stranger)) == "MSG_UNSUBSCRIBED"
    assert wire.refused(SEND, _message(wire, "nobody")) == "USER_ID_INVALID"
    assert wire.refused(SEND, _message(wire, "")) == "USER_ID_INVALID"


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"user_template_id": "unknown"}, "USER_TEMPLATE_ILLEGAL"),
        ({"page": ""}, "PAGE_OVER_LIMIT"),
        ({"page": "p" * 513}, "PAGE_OVER_LIMIT"),
        ({"data": None}, "DATA_IS_EMPTY"),
        ({"data": "{}"}, "DATA_IS_EMPTY"),
        ({"data": VALUES}, "DATA_CONTENT_FORMAT_ERROR"),
        ({"data": "[]"}, "DATA_CONTENT_FORMAT_ERROR"),
        ({"data": '{"keyword1":"x"}'}, "DATA_CONTENT_FORMAT_ERROR"),
        ({"data": '{"keyword1":{"value":"x"}}'}, "USER_TEMPLATE_LACK_KEYWORD"),
        ({"data": '{"thing1":{"value":"x"}}'}, "MESSAGE_TEMPLATE_KEYWORD_ILLEGAL"),
        (
            {"data": json.dumps({**VALUES, "keyword2": {"value": ""}})},
            "USER_TEMPLATE_LACK_KEYWORD",
        ),
        (
            {"data": json.dumps({**VALUES, "keyword2": {"value": "长" * 65}})},
            "USER_KEYWORD_LENGTH_ERROR",
        ),
    ],
)
def test_a_wrong_message_is_refused_and_uses_no_consent(
    wire: Wire, open_id: str, changes: dict[str, Any], sub_code: str
) -> None:
    assert wire.refused(SEND, _message(wire, open_id, **changes)) == sub_code
    wire.call(SEND, _message(wire, open_id))


def test_a_paid_trade_lets_three_messages_through_in_seven_days(wire: Wire, open_id: str) -> None:
    payer = wire.gateway.citizen()
    trade_no = wire.pay("N_1", buyer_open_id=payer)
    for _ in range(3):
        wire.call(SEND, _message(wire, payer, form_id=trade_no))
    fourth = _message(wire, payer, form_id=trade_no)
    assert wire.refused(SEND, fourth) == "FORM_ID_SEND_LIMIT"
    assert wire.refused(SEND, _message(wire, open_id, form_id=trade_no)) == "FORM_ID_INVALID"
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 7 * 24 * 3600 + 1})
    assert wire.refused(SEND, fourth) == "FORM_ID_OVER_TIME"


def test_consents_can_be_asked_for(wire: Wire, open_id: str) -> None:
    templates = wire.section["templates"]
    moved, due = (templates[kind]["template_id"] for kind in ("case_moved", "payment_due"))
    wire.call(SEND, _message(wire, open_id))
    answer = wire.call(ASK, {"open_id": open_id, "template_id_list": [moved, due]})
    states = {r["template_id"]: r["subscribe_state"] for r in answer["subscribe_relations"]}
    assert states == {moved: "UNSUBSCRIBE", due: "SUBSCRIBE"}
    unknown = {"open_id": open_id, "template_id_list": ["unknown"]}
    assert wire.refused(ASK, unknown) == "MSG_TEMPLATE_INVALID"
    assert wire.refused(ASK, {"template_id_list": [moved]}) == "OPENID_INVALID"
