"""What single pieces of a request cost, in microseconds: no network, no database, one core.

    python -m benchmarks.pieces

Each is run for about a third of a second, three times; the median is printed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import statistics
import time
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.table import Table

from api.audit import Entry, make_seal
from api.catalogue.demonstration.plant_processes import frame_table
from api.catalogue.demonstration.read_demonstration import read_processes
from api.database import CHINA
from api.processes import Rules
from api.rules import ApplicantFacts, Facts, ServiceFacts, find_instant
from api.sessions import TokenClaims, Tokens
from api.signatures import Algorithm, Fields, Key, Message, is_signed, read_claim

SECONDS = 0.33
ROUNDS = 3
ITEM = "442004001000"


def main() -> None:
    """Print the table."""
    table = Table("piece", "µs")
    for name, piece in pieces().items():
        table.add_row(name, f"{measure(piece):,.1f}")
    Console().print(table)


def measure(piece: Callable[[], object]) -> float:
    """Microseconds for one run, the median of the rounds."""
    piece()
    found = []
    for _ in range(ROUNDS):
        runs, began = 0, time.perf_counter()
        while time.perf_counter() - began < SECONDS:
            piece()
            runs += 1
        found.append((time.perf_counter() - began) / runs * 1e6)
    return statistics.median(found)


def pieces() -> dict[str, Callable[[], object]]:
    """Every piece by what it does."""
    tokens = Tokens(b"a benchmark's key, at least 32 characters")
    token = tokens.sign(TokenClaims("citizen", "0" * 32, "1" * 32, int(time.time()) + 3600, "x"))
    table = read_processes()[ITEM].tables["instant"]
    rules = Rules(instant=frame_table(table))
    now = datetime.now(CHINA)
    facts = Facts(
        {"children": "first"},
        ApplicantFacts("natural_person", "basic"),
        ServiceFacts("1" * 31, "生育登记", "440106000000"),
        f"{now.date()}",
    )
    entry = Entry(1, now, "clerk:a", "case.accepted", "case:1", '{"from":"submitted"}')
    shared, public = shared_key(), public_key()
    return {
        "read a session's token": lambda: tokens.read(token, "citizen"),
        "verify a platform's call, hmac-sha256": lambda: verify(*shared),
        "verify a platform's call, ed25519": lambda: verify(*public),
        "decide by a table": lambda: find_instant(rules, facts),
        "seal an audit entry": lambda: make_seal(bytes(32), entry),
    }


def shared_key() -> tuple[Message, Key]:
    """A call signed with a shared secret."""
    secret = b"a benchmark's secret"
    return sign("hmac-sha256", lambda text: hmac.digest(secret, text, "sha256"), secret)


def public_key() -> tuple[Message, Key]:
    """A call signed with a key of its own."""
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(
        serialization.Encoding.Raw, serialization.PublicFormat.Raw
    )
    return sign("ed25519", private.sign, raw)


def sign(
    algorithm: Algorithm, seal: Callable[[bytes], bytes], material: bytes
) -> tuple[Message, Key]:
    """A push of an event, signed by hand (RFC 9421 §2.5)."""
    url = "https://api.example/v1/platform/cases/1/events"
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(b'{}').digest()).decode()}:"
    parameters = f'("@method" "@target-uri" "content-digest");created={int(time.time())}'
    parameters += ';nonce="0123456789abcdef";keyid="k"'
    base = f'"@method": POST\n"@target-uri": {url}\n"content-digest": {digest}\n'
    signature = base64.b64encode(seal(f'{base}"@signature-params": {parameters}'.encode())).decode()
    fields = Fields(
        [
            ("content-digest", digest),
            ("signature-input", f"s={parameters}"),
            ("signature", f"s=:{signature}:"),
        ]
    )
    return Message("POST", url, fields), Key(algorithm, material)


def verify(message: Message, key: Key) -> bool:
    """Read the claim and prove it, as the service does."""
    if not is_signed(message, read_claim(message.method, message.headers), key):
        raise ValueError("the benchmark's own signature does not verify")
    return True


if __name__ == "__main__":
    main()
