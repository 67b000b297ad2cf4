"""The section: every wrong value is named with its rule, and no value is quoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.contract import ConfigurationWrong
from adapters.wechat.config import read_config
from tests.adapters.wechat.builders import (
    MERCHANT_KEY,
    PLATFORM_KEY,
    PUBLIC_KEY_ID,
    merchant,
    opened,
    private_pem,
    public_pem,
    section,
)

SECRET = "S3CRETS3CRETS3CRET"
SECURITY = {
    "symmetric_serial": "fa05fe1e5bcc79b81ad5ad4b58acf787",
    "symmetric_key": "otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY=",
    "serial": "97845f6ed842ea860df6fdf65941ff56",
    "private_key": private_pem(MERCHANT_KEY),
    "platform_keys": {"79ba700ea147819f640941bceb38b1d1": public_pem(PLATFORM_KEY)},
}


def test_a_whole_section_is_read() -> None:
    found = read_config("wechat", section(api_security=SECURITY))
    assert found.push_key is not None
    assert found.merchant is not None
    assert found.merchant.asked_serial == PUBLIC_KEY_ID
    assert not found.merchant.is_partner
    assert found.api_security is not None
    assert found.api_security.paths == {"/wxa/business/getuserphonenumber"}


def test_without_a_public_key_it_is_certificate_mode() -> None:
    found = read_config("wechat", section(merchant=merchant(platform_keys={})))
    assert found.merchant is not None
    assert found.merchant.asked_serial is None


def test_keys_stand_in_files_too(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(private_pem(MERCHANT_KEY))
    found = read_config("wechat", section(merchant=merchant(private_key=str(path))))
    assert found.merchant is not None
    assert found.merchant.key.key.private_numbers() == MERCHANT_KEY.private_numbers()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"app_id": None}, "app_id"),
        ({"app_secret": "with space " + SECRET}, "app_secret"),
        ({"unknown": SECRET}, "unknown"),
        ({"api_url": f"https://api.weixin.qq.com/{SECRET}"}, "api_url"),
        ({"push_token": None}, "push_token"),
        ({"push_aes_key": SECRET}, "push_aes_key"),
        ({"templates": {"x": {"template_id": "t", "fields": {"a": "Thing"}}}}, "fields"),
        ({"merchant": merchant(apiv3_key=SECRET)}, "apiv3_key"),
        ({"merchant": merchant(private_key=SECRET)}, "private_key"),
        ({"merchant": merchant(private_key=f"-----BEGIN {SECRET}")}, "private_key"),
        ({"merchant": merchant(platform_keys={"0A": SECRET})}, "platform_keys.0A"),
        ({"merchant": merchant(mode="partner")}, "sub_merchant_id"),
        ({"merchant": merchant(sub_merchant_id="1900000109")}, "mode"),
        ({"merchant": merchant(provider_app_id="wxsp")}, "provider_app_id"),
        ({"api_security": {**SECURITY, "symmetric_key": SECRET}}, "symmetric_key"),
    ],
)
def test_a_wrong_value_is_named_and_not_quoted(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationWrong) as raised:
        read_config("wechat", section(**changed))
    assert says in str(raised.value)
    assert SECRET not in str(raised.value)


async def test_what_is_not_configured_is_none() -> None:
    bare = opened(merchant=None, templates=None, push_token=None, push_aes_key=None, identity=False)
    assert (bare.payments, bare.messages, bare.identity, bare.real_names) == (None,) * 4
    assert bare.sign_in is not None
    assert bare.links is not None
    await bare.close()
