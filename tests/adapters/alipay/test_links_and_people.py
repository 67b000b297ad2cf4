"""Links that survive every level of decoding, and phone envelopes that are proven."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.alipay import signing
from adapters.alipay.links import AlipayLinks
from adapters.alipay.sign_in import AlipaySignIn
from adapters.contract import Phone, Refusal, Unreachable
from tests.adapters.alipay.builders import AES_KEY, APP_ID, gateway, key, unhurried

LINKS = AlipayLinks(gateway())
SIGN_IN = AlipaySignIn(gateway())
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


def one(query: str, name: str) -> str:
    (value,) = parse_qs(query, strict_parsing=True)[name]
    return value


@unhurried
@given(st.dictionaries(TEXT, TEXT, min_size=1, max_size=4))
def test_every_parameter_survives_every_level_of_a_link(query: dict[str, str]) -> None:
    link = LINKS.deep_link("/pages/case/index", query)
    assert link.isascii()
    outer = urlsplit(link)
    assert (outer.scheme, outer.netloc, outer.path) == ("alipays", "platformapi", "/startapp")
    assert one(outer.query, "appId") == APP_ID
    page, _, asked = one(outer.query, "page").partition("?")
    assert page == "pages/case/index"
    for level in (asked, one(outer.query, "query")):
        assert {name: v[0] for name, v in parse_qs(level, strict_parsing=True).items()} == query


async def test_an_https_link_wraps_the_deep_one_whole() -> None:
    query = {"case_no": "1&2", "from": "短信"}
    wrapped = urlsplit(await LINKS.url_link("pages/case/index", query))
    assert (wrapped.scheme, wrapped.netloc) == ("https", "ds.alipay.com")
    assert one(wrapped.query, "scheme") == LINKS.deep_link("pages/case/index", query)


def test_a_link_without_parameters_is_bare() -> None:
    assert LINKS.deep_link("/pages/home/index", {}).endswith("&page=pages%2Fhome%2Findex")


def envelope(said: dict[str, str], signer: str = "alipay") -> str:
    sealed = signing.encrypt(json.dumps(said).encode(), signing.read_aes_key(AES_KEY))
    return json.dumps(
        {"response": sealed, "sign": signing.sign(f'"{sealed}"'.encode(), key(signer))}
    )


@pytest.mark.parametrize(
    ("mobile", "phone"),
    [
        ("13800000000", Phone("13800000000")),
        ("+8613800000000", Phone("13800000000")),
        ("86-13800000000", Phone("13800000000")),
        ("852-61234567", Phone("61234567", "852")),
    ],
)
async def test_a_phone_number_is_read_without_its_country(mobile: str, phone: Phone) -> None:
    assert await SIGN_IN.phone(envelope({"code": "10000", "mobile": mobile})) == phone


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ({"code": "40003", "subCode": "isv.invalid-auth-relations"}, Refusal, "user_refused"),
        ({"code": "40003", "sub_code": "isv.invalid-auth-relations"}, Refusal, "user_refused"),
        ({"code": "20000", "subCode": "isp.unknow-error"}, Unreachable, "channel_busy"),
        ({"code": "10000", "mobile": "none"}, Unreachable, "answer_unreadable"),
        ({"mobile": "13800000000"}, Unreachable, "channel_busy"),
    ],
)
async def test_an_envelope_without_a_number_says_why(
    said: dict[str, str], kind: type[Refusal | Unreachable], code: str
) -> None:
    with pytest.raises(kind) as refused:
        await SIGN_IN.phone(envelope(said))
    assert refused.value.code == code


async def test_a_forged_envelope_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        await SIGN_IN.phone(envelope({"code": "10000", "mobile": "13800000000"}, "somebody"))
    assert refused.value.code == "code_wrong"


async def test_without_the_content_key_nobody_promises_phones() -> None:
    with pytest.raises(Refusal) as refused:
        await AlipaySignIn(gateway(aes_key=None)).phone("{}")
    assert refused.value.code == "not_permitted"


@pytest.mark.parametrize("proof", ["", "{}", "[]", "x" * 9000, '{"response":5,"sign":"a"}'])
async def test_a_proof_that_is_none_is_refused(proof: str) -> None:
    with pytest.raises(Refusal):
        await SIGN_IN.phone(proof)
