"""The way out to addresses that strangers gave us: one signed POST, to a checked address.

A webhook's URL is a platform's word, so it could name our own network (server-side request
forgery). Three things keep it out. The URL must be written plainly: https, a DNS name or an
address in its usual form, a few ports; odd spellings of numbers, other scripts, user names
are refused, not interpreted. Its name is resolved once, and every address it has must be
one that the public internet routes: the lists below are ours, after IANA's registries of
special-purpose addresses, because `ipaddress.is_global` lets translated and relayed ones
through. And the connection goes to the address that was checked, while Host and TLS still
go by the name; no redirect is followed, no proxy of the environment is used.

`private_networks` are exceptions of the operator's: there http and any unprivileged port
are allowed as well.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, TypeAlias

import httpx
from msgspec import Struct

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""A host name and a port → the addresses it has now. Raises OSError."""

PORTS = frozenset({443, 8443})
BUDGET_SECONDS = 10.0
ANSWER_BYTES = 64 * 1024
URL_LIMIT = 1000
_ADDRESSES_TRIED = 2
_RESOLVE_SECONDS = 3.0

# Whatever of IPv4 the public internet does not route to somebody's host.
_REFUSED = tuple(
    ipaddress.ip_network(block)
    for block in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own services answer here on every host
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )
)
# All of IPv6 that is given out to be routed; mapped, translated, local and multicast lie outside.
_ROUTED = ipaddress.IPv6Network("2000::/3")

_URL = re.compile(
    r"\A(?P<scheme>https?)://"
    r"(?:(?P<name>[A-Za-z0-9.-]+)|\[(?P<v6>[0-9A-Fa-f:.]+)\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@/%-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?\Z"
)
_LABEL = re.compile(r"\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_NUMBER = re.compile(r"\A(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2})){3}\Z")

RefusalCode = Literal[
    "url_malformed", "scheme_refused", "host_refused", "port_refused", "address_refused"
]
FailureCode = Literal[
    "host_unknown",
    "connection_failed",
    "tls_failed",
    "timeout",
    "answer_unreadable",
    "answer_too_large",
]


class TargetRefused(Exception):
    """An address that we do not send to, whatever happens."""

    def __init__(self, code: RefusalCode) -> None:
        super().__init__(code)
        self.code = code


class DeliveryFailed(Exception):
    """It was not taken, or nobody knows; the same may be sent again."""

    def __init__(self, code: FailureCode) -> None:
        super().__init__(code)
        self.code = code


class Target(Struct, frozen=True):
    """A URL in its parts. `address` is there where the host is one, not a name."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    address: Address | None

    @property
    def authority(self) -> str:
        """What stands in Host: the port only where it is not the scheme's own."""
        own = {"http": 80, "https": 443}[self.scheme]
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == own else f"{host}:{self.port}"


