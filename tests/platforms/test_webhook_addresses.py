"""Where a webhook may go: what strangers write must not lead into our own network."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from adapters.webhooks import (
    ANSWER_BYTES,
    DeliveryFailed,
    Resolve,
    Sender,
    TargetRefused,
    is_public,
    parse_url,
)
from tests.platforms.receivers import (
    Receiver,
    babble,
    drip,
    flood,
    hang,
    hang_up,
    listening,
    status,
)

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]


def resolves_to(*answers: Sequence[str]) -> tuple[Resolve, list[str]]:
    """A resolver that gives one answer after the other, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return resolve, asked


REFUSED_ADDRESSES = (
    "0.0.0.0",  # noqa: S104 (nobody listens there)
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.9.10",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.1.1",
    "192.175.48.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "100:0:0:1::1",
    "2001::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:808:808::1",
    "2620:4f:8000::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("address", REFUSED_ADDRESSES)
async def test_a_special_purpose_address_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(TargetRefused) as caught:
        Sender().read_target(f"https://{host}/")
    assert caught.value.code == "address_refused"
    resolve, _ = resolves_to([address])
    with pytest.raises(TargetRefused):
        await Sender(resolve=resolve).post("https://partner.example/", {}, b"")


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "223.5.5.5", "1.1.1.1", "2400:3200::1", "2606:4700:4700::1111"]
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://127.1/",
        "https://127.0.0.1.",
        "https://127.0.0.256/",
        "https://127.0.0.0x1/",
        "https://①②⑦.⓪.⓪.①/",
        "https://127。0。0。1/",
        "https://ｌｏｃａｌｈｏｓｔ/",
        "https://%31%32%37.0.0.1/",
        "https://127.0.0.1%00.partner.example/",
        "https://user@partner.example/",
        "https://user:word@127.0.0.1/",
        "https://partner.example@127.0.0.1/",
        "https://partner.example\\@127.0.0.1/",
        "https://partner.example#@127.0.0.1/",
        "https://partner.example /",
        " https://partner.example/",
        "https://partner.example/\r\nhost: x",
        "https://partner.example/\n",
        "https:partner.example/",
        "https:///partner.example/",
        "//partner.example/",
        "https://",
        "https://:443/",
        "https://[::1",
        "https://[::1%25eth0]/",
        "https://[v1.x]/",
        "https://-partner.example/",
        "https://part_ner.example/",
        "https://partner..example/",
        "https://partner.example./",
        "https://partner.example:0/",
        "https://partner.example:/",
        "https://partner.example:99999/",
        "https://partner.example:443:443/",
        "HTTPS://partner.example/",
        "file:///etc/passwd",
        "gopher://partner.example/",
        "ftp://partner.example/",
        "https://" + "a" * 1000 + ".example/",
    ],
)
@pytest.mark.parametrize("private_networks", [[], LOOPBACK], ids=["strict", "loopback allowed"])
def test_an_oddly_written_address_is_refused(
    url: str, private_networks: list[ipaddress.IPv4Network]
) -> None:
    with pytest.raises(TargetRefused):
        Sender(private_networks).read_target(url)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://partner.example/", "scheme_refused"),
        ("http://8.8.8.8/", "scheme_refused"),
        ("https://partner.example:22/", "port_refused"),
        ("https://partner.example:6379/", "port_refused"),
        ("https://8.8.8.8:5432/", "port_refused"),
    ],
)
def test_another_scheme_or_port_is_refused(url: str, code: str) -> None:
    with pytest.raises(TargetRefused) as caught:
        Sender().read_target(url)
    assert caught.value.code == code


def test_a_plain_address_is_read_in_its_parts() -> None:
    target = parse_url("https://Partner.example:8443/a/b?c=%20d")
    assert (target.host, target.port, target.path) == ("partner.example", 8443, "/a/b?c=%20d")
    assert target.authority == "partner.example:8443"
    assert parse_url("https://xn--fiqs8s.example").path == "/"
    assert parse_url("https://[2400:3200::1]/").authority == "[2400:3200::1]"


