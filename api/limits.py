"""How often one caller may ask: a token bucket per policy and caller, exact across processes.

The bucket is GCRA ("virtual scheduling"): one time per caller, moved on by one interval
per request, in one Lua script on Redis's own clock. Without Redis each process keeps the
same arithmetic for itself, so P processes admit at most P times the policy.

A generous policy (≥ 500 per second) takes tokens in batches of a hundredth of its rate,
at most 50, and spends them without asking Redis. The slack: tokens are paid for before
they are spent, so never more are admitted in the long run, but a second may see up to
`batch` more per process than the policy says, and what a process does not spend within a
second is lost to the caller.

Callers' addresses are personal data: they leave the process only as a keyed hash.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from msgspec import Struct

from api.cache import RedisAway, RedisDoor, Script
from api.settings import SettingsWrong

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

CALLERS_LIMIT = 10_000
LEASE_LIMIT = 50
LEASE_FROM_PER_SECOND = 500
LEASE_SECONDS = 1.0
# A refusal is repeated without Redis for as long as it is certain, but at most this long.
REFUSAL_SECONDS = 1.0

# ARGV: microseconds per token, burst, tokens wanted. Gives tokens granted (0 to wanted),
# tokens left, microseconds until the bucket is full, microseconds until the next token.
_TAKE = """
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('time')
-- Counted from 2026, so that doubles keep fractions of a microsecond.
local now = (tonumber(clock[1]) - 1767225600) * 1000000 + tonumber(clock[2])
local full_at = math.max(tonumber(redis.call('get', KEYS[1]) or now), now)
local left = math.floor(burst - (full_at - now) / interval + 0.000001)
local granted = math.max(0, math.min(wanted, left))
if granted > 0 then
  full_at = full_at + granted * interval
  redis.call('set', KEYS[1], string.format('%.3f', full_at),
             'px', math.ceil((full_at - now) / 1000) + 1)
end
local next_at = full_at + interval - burst * interval
return {granted, left - granted, math.ceil(full_at - now), math.ceil(math.max(0, next_at - now))}
"""


class Policy(Struct, frozen=True):
    """What one kind of call may cost: tokens per second, and how many may come at once."""

    name: str
    per_second: float
    burst: int

    @property
    def lease(self) -> int:
        """How many tokens are taken from Redis at once."""
        if self.per_second < LEASE_FROM_PER_SECOND:
            return 1
        return min(LEASE_LIMIT, int(self.per_second // 100))


class Decision(Struct, frozen=True):
    """Whether the call may go on, and what the caller is told. Seconds are rounded up.

    `reset_seconds`: until all tokens are back. `retry_after_seconds`: 0 where allowed.
    """

    allowed: bool
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


class RateLimiter:
    """Decides for one process; all processes with the same Redis and secret count together."""

    def __init__(self, door: RedisDoor, secret: bytes) -> None:
        self.refused = 0
        self._door = door
        self._secret = hashlib.sha256(secret).digest()
        self._take = Script(_TAKE)
        self._callers: OrderedDict[tuple[str, str], _Caller] = OrderedDict()

    async def decide(self, policy: Policy, caller: str) -> Decision:
        """Take one token of `caller` (an address, a citizen id, a key id). Never raises."""
        known = self._known(policy.name, caller)
        now = time.monotonic()
        if known.leased and now < known.leased_until:
            known.leased -= 1
            decision = _allow(known.remaining + known.leased, known.full_at - now)
        elif now < known.refused_until:
            decision = _refuse(known.full_at - now, known.next_at - now)
        else:
            decision = await self._ask(policy, caller, known)
        self.refused += not decision.allowed
        return decision

    async def _ask(self, policy: Policy, caller: str, known: _Caller) -> Decision:
        # One question at a time per caller; whoever comes meanwhile goes together in the next.
        answer: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        known.waiting.append(answer)
        if known.task is None:
            # A task of its own: a cancelled caller must not take the others with it.
            known.task = asyncio.create_task(self._answer_waiting(policy, caller, known))
        return await answer

    async def _answer_waiting(self, policy: Policy, caller: str, known: _Caller) -> None:
        key = f"rate:{policy.name}:{self._hidden(caller)}"
        try:
            while known.waiting:
                waiting, known.waiting = known.waiting, []
                wanted = max(len(waiting), policy.lease)
                taken = await self._take_tokens(key, policy, wanted, known.bucket)
                known.share_out(waiting, *taken)
        finally:
            known.task = None

    async def _take_tokens(
        self, key: str, policy: Policy, wanted: int, bucket: Bucket
    ) -> tuple[int, int, float, float]:
        arguments = [repr(1_000_000 / policy.per_second), policy.burst, wanted]
        try:
            taken = await self._door.run(self._take, [key], arguments)
        except RedisAway:
            # Fails open as far as one process can see: the same arithmetic, kept locally.
            taken = bucket.take(policy, wanted, time.monotonic())
        granted, remaining, reset_us, retry_us = taken
        return granted, remaining, reset_us / 1e6, retry_us / 1e6

    def _known(self, policy_name: str, caller: str) -> _Caller:
        key = (policy_name, caller)
        known = self._callers.get(key)
        if known is None:
            known = self._callers[key] = _Caller()
            if len(self._callers) > CALLERS_LIMIT:
                self._callers.popitem(last=False)
        else:
            self._callers.move_to_end(key)
        return known

    def _hidden(self, caller: str) -> str:
        return hashlib.blake2b(
            caller.encode(), key=self._secret, digest_size=16, person=b"rate"
        ).hexdigest()


class Bucket:
    """The script's arithmetic in this process, for when Redis is away. Times in seconds."""

    def __init__(self) -> None:
        self._full_at = 0.0

    def take(self, policy: Policy, wanted: int, now: float) -> tuple[int, int, float, float]:
        """Tokens granted and left, microseconds until full and until the next token."""
        interval = 1 / policy.per_second
        full_at = max(self._full_at, now)
        left = math.floor(policy.burst - (full_at - now) / interval + 1e-6)
        granted = max(0, min(wanted, left))
        self._full_at = full_at = full_at + granted * interval
        next_at = full_at + interval - policy.burst * interval
        return granted, left - granted, (full_at - now) * 1e6, max(0.0, next_at - now) * 1e6


