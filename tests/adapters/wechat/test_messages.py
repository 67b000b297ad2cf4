"""Values are made to fit their template fields; links and numbers that cannot be are refused."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import Message, PaymentOrder, RefundOrder, Refusal
from adapters.wechat import codes
from adapters.wechat.messages import fit
from tests.adapters.wechat.builders import messages, opened, payments


@pytest.mark.parametrize(
    ("field", "value", "fitted"),
    [
        ("thing1", "居民身份证换领", "居民身份证换领"),
        ("thing1", "甲" * 20, "甲" * 20),
        ("thing1", "甲" * 21, "甲" * 19 + "…"),
        ("thing12", "一行\n二行", "一行 二行"),
        ("thing1", "", "无"),
        ("character_string2", "1137-0800号", "1137-0800"),
        ("character_string2", "", "-"),
        ("character_string2", "1" * 18 + "9" * 30, ".." + "9" * 30),
        ("phrase3", "审批中，请等待结果", "审批中请等"),
        ("name4", "阿卜杜拉买买提江艾合买提", "阿卜杜拉买买提江艾合"),
        ("name4", "Alexander Hamilton III", "Alexander Hamilton I"),
        ("time5", "2026年1月2日 15:01", "2026年1月2日 15:01"),
        ("date5", "", ""),
        ("amount6", "20.00元", "20.00元"),
        ("phone_number7", "0757-12345678 转 90123", "0757-1234567890123"[:17]),
    ],
)
def test_a_value_is_made_to_fit_its_field(field: str, value: str, fitted: str) -> None:
    assert fit(field, value) == fitted


@given(
    kind=st.sampled_from(["thing", "phrase", "character_string", "symbol", "name", "number"]),
    value=st.text(max_size=80),
)
def test_no_fitted_value_is_too_long_or_holds_a_control_character(kind: str, value: str) -> None:
    limits = {"thing": 20, "phrase": 5, "character_string": 32, "symbol": 5, "name": 20}
    fitted = fit(f"{kind}1", value)
    assert len(fitted) <= limits.get(kind, 32)
    assert not any(ord(character) < 32 for character in fitted)


def message(kind: str = "case_moved", **values: str) -> Message:
    return Message(kind=kind, open_id="o1", values=values, page="pages/case?no=1", message_no="m1")


async def test_a_kind_without_a_template_is_refused_before_any_call() -> None:
    with pytest.raises(Refusal, match="parameter_wrong"):
        await messages().send(message("unheard_of"))


async def test_a_message_without_a_value_it_needs_fails_before_any_call() -> None:
    state = await messages().send(message(service="换证"))
    assert (state.state, state.reason) == ("failed", "content_wrong")


def test_kinds_name_their_templates() -> None:
    assert list(messages().kinds()) == ["case_moved"]


# ── Links ───────────────────────────────────────────────────────────────────────────────


def test_a_plain_scheme_keeps_every_parameter() -> None:
    links = opened(env_version="trial").links
    assert links is not None
    link = links.deep_link("/pages/case", {"no": "1&2=3", "from": "短信"})
    parts = urlsplit(link)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.scheme, parts.netloc, parts.path) == ("weixin", "dl", "/business/")
    assert query["path"] == "pages/case"
    assert query["env_version"] == "trial"
    assert parse_qs(query["query"]) == {"no": ["1&2=3"], "from": ["短信"]}


def test_a_plain_scheme_that_is_too_long_is_refused() -> None:
    links = opened().links
    assert links is not None
    with pytest.raises(Refusal, match="parameter_wrong"):
        links.deep_link("pages/case", {"no": "x" * 600})


@pytest.mark.parametrize(
    "query", [{"no": "1" * 40}, {"no": "中"}, {"no": "a b"}, {"no": "1&x=2"}, {"a=b": "1"}]
)
async def test_a_scene_that_does_not_fit_is_refused(query: dict[str, str]) -> None:
    links = opened().links
    assert links is not None
    with pytest.raises(Refusal, match="parameter_wrong"):
        await links.code_image("pages/case", query, "")


# ── Numbers ─────────────────────────────────────────────────────────────────────────────


def order(**changed: object) -> PaymentOrder:
    given = {
        "payment_no": "p0123456789",
        "amount_fen": 1999,
        "description": "工本费",
        "open_id": "o1",
        "expires_at": datetime(2026, 1, 1, tzinfo=UTC),
        "notice_url": "https://gov.example/v1/notices/wechat/payments",
        **changed,
    }
    return PaymentOrder(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"payment_no": "short"},
        {"payment_no": "p" * 33},
        {"payment_no": "p/../../../"},
        {"amount_fen": 0},
        {"amount_fen": -1},
        {"notice_url": "https://gov.example/?x=1"},
    ],
)
async def test_an_order_that_wechat_never_takes_is_refused_before_any_call(
    changed: dict[str, object],
) -> None:
    with pytest.raises(Refusal, match="parameter_wrong"):
        await payments().order(order(**changed))


@pytest.mark.parametrize(("amount", "of"), [(0, 10), (11, 10), (-1, 10)])
async def test_a_refund_of_more_or_less_than_something_is_refused(amount: int, of: int) -> None:
    with pytest.raises(Refusal, match="parameter_wrong"):
        await payments().refund(RefundOrder("r1", "p0123456789", amount, of, "退费"))


# ── Codes ───────────────────────────────────────────────────────────────────────────────

REFUSALS = {
    "code_wrong",
    "user_blocked",
    "user_refused",
    "identity_mismatch",
    "parameter_wrong",
    "not_permitted",
    "not_found",
    "state_wrong",
    "not_enough_funds",
    "quota_used",
    "already_closed",
    "already_paid",
}


@given(errcode=st.integers(-10, 100_000).filter(bool))
def test_every_errcode_is_a_refusal_of_the_contract_or_unknown(errcode: int) -> None:
    error = codes.errcode_error(errcode)
    assert isinstance(error, Refusal) == (error.code in REFUSALS)


@given(status=st.integers(300, 599), code=st.text(max_size=30))
def test_every_pay_error_is_a_refusal_of_the_contract_or_unknown(status: int, code: str) -> None:
    error = codes.pay_error(status, code)
    assert isinstance(error, Refusal) == (error.code in REFUSALS)


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "SYSTEM_ERROR"), (500, "OPENID_MISMATCH"), (429, "FREQUENCY_LIMITED"), (502, "")],
)
def test_what_may_have_happened_is_never_a_refusal(status: int, code: str) -> None:
    assert not isinstance(codes.pay_error(status, code), Refusal)


@pytest.mark.parametrize("verify_ret", [0, 9999, 10001, 90000, 90200])
def test_a_number_that_does_not_say_failed_is_pending(verify_ret: int) -> None:
    assert codes.face_failure(verify_ret) is None