@pytest.mark.parametrize("answer", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
async def test_one_inner_address_among_others_is_one_too_many(answer: list[str]) -> None:
    resolve, _ = resolves_to(answer)
    with pytest.raises(TargetRefused):
        await Sender(resolve=resolve).post("https://partner.example/", {}, b"")


async def test_a_name_that_changes_between_check_and_connection_gains_nothing() -> None:
    allowed = [ipaddress.ip_network("127.0.0.2/32")]
    resolve, asked = resolves_to(["127.0.0.2"], ["127.0.0.1"])
    async with listening(Receiver(host="127.0.0.2")) as meant:
        inner = Receiver(host="127.0.0.1")
        server = await asyncio.start_server(inner.handle, "127.0.0.1", meant.port)
        async with server:
            url = f"http://rebinding.example:{meant.port}/hook"
            assert await Sender(allowed, resolve=resolve).post(url, {}, b"{}") == 204
            assert asked == ["rebinding.example"]
            assert len(meant.received) == 1
            assert meant.received[0].headers["host"] == f"rebinding.example:{meant.port}"
            # The next delivery asks anew, and is refused.
            with pytest.raises(TargetRefused):
                await Sender(allowed, resolve=resolve).post(url, {}, b"{}")
        assert inner.received == []


async def test_an_unknown_name_can_be_tried_again() -> None:
    async def resolve(_host: str, _port: int) -> Sequence[str]:
        raise OSError

    with pytest.raises(DeliveryFailed) as caught:
        await Sender(resolve=resolve).post("https://partner.example/", {}, b"")
    assert caught.value.code == "host_unknown"


async def test_loopback_is_reached_only_where_it_is_allowed() -> None:
    async with listening(Receiver()) as receiver:
        assert await Sender(LOOPBACK).post(receiver.url, {"a": "b"}, b"{}") == 204
        (received,) = receiver.received
        assert received.line == "POST /hook?from=zhangban HTTP/1.1"
        assert received.headers["a"] == "b"
        assert received.body == b"{}"
        with pytest.raises(TargetRefused):
            await Sender().post(receiver.url, {}, b"{}")
    with pytest.raises(TargetRefused) as caught:
        Sender(LOOPBACK).read_target("http://127.0.0.1:22/")
    assert caught.value.code == "port_refused"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (hang, "timeout"),
        (drip, "timeout"),
        (flood, "answer_too_large"),
        (status(200, body=bytes(ANSWER_BYTES + 1)), "answer_too_large"),
        (hang_up, "answer_unreadable"),
        (babble, "answer_unreadable"),
    ],
)
async def test_a_bad_receiver_ends_in_a_reason(answer: object, code: str) -> None:
    async with listening(Receiver(answer)) as receiver:  # type: ignore[arg-type]
        with pytest.raises(DeliveryFailed) as caught:
            await Sender(LOOPBACK, budget_seconds=1.0).post(receiver.url, {}, b"{}")
    assert caught.value.code == code


async def test_nobody_listening_ends_in_a_reason() -> None:
    async with listening(Receiver()) as receiver:
        url = receiver.url
    with pytest.raises(DeliveryFailed) as caught:
        await Sender(LOOPBACK).post(url, {}, b"{}")
    assert caught.value.code == "connection_failed"


async def test_a_redirect_is_not_followed() -> None:
    async with listening(Receiver()) as inner:
        answer = status(302, f"location: {inner.url}")
        async with listening(Receiver(answer)) as receiver:
            assert await Sender(LOOPBACK).post(receiver.url, {}, b"{}") == 302
        assert inner.received == []


async def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(Receiver()) as proxy, listening(Receiver()) as receiver:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert await Sender(LOOPBACK).post(receiver.url, {}, b"{}") == 204
        assert proxy.received == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """TLS of a receiver called partner.example, and of a client that trusts its issuer."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "partner.example")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("partner.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = Path(tmp_path_factory.mktemp("tls"), "partner.pem")
    pem = certificate.public_bytes(Encoding.PEM)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_tls_is_held_to_the_name_although_the_address_is_pinned(
    authority: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    server, client = authority
    resolve, _ = resolves_to(["127.0.0.1"])
    sender = Sender(LOOPBACK, resolve=resolve, tls=client)
    async with listening(Receiver(), server) as receiver:
        assert await sender.post(f"https://partner.example:{receiver.port}/", {}, b"{}") == 204
        assert receiver.received[0].headers["host"] == f"partner.example:{receiver.port}"
        with pytest.raises(DeliveryFailed) as caught:
            await sender.post(f"https://other.example:{receiver.port}/", {}, b"{}")
        assert caught.value.code == "tls_failed"
        untrusting = Sender(LOOPBACK, resolve=resolve)
        with pytest.raises(DeliveryFailed) as caught:
            await untrusting.post(f"https://partner.example:{receiver.port}/", {}, b"{}")
        assert caught.value.code == "tls_failed"