class _Caller:
    """What this process knows of one caller under one policy. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.bucket = Bucket()
        self.waiting: list[asyncio.Future[Decision]] = []
        self.task: asyncio.Task[None] | None = None
        self.leased = 0
        self.leased_until = 0.0
        self.refused_until = 0.0
        self.next_at = 0.0
        self.remaining = 0
        self.full_at = 0.0

    def share_out(
        self,
        waiting: list[asyncio.Future[Decision]],
        granted: int,
        remaining: int,
        reset_seconds: float,
        retry_seconds: float,
    ) -> None:
        """Answer those who wait, first come first served; what is left over is leased."""
        now = time.monotonic()
        self.remaining = remaining
        self.full_at = now + reset_seconds
        for number, answer in enumerate(waiting):
            if answer.done():
                continue
            if number < granted:
                left = remaining + granted - number - 1
                answer.set_result(_allow(left, reset_seconds))
            else:
                answer.set_result(_refuse(reset_seconds, retry_seconds))
        if granted > len(waiting):
            self.leased = granted - len(waiting)
            self.leased_until = now + LEASE_SECONDS
        elif granted < len(waiting):
            self.refused_until = now + min(retry_seconds, REFUSAL_SECONDS)
            self.next_at = now + retry_seconds


def _allow(remaining: int, reset_seconds: float) -> Decision:
    return Decision(True, remaining, max(0, math.ceil(reset_seconds)), 0)


def _refuse(reset_seconds: float, retry_seconds: float) -> Decision:
    return Decision(False, 0, max(1, math.ceil(reset_seconds)), max(1, math.ceil(retry_seconds)))


def rate_headers(policy: Policy, decision: Decision) -> dict[str, str]:
    """`RateLimit-Policy`, `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10), `Retry-After`.

    q: tokens of a full bucket; w: seconds in which it fills; r: tokens left; t: seconds
    until it is full, or for a refused call until the next token.
    """
    window_seconds = max(1, math.ceil(policy.burst / policy.per_second))
    wait = decision.reset_seconds if decision.allowed else decision.retry_after_seconds
    headers = {
        "RateLimit-Policy": f'"{policy.name}";q={policy.burst};w={window_seconds}',
        "RateLimit": f'"{policy.name}";r={decision.remaining};t={wait}',
    }
    if not decision.allowed:
        headers["Retry-After"] = str(decision.retry_after_seconds)
    return headers


def parse_networks(text: str) -> tuple[Network, ...]:
    """TRUSTED_PROXIES: CIDR blocks or addresses between commas. Raises SettingsWrong."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tuple(ipaddress.ip_network(part, strict=False) for part in parts)
    except ValueError as error:
        raise SettingsWrong(f"TRUSTED_PROXIES: {error}") from None


def client_address(scope: Mapping[str, Any], trusted: tuple[Network, ...]) -> str:
    """Who calls, for counting: an IPv4 address, an IPv6 /64, or "local" for a Unix socket.

    X-Forwarded-For is read from the right, and only as far as trusted proxies wrote it:
    the first address that is not one of theirs is the caller. A Unix socket's peer counts
    as a trusted proxy where any is configured.
    """
    client = scope.get("client")
    peer = parse_address(client[0]) if client else None
    caller = peer
    if trusted and (peer is None or is_in(peer, trusted)):
        for hop in _hops(scope["headers"]):
            address = parse_address(hop)
            if address is None:
                break
            caller = address
            if not is_in(address, trusted):
                break
    return "local" if caller is None else group(caller)


@lru_cache(maxsize=4096)
def parse_address(text: str) -> Address | None:
    """An address as proxies spell it: perhaps with port, brackets, zone or an IPv4 in IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


@lru_cache(maxsize=4096)
def group(address: Address) -> str:
    """One subscriber holds a whole IPv6 /64, so that is what counts as one caller."""
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


def is_in(address: Address, networks: Iterable[Network]) -> bool:
    """Whether one of the networks holds the address."""
    return any(address in network for network in networks)


def _hops(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value.decode("latin-1") for name, value in headers if name == b"x-forwarded-for"]
    return [hop.strip() for hop in ",".join(values).split(",") if hop.strip()][::-1]
