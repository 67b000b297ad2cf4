"""The door to the channels: one file, named channels, shared tokens, and words for refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from adapters.contract import Refusal, Unreachable
from api import channels as door
from api.channels import (
    ChannelCannot,
    ChannelRefused,
    ChannelUnavailable,
    ChannelUnknown,
    SharedTokens,
    able,
    as_problem,
    open_channels,
    open_sections,
)
from api.database import Database
from api.doctor import Check, examine
from api.settings import Settings
from api.vault import Vault, open_vault

WECHAT = """
[wechat]
app_id = "wx0123456789abcdef"
app_secret = "0123456789abcdef0123456789abcdef"
"""


@pytest.fixture
async def vault(
    make_settings: Callable[..., Settings], clean_database_url: str, clean_database: Database
) -> AsyncIterator[Vault]:
    vault = await open_vault(make_settings(database_url=clean_database_url), clean_database)
    yield vault
    await vault.close()


@pytest.fixture
def with_file(make_settings: Callable[..., Settings], tmp_path: Path) -> Callable[[str], Settings]:
    def make(text: str) -> Settings:
        path = tmp_path / "channels.toml"
        path.write_text(text)
        return make_settings(channels_file=str(path))

    return make


class Bank:
    """Gives out numbered tokens and counts how often it was asked."""

    def __init__(self, seconds: int = 7200, pause: float = 0.0) -> None:
        self.given = 0
        self.at_once = 0
        self.most_at_once = 0
        self.seconds = seconds
        self.pause = pause
        self.failing = False

    async def fetch(self) -> tuple[str, int]:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.pause)
        self.at_once -= 1
        if self.failing:
            raise Unreachable("timeout")
        self.given += 1
        return f"token-{self.given}", self.seconds


# ── The file ────────────────────────────────────────────────────────────────────────────


async def test_no_file_means_no_channels(
    settings: Settings, clean_database: Database, vault: Vault
) -> None:
    channels = await open_channels(settings, clean_database, vault)
    assert channels.all() == ()
    assert channels.faults == {}
    with pytest.raises(ChannelUnknown):
        channels.named("wechat")


async def test_a_section_opens_its_channel(
    with_file: Callable[[str], Settings], clean_database: Database, vault: Vault
) -> None:
    channels = await open_channels(with_file(WECHAT), clean_database, vault)
    channel = channels.named("wechat")
    assert (channel.name, channel.title) == ("wechat", "微信")
    assert channel.payments is None
    assert able(channel.sign_in) is channel.sign_in
    with pytest.raises(ChannelCannot):
        able(channel.payments)
    assert [c.name for c in channels.all()] == ["wechat"]
    await channels.close()


async def test_a_second_application_names_its_adapter(
    with_file: Callable[[str], Settings], clean_database: Database, vault: Vault
) -> None:
    second = WECHAT.replace("[wechat]", '[wechat_elder]\nadapter = "wechat"\ntitle = "长者版"')
    channels = await open_channels(with_file(WECHAT + second), clean_database, vault)
    assert [c.name for c in channels.all()] == ["wechat", "wechat_elder"]
    assert channels.named("wechat_elder").title == "长者版"
    await channels.close()


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ('[wechat]\napp_id = "wx1"', "wechat", "app_secret"),
        (WECHAT + 'secrets = "S3CRET"', "wechat", "secrets"),
        ('[fax]\nnumber = "1"', "fax", "no adapter"),
        ('[Fax]\nnumber = "1"', "Fax", "small letters"),
        ("wechat = 1", "wechat", "table"),
        (WECHAT + "S3CRET", "channels file", "not TOML"),
    ],
)
async def test_a_wrong_section_is_reported_and_quotes_no_value(
    with_file: Callable[[str], Settings],
    clean_database: Database,
    vault: Vault,
    text: str,
    name: str,
    says: str,
) -> None:
    channels = await open_channels(with_file(text), clean_database, vault)
    assert channels.all() == ()
    assert says in channels.faults[name]
    assert "S3CRET" not in str(channels.faults)


async def test_a_wrong_section_takes_no_other_with_it(
    with_file: Callable[[str], Settings], clean_database: Database, vault: Vault
) -> None:
    channels = await open_channels(with_file(WECHAT + '[fax]\nn = "1"'), clean_database, vault)
    assert [c.name for c in channels.all()] == ["wechat"]
    assert list(channels.faults) == ["fax"]
    await channels.close()


async def test_a_key_may_stand_in_a_file(
    with_file: Callable[[str], Settings], tmp_path: Path, clean_database: Database, vault: Vault
) -> None:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "merchant.pem").write_bytes(pem)
    merchant = f"""
