"""The vault: sealed fields open in their own place only, blind indexes find and tell nothing."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.database import Database
from api.errors import DatabaseUnavailable
from api.key_provider import FileKeys, KeysWrong, Wrapped, make_keys_file
from api.settings import Settings
from api.vault import SealBroken, Vault, key_id_of, make_key, open_vault

PLACE = {"table": "citizens", "column": "name_sealed", "row": "c1"}
# Test data: area code 999000 belongs to nobody.
CANARY = "999000199001011234"


@asynccontextmanager
async def opened(settings: Settings, database: Database) -> AsyncIterator[Vault]:
    vault = await open_vault(settings, database)
    try:
        yield vault
    finally:
        await vault.close()


@pytest.fixture
def clean_settings(make_settings: Callable[..., Settings], clean_database_url: str) -> Settings:
    return make_settings(database_url=clean_database_url)


@pytest.fixture
async def vault(clean_settings: Settings, clean_database: Database) -> AsyncIterator[Vault]:
    async with opened(clean_settings, clean_database) as vault:
        yield vault


async def test_a_sealed_value_opens_in_its_place(vault: Vault) -> None:
    sealed = vault.seal("张三 Zhāng", **PLACE)
    assert vault.open_text(sealed, **PLACE) == "张三 Zhāng"


async def test_equal_values_are_sealed_differently(vault: Vault) -> None:
    assert vault.seal(CANARY, **PLACE) != vault.seal(CANARY, **PLACE)


@pytest.mark.parametrize("changed", [{"row": "c2"}, {"column": "x"}, {"table": "clerks"}])
async def test_a_value_moved_elsewhere_does_not_open(vault: Vault, changed: Any) -> None:
    sealed = vault.seal(CANARY, **PLACE)
    with pytest.raises(SealBroken):
        vault.open(sealed, **{**PLACE, **changed})


@pytest.mark.parametrize("algorithm", ["aes-256-gcm", "sm4-gcm"])
async def test_no_flipped_bit_goes_unseen(
    make_settings: Any, clean_database_url: str, clean_database: Database, algorithm: str
) -> None:
    settings = make_settings(database_url=clean_database_url, field_algorithm=algorithm)
    async with opened(settings, clean_database) as vault:
        sealed = vault.seal(CANARY, **PLACE)
        assert vault.open_text(sealed, **PLACE) == CANARY
        for place in range(len(sealed)):
            broken = bytearray(sealed)
            broken[place] ^= 1
            with pytest.raises(SealBroken):
                vault.open(bytes(broken), **PLACE)
        for length in range(len(sealed)):
            with pytest.raises(SealBroken):
                vault.open(sealed[:length], **PLACE)


async def test_the_layout_is_version_algorithm_key_nonce_content_tag(vault: Vault) -> None:
    sealed = vault.seal(CANARY, **PLACE)
    assert sealed[:2] == b"\x01\x01"
    assert key_id_of(sealed) == vault.keys.sealing.key_id
    assert len(sealed) == 1 + 1 + 4 + 12 + len(CANARY) + 16


async def test_both_algorithms_are_read_whichever_seals(
    make_settings: Any, clean_database_url: str, clean_database: Database
) -> None:
    settings = make_settings(database_url=clean_database_url)
    chinese = make_settings(database_url=clean_database_url, field_algorithm="sm4-gcm")
    async with opened(settings, clean_database) as first, opened(chinese, clean_database) as second:
        assert second.open_text(first.seal("a", **PLACE), **PLACE) == "a"
        # The first process has never heard of the key that the second one made.
        sealed = second.seal("b", **PLACE)
        assert sealed[1] == 2
        assert first.open_text(sealed, **PLACE) == "b"
        by_first = first.index("b", purpose="name")
        assert len(second.index("b", purpose="name")) == len(by_first) == 4 + 32
        assert by_first in second.indexes("b", purpose="name")


async def test_an_index_finds_equal_values_of_one_purpose_only(vault: Vault) -> None:
    index = vault.index(CANARY, purpose="id_number")
    assert index == vault.index(CANARY, purpose="id_number")
    assert index != vault.index(CANARY, purpose="phone")
    assert index != vault.index(CANARY[:-1] + "5", purpose="id_number")
    assert CANARY.encode() not in index


async def test_many_processes_starting_at_once_make_one_key(
    clean_settings: Settings, clean_database: Database
) -> None:
    vaults = await asyncio.gather(*(open_vault(clean_settings, clean_database) for _ in range(8)))
    try:
        assert len({vault.keys.sealing.key_id for vault in vaults}) == 1
        assert len({vault.index("x", purpose="p") for vault in vaults}) == 1
    finally:
        for vault in vaults:
            await vault.close()


async def test_a_key_made_elsewhere_is_learned_when_it_is_met(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    provider = FileKeys(Path(clean_settings.keys_file))
    await make_key(clean_database, provider, "seal", "aes-256-gcm")
    async with opened(clean_settings, clean_database) as newer:
        sealed = newer.seal("new", **PLACE)
    assert key_id_of(sealed) not in vault.keys.every
    assert vault.open_text(sealed, **PLACE) == "new"


async def test_a_new_index_key_is_known_to_whoever_looks_for_a_unique_value(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    before = vault.index("x", purpose="p")
    provider = FileKeys(Path(clean_settings.keys_file))
    await make_key(clean_database, provider, "index", "hmac-sha256")
    async with clean_database.transaction() as connection:
        await vault.freshen(connection)
        assert vault.index("x", purpose="p") != before
        assert vault.indexes("x", purpose="p") == [vault.index("x", purpose="p"), before]


async def test_no_key_is_made_while_somebody_looks_for_a_unique_value(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    provider = FileKeys(Path(clean_settings.keys_file))
    async with clean_database.transaction() as connection:
        await vault.freshen(connection)
        with pytest.raises(DatabaseUnavailable):
            await make_key(clean_database, provider, "index", "hmac-sha256")


async def test_the_database_holds_no_key_that_opens_anything(
    vault: Vault, clean_database: Database
) -> None:
    async with clean_database.connection() as connection:
        rows = await connection.fetch("select wrapped from data_keys")
    assert rows
    for key in vault.keys.every.values():
        assert all(key.key not in row["wrapped"] for row in rows)
        assert key.key.hex() not in repr(key)


async def test_keys_of_another_file_are_refused_in_words(
    vault: Vault, clean_settings: Settings, clean_database: Database, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(clean_settings, keys_file=str(tmp_path / "other.json"))
    with pytest.raises(KeysWrong, match="restore the file"):
        await open_vault(other, clean_database)


def test_the_file_of_keys_is_for_nobody_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keys.json"
    make_keys_file(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.read_bytes()
    make_keys_file(path)
    assert path.read_bytes() == first
    path.chmod(0o640)
    with pytest.raises(KeysWrong, match="chmod 600"):
        FileKeys(path)


async def test_a_new_key_encryption_key_leaves_the_old_one_readable(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "keys.json")
    wrapped = await keys.wrap(b"k" * 32, b"about")
    name = await keys.renew()
    assert name != wrapped.wrapped_by
    assert await keys.unwrap(wrapped, b"about") == b"k" * 32
    assert (await keys.wrap(b"k" * 32, b"about")).wrapped_by == name
    with pytest.raises(KeysWrong):
        await keys.unwrap(wrapped, b"something else")
    with pytest.raises(KeysWrong):
        await keys.unwrap(Wrapped("nobody", wrapped.wrapped), b"about")


async def test_production_demands_keys_of_its_own(make_settings: Any, database: Database) -> None:
    for settings in (
        make_settings(environment="production", keys_file=""),
        make_settings(environment="production", keys_file="/nowhere/keys.json"),
        make_settings(key_provider="no-such-provider"),
    ):
        with pytest.raises(KeysWrong):
            await open_vault(settings, database)
