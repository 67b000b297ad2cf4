"""Whom the adapter believes in certificate mode."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from alipay import DCAliPay
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.alipay import signing
from adapters.alipay.config import read_config
from adapters.alipay.forms import prove_form
from adapters.alipay.gateway import Keys
from adapters.contract import ConfigurationWrong, NoticeRefused
from tests.adapters.alipay.builders import PAID, inbound, key, section
from tests.adapters.alipay.test_signing import CLASS_2, VECTORS

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def name(of: str) -> x509.Name:
    spelt = [
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "测试"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
        (NameOID.COMMON_NAME, of),
    ]
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in spelt])


@cache
def issue(of: str, issuer: str, *, authority: bool = False, days: int = 3650) -> x509.Certificate:
    """A certificate of the key called `of`, signed by the key called `issuer`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(of))
        .issuer_name(name(issuer))
        .public_key(key(of).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=3650))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if authority:
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    return builder.sign(key(issuer), hashes.SHA256())


def root() -> x509.Certificate:
    return issue("root", "root", authority=True)


def class_2() -> x509.Certificate:
    return issue("class 2", "root", authority=True)


def pem(*certificates: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def certified(**changes: Any) -> dict[str, Any]:
    """A section in certificate mode: applications and gateway have authorities of their own."""
    return section(
        **{
            "mode": "certificate",
            "alipay_public_key": None,
            "app_cert": pem(issue("application", "class 1")),
            "alipay_cert": pem(issue("alipay", "class 2"), class_2()),
            "alipay_root_cert": pem(root()),
            **changes,
        }
    )


def test_a_new_certificate_of_the_same_issuer_is_believed() -> None:
    keys = Keys(read_config(certified()))
    new = issue("alipay next", "class 2")
    number = signing.certificate_sn(new)
    assert keys.named(number) is None
    keys.add(number, [new], NOW)
    believed = keys.named(number)
    assert believed is not None
    assert believed.public_numbers() == key("alipay next").public_key().public_numbers()
    assert len(keys.every()) == 2


@pytest.mark.parametrize(
    "offered",
    [
        lambda: [issue("somebody", "class 1"), issue("class 1", "root", authority=True)],
        lambda: [issue("somebody", "stranger"), issue("stranger", "stranger", authority=True)],
        lambda: [issue("somebody", "alipay")],
        lambda: [issue("late", "class 2", days=-1)],
    ],
    ids=["an application's", "a stranger's", "issued by a plain one", "expired"],
)
def test_a_certificate_that_is_not_the_gateways_is_not_believed(
    offered: Callable[[], list[x509.Certificate]],
) -> None:
    keys = Keys(read_config(certified()))
    certificates = offered()
    number = signing.certificate_sn(certificates[0])
    with pytest.raises(signing.SigningWrong):
        keys.add(number, certificates, NOW)
    assert keys.named(number) is None


def test_another_certificate_than_the_one_asked_for_is_not_believed() -> None:
    keys = Keys(read_config(certified()))
    with pytest.raises(signing.SigningWrong):
        keys.add("0" * 32, [issue("alipay next", "class 2")], NOW)


def test_a_plain_certificate_cannot_vouch_even_in_a_whole_chain() -> None:
    chain = [issue("somebody", "alipay"), issue("alipay", "class 2"), class_2()]
    assert not signing.is_trusted(chain, [root()])


def test_a_notice_under_a_certificate_nobody_knows_is_refused_so() -> None:
    config = read_config(certified())
    named = inbound({**PAID, "sign_type": "RSA2", "sign": "abcd", "alipay_cert_sn": "0" * 32})
    with pytest.raises(NoticeRefused) as refused:
        prove_form(named, Keys(config), config, signing.notice_text)
    assert refused.value.code == "serial_unknown"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"alipay_cert": pem(issue("alipay", "class 2"))}, "alipay_cert"),
        ({"app_cert": pem(issue("somebody", "class 1"))}, "app_cert"),
        ({"alipay_root_cert": "-----BEGIN nothing"}, "alipay_root_cert"),
    ],
)
def test_certificates_that_do_not_fit_are_refused_at_the_start(
    changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigurationWrong) as refused:
        read_config(certified(**changes))
    assert named in str(refused.value)


def test_numbers_of_certificates_are_those_of_the_independent_library() -> None:
    for certificate in (CLASS_2[0], root(), issue("application", "class 1")):
        ours = signing.certificate_sn(certificate)
        assert DCAliPay.get_cert_sn(pem(certificate)) == ours
    roots = "\n\n".join(pem(one).strip() for one in signing.read_certificates(bundle()))
    assert DCAliPay.get_root_cert_sn(roots) == signing.root_certificate_sn(
        signing.read_certificates(bundle())
    )


def bundle() -> str:
    return (VECTORS / "alipay_roots.pem").read_text()