[wechat.merchant]
merchant_id = "1600000001"
merchant_serial = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
private_key = "{tmp_path / "merchant.pem"}"
apiv3_key = "0123456789abcdef0123456789abcdef"
"""
    channels = open_sections(with_file(WECHAT + merchant), SharedTokens(clean_database, vault))
    assert channels.faults == {}
    assert channels.named("wechat").payments is not None
    await channels.close()


# ── What people are told ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", ["timeout", "circuit_open", "answer_unproven"])
def test_what_cannot_be_reached_is_unavailable_for_some_seconds(code: str) -> None:
    problem = as_problem(Unreachable(code))
    assert isinstance(problem, ChannelUnavailable)
    assert (problem.status, problem.code) == (503, "channel_unavailable")
    assert 1 <= int(problem.headers["Retry-After"]) <= 10


@pytest.mark.parametrize("code", ["not_permitted", "quota_used", "parameter_wrong"])
def test_what_the_operator_must_mend_is_no_fault_of_the_caller(code: str) -> None:
    assert isinstance(as_problem(Refusal(code, channel_code="40125")), ChannelUnavailable)


def test_a_refusal_says_its_code_and_no_word_of_the_vendor() -> None:
    problem = as_problem(Refusal("code_wrong", channel_code="40029"))
    assert isinstance(problem, ChannelRefused)
    assert problem.errors is not None
    assert [error.code for error in problem.errors] == ["code_wrong"]
    assert "40029" not in f"{problem.detail}{problem.detail_english}{problem.errors}"


# ── Tokens ──────────────────────────────────────────────────────────────────────────────


async def test_one_of_many_processes_refreshes(clean_database: Database, vault: Vault) -> None:
    bank = Bank(pause=0.2)
    keepers = [SharedTokens(clean_database, vault) for _ in range(8)]
    tokens = await asyncio.gather(
        *(keeper.token("t", bank.fetch) for keeper in keepers for _ in range(5))
    )
    assert set(tokens) == {"token-1"}
    assert (bank.given, bank.most_at_once) == (1, 1)


async def test_a_kept_token_costs_nothing(clean_database: Database, vault: Vault) -> None:
    bank = Bank()
    keeper = SharedTokens(clean_database, vault)
    await keeper.token("t", bank.fetch)
    await clean_database.close()
    assert await keeper.token("t", bank.fetch) == "token-1"


async def test_the_token_is_sealed(clean_database: Database, vault: Vault) -> None:
    await SharedTokens(clean_database, vault).token("t", Bank().fetch)
    async with clean_database.connection() as connection:
        row = await connection.fetchval("select channel_tokens::text from channel_tokens")
        sealed = await connection.fetchval("select sealed from channel_tokens")
    assert "token-1" not in row
    assert b"token-1" not in sealed


async def test_a_refused_token_is_dropped_everywhere_and_a_newer_one_stays(
    clean_database: Database, vault: Vault
) -> None:
    bank = Bank()
    first, second = SharedTokens(clean_database, vault), SharedTokens(clean_database, vault)
    assert await first.token("t", bank.fetch) == "token-1"
    assert await second.token("t", bank.fetch) == "token-1"
    await first.drop("t", "token-1")
    assert await first.token("t", bank.fetch) == "token-2"
    # The second process learns late that the first is dead, and must not kill the newer one.
    await second.drop("t", "token-1")
    assert await second.token("t", bank.fetch) == "token-2"
    assert bank.given == 2


async def test_a_token_is_refreshed_before_its_end_while_the_old_one_serves(
    clean_database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = Bank(seconds=2)
    monkeypatch.setattr(door, "_EARLY_PART", 0.9)
    keeper = SharedTokens(clean_database, vault)
    assert await keeper.token("t", bank.fetch) == "token-1"
    await asyncio.sleep(0.3)
    bank.pause = 0.5
    other = SharedTokens(clean_database, vault)
    refreshing = asyncio.create_task(keeper.token("t", bank.fetch))
    await asyncio.sleep(0.2)
    began = time.monotonic()
    assert await other.token("t", bank.fetch) == "token-1"
    assert time.monotonic() - began < 0.25
    assert await refreshing == "token-2"
    assert await other.token("t", bank.fetch) == "token-2"


async def test_a_failed_refresh_leaves_the_lease_to_the_next(
    clean_database: Database, vault: Vault
) -> None:
    bank = Bank()
    bank.failing = True
    with pytest.raises(Unreachable, match="timeout"):
        await SharedTokens(clean_database, vault).token("t", bank.fetch)
    bank.failing = False
    began = time.monotonic()
    assert await SharedTokens(clean_database, vault).token("t", bank.fetch) == "token-1"
    assert time.monotonic() - began < 1


async def test_a_process_that_died_while_refreshing_is_replaced(
    clean_database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "LEASE_SECONDS", 0.3)
    async with clean_database.connection() as connection:
        await connection.execute(
            "insert into channel_tokens (name, lease, leased_until)"
            " values ('t', 'dead', now() + interval '0.3 seconds')"
        )
    bank = Bank()
    assert await SharedTokens(clean_database, vault).token("t", bank.fetch) == "token-1"


async def test_waiting_for_another_ends(
    clean_database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "WAIT_SECONDS", 0.3)
    async with clean_database.connection() as connection:
        await connection.execute(
            "insert into channel_tokens (name, lease, leased_until)"
            " values ('t', 'slow', now() + interval '1 minute')"
        )
    with pytest.raises(Unreachable) as raised:
        await SharedTokens(clean_database, vault).token("t", Bank().fetch)
    assert not raised.value.sent


async def test_no_connection_is_held_while_the_channel_is_asked(
    make_settings: Callable[..., Settings], clean_database: Database, vault: Vault
) -> None:
    seen: list[tuple[int, int]] = []

    async def fetch() -> tuple[str, int]:
        seen.append(clean_database.size)
        return "token", 7200

    await SharedTokens(clean_database, vault).token("t", fetch)
    (opened, idle), *_ = seen
    assert opened == idle


async def test_a_token_whose_key_is_gone_is_fetched_anew(
    clean_database: Database, vault: Vault
) -> None:
    bank = Bank()
    await SharedTokens(clean_database, vault).token("t", bank.fetch)
    async with clean_database.connection() as connection:
        await connection.execute("update channel_tokens set sealed = 'nonsense'::bytea")
    assert await SharedTokens(clean_database, vault).token("t", bank.fetch) == "token-2"


async def test_tokens_of_two_names_are_strangers(clean_database: Database, vault: Vault) -> None:
    keeper = SharedTokens(clean_database, vault)
    one, two = Bank(), Bank()
    two.given = 10
    found: list[Any] = [await keeper.token("a", one.fetch), await keeper.token("b", two.fetch)]
    assert found == ["token-1", "token-11"]


# ── The doctor ──────────────────────────────────────────────────────────────────────────


async def _channels_check(settings: Settings) -> Check:
    return next(check for check in await examine(settings) if check.subject == "channels")


async def test_the_doctor_says_that_there_are_none(settings: Settings) -> None:
    check = await _channels_check(settings)
    assert (check.state, "nobody can sign in" in check.words) == ("warning", True)


async def test_the_doctor_names_what_opens_and_what_does_not(
    with_file: Callable[[str], Settings], tmp_path: Path
) -> None:
    settings = with_file(WECHAT)
    assert (await _channels_check(settings)).state == "wrong"
    (tmp_path / "channels.toml").chmod(0o600)
    check = await _channels_check(settings)
    assert (check.state, check.words) == ("well", "wechat")
    with_file(WECHAT + '[fax]\nnumber = "1"')
    check = await _channels_check(settings)
    assert check.state == "wrong"
    assert "fax" in check.words
