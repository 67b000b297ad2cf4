"""The channels file's section: read whole, refused with words that show no value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.alipay import open_channel
from adapters.alipay.config import read_config
from adapters.contract import ConfigurationWrong
from tests.adapters.alipay.builders import (
    AES_KEY,
    APP_ID,
    TOKENS,
    private_pem,
    public_pem,
    section,
)

ENDLESS = {"template_id": "t", "fields": {"note": {"keyword": "keyword1", "length": 0}}}


def test_keys_stand_in_the_section_or_in_files(tmp_path: Path) -> None:
    file = tmp_path / "application.pem"
    file.write_text(private_pem("application"))
    inline, by_path = read_config(section()), read_config(section(app_private_key=str(file)))
    assert inline.app_key.private_numbers() == by_path.app_key.private_numbers()
    assert inline.op_app_id == APP_ID


def test_no_secret_is_shown() -> None:
    config = read_config(section(app_auth_token="a token of another"))
    for shown in (repr(config), str(config)):
        assert AES_KEY not in shown
        assert "another" not in shown
        assert "sixteen" not in shown


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app_id": "wx123"}, "app_id"),
        ({"app_id": 5}, "app_id"),
        ({"gateway_url": "ftp://a/b"}, "gateway_url"),
        ({"gateway_url": "https://a/b?c=d"}, "gateway_url"),
        ({"app_private_key": "/no/such/file"}, "app_private_key"),
        ({"app_private_key": "-----BEGIN PRIVATE KEY-----\nsecret\n"}, "app_private_key"),
        ({"alipay_public_key": None}, "alipay_public_key"),
        ({"aes_key": "secret"}, "aes_key"),
        ({"aes_key": None, "encrypt_content": True}, "encrypt_content"),
        ({"mode": "secret"}, "mode"),
        ({"mode": "certificate"}, "app_cert"),
        ({"timeout_seconds": 90.0}, "timeout_seconds"),
        ({"app_privat_key": "secret"}, "unknown"),
        ({"templates": {"a": ENDLESS}}, "templates"),
    ],
)
def test_a_wrong_section_is_refused_by_key_and_rule(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationWrong) as refused:
        open_channel("alipay", section(**changes), TOKENS)
    assert named in str(refused.value)
    assert "secret" not in str(refused.value)


async def test_a_channel_offers_what_its_section_allows() -> None:
    full = open_channel(
        "alipay",
        section(templates={"case_moved": {"template_id": "t", "fields": {"note": "keyword1"}}}),
        TOKENS,
    )
    bare = open_channel("alipay", section(identity_checks=False, title="另一个"), TOKENS)
    assert (full.name, full.title, bare.title) == ("alipay", "支付宝", "另一个")
    assert full.messages is not None
    assert full.messages.kinds() == {"case_moved": "t"}
    assert full.identity is not None
    assert bare.messages is None
    assert bare.identity is None
    await full.close()
    await bare.close()


def test_a_public_key_in_the_place_of_a_private_one_is_refused() -> None:
    with pytest.raises(ConfigurationWrong):
        read_config(section(app_private_key=public_pem("alipay")))