class Sender:
    """Sends to checked addresses, for one process. `resolve` and `tls` are open to tests."""

    def __init__(
        self,
        private_networks: Sequence[Network] = (),
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> None:
        self._private = tuple(private_networks)
        self._resolve = resolve or resolve_host
        self._tls = tls or httpx.create_ssl_context()
        self._budget_seconds = budget_seconds

    def read_target(self, url: str) -> Target:
        """The URL's parts. Raises TargetRefused for what can be told without resolving."""
        target = parse_url(url)
        if target.address is not None:
            self._demand_allowed(target, [target.address])
        elif target.scheme == "http" and not self._private:
            raise TargetRefused("scheme_refused")
        elif target.port not in PORTS and not self._private:
            raise TargetRefused("port_refused")
        return target

    async def find_addresses(self, target: Target) -> list[Address]:
        """What the host's name stands for now, every address allowed.

        Raises TargetRefused where one is not, DeliveryFailed where there is none.
        """
        if target.address is not None:
            return [target.address]
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):
                found = await self._resolve(target.host, target.port)
        except (OSError, TimeoutError, UnicodeError):
            raise DeliveryFailed("host_unknown") from None
        addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(found)]
        if not addresses:
            raise DeliveryFailed("host_unknown")
        self._demand_allowed(target, addresses)
        return sorted(addresses, key=lambda address: address.version)

    def _demand_allowed(self, target: Target, addresses: Sequence[Address]) -> None:
        """Raises TargetRefused: one address of ours among others is one too many."""
        private = all(any(a in network for network in self._private) for a in addresses)
        if private and target.port >= 1024:
            return
        if not private and not all(is_public(address) for address in addresses):
            raise TargetRefused("address_refused")
        if target.scheme != "https" and not private:
            raise TargetRefused("scheme_refused")
        if target.port not in PORTS and not (private and target.port == 80):
            raise TargetRefused("port_refused")

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Send; gives the status of the whole answer. Raises TargetRefused, DeliveryFailed."""
        try:
            async with asyncio.timeout(self._budget_seconds):
                target = self.read_target(url)
                return await self._post_to_any(
                    target, await self.find_addresses(target), headers, body
                )
        except TimeoutError:
            raise DeliveryFailed("timeout") from None

    async def _post_to_any(
        self, target: Target, addresses: list[Address], headers: Mapping[str, str], body: bytes
    ) -> int:
        tried = addresses[:_ADDRESSES_TRIED]
        for address in tried:
            try:
                return await self._post_to(target, address, headers, body)
            except httpx.ConnectTimeout:
                failure = DeliveryFailed("timeout")
            except httpx.ConnectError as error:
                failure = DeliveryFailed(_why_not_connected(error))
            except httpx.TimeoutException:
                raise DeliveryFailed("timeout") from None
            except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL):
                raise DeliveryFailed("answer_unreadable") from None
        raise failure from None

    async def _post_to(
        self, target: Target, address: Address, headers: Mapping[str, str], body: bytes
    ) -> int:
        # The URL names the checked address; Host and the name in TLS stay the platform's.
        host = f"[{address}]" if address.version == 6 else str(address)
        url = f"{target.scheme}://{host}:{target.port}{target.path}"
        extensions = {} if target.address is not None else {"sni_hostname": target.host}
        connect_seconds = self._budget_seconds / (_ADDRESSES_TRIED + 1)
        async with (
            httpx.AsyncClient(
                verify=self._tls,
                trust_env=False,
                follow_redirects=False,
                timeout=httpx.Timeout(self._budget_seconds, connect=connect_seconds),
            ) as client,
            client.stream(
                "POST",
                url,
                headers={**headers, "host": target.authority, "accept-encoding": "identity"},
                content=body,
                extensions=extensions,
            ) as response,
        ):
            count = 0
            async for part in response.aiter_raw():
                count += len(part)
                if count > ANSWER_BYTES:
                    raise DeliveryFailed("answer_too_large")
            return response.status_code


def parse_url(url: str) -> Target:
    """A plainly written URL in its parts. Raises TargetRefused."""
    found = _URL.match(url) if len(url) <= URL_LIMIT else None
    if found is None:
        raise TargetRefused("url_malformed")
    scheme: Literal["http", "https"] = "https" if found["scheme"] == "https" else "http"
    port = int(found["port"] or (443 if scheme == "https" else 80))
    if port > 65535:
        raise TargetRefused("port_refused")
    host = (found["name"] or found["v6"]).lower()
    path = (found["path"] or "/") + (found["query"] or "")
    return Target(scheme, host, port, path, _read_host(host, in_brackets=found["v6"] is not None))


def _read_host(host: str, *, in_brackets: bool) -> Address | None:
    """An address in its usual spelling, or None for a name. Raises TargetRefused."""
    if in_brackets or _NUMBER.match(host):
        try:
            return ipaddress.ip_address(host)
        except ValueError:
            raise TargetRefused("host_refused") from None
    labels = host.split(".")
    # A last label that begins with a digit makes some resolvers read the whole as a number.
    if len(host) > 253 or not all(map(_LABEL.match, labels)) or labels[-1][0].isdigit():
        raise TargetRefused("host_refused")
    return None


def is_public(address: Address) -> bool:
    """Whether the public internet routes to it."""
    if isinstance(address, ipaddress.IPv6Address) and address not in _ROUTED:
        return False
    return not any(address in network for network in _REFUSED)


async def resolve_host(host: str, port: int) -> list[str]:
    """The system's resolver. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def _why_not_connected(error: httpx.ConnectError) -> FailureCode:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "tls_failed"
        cause = cause.__cause__ or cause.__context__
    return "connection_failed"
