"""Keys of platforms: made, sealed, shown once, the demonstration's kept; old traces forgotten."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from api.commands.platforms import _REGIONS, _SERVICES, read_prefixes
from api.database import Database
from api.demonstrate import demonstration_path, write_demonstration
from api.platforms import forget_old
from api.platforms.issue_key import IssuedKey, Rights, demonstration_key, issue_key
from api.settings import PROJECT, Settings, SettingsWrong
from api.vault import Vault, open_vault
from tests.platforms.builders import Partner, new_partner


@pytest.fixture
async def vault(settings: Settings, database: Database, partners: None) -> AsyncIterator[Vault]:
    vault = await open_vault(settings, database)
    yield vault
    await vault.close()


async def test_a_secret_is_sealed_and_a_private_key_is_not_kept(
    settings: Settings, database: Database, vault: Vault
) -> None:
    async with database.transaction() as connection:
        shared = await issue_key(connection, vault, settings, "甲", Rights([""], [""]))
        pair = await issue_key(connection, vault, settings, "甲", Rights(), algorithm="ed25519")
        rows = await connection.fetch("select * from platform_keys order by created_at, algorithm")
    text = repr([dict(row) for row in rows])
    assert shared.secret is not None
    assert len(shared.secret) == 43
    assert shared.secret not in text
    assert pair.private_key_pem is not None
    assert pair.private_key_pem.startswith("-----BEGIN PRIVATE KEY-----")
    assert "PRIVATE" not in text
    assert {len(row["public_key"]) for row in rows if row["public_key"]} == {32}
    assert shared.secret not in repr(shared)


async def test_rights_that_are_given_replace_the_platforms(
    settings: Settings, database: Database, vault: Vault
) -> None:
    async with database.transaction() as connection:
        for rights in (Rights(["1144"], ["4401"]), Rights(), Rights(None, ["4402"])):
            await issue_key(connection, vault, settings, "乙", rights)
        rows = await connection.fetch("select service_prefixes, region_prefixes from platforms")
    assert [tuple(row) for row in rows] == [(["1144"], ["4402"])]


async def test_a_platform_without_rights_touches_nothing(
    service: httpx.AsyncClient, settings: Settings, database: Database, vault: Vault
) -> None:
    async with database.transaction() as connection:
        key = await issue_key(connection, vault, settings, "丙", Rights())
    usage = await Partner(key).call(service, "GET", "/v1/platform/usage")
    assert usage.json()["service_prefixes"] == []


async def test_every_key_is_on_the_audit_trail(
    settings: Settings, database: Database, vault: Vault
) -> None:
    async with database.transaction() as connection:
        key = await issue_key(connection, vault, settings, "丁", Rights([""], [""]))
        details = await connection.fetchval(
            "select details from audit_entries where action = 'platform.key_issued' "
            "order by entry_id desc limit 1"
        )
    assert json.loads(details)["key_id"] == key.key_id
    assert (key.secret or "") not in details


async def test_the_demonstrations_key_stays_the_same(
    settings: Settings, database: Database, vault: Vault
) -> None:
    async with database.transaction() as connection:
        first = await demonstration_key(connection, vault, settings)
        again = await demonstration_key(connection, vault, settings)
    assert first == again


async def test_the_demonstrations_file_holds_a_key_that_works(
    service: httpx.AsyncClient, settings: Settings
) -> None:
    settings.data_path.mkdir(parents=True, exist_ok=True)
    read = []
    for _ in range(2):
        await write_demonstration(settings, settings.database_url)
        path = demonstration_path(settings)
        assert path.stat().st_mode & 0o777 == 0o600
        read.append(json.loads(path.read_bytes())["platform"])
    assert read[0] == read[1]
    assert read[0].keys() == {"key_id", "algorithm", "secret"}
    partner = Partner(_key(read[0]))
    assert (await partner.call(service, "GET", "/v1/platform/usage")).status_code == 200


def _key(given: dict[str, str]) -> IssuedKey:
    return IssuedKey(given["key_id"], "hmac-sha256", secret=given["secret"])


async def test_the_command_makes_and_revokes_a_key(
    service: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    made = await asyncio.to_thread(_command, settings, tmp_path, "戊", "--services", "1144")
    assert made.returncode == 0, made.stderr
    words = dict(line.split(maxsplit=1) for line in made.stderr.splitlines() if line)
    secret = words["secret"].split()[0]
    partner = Partner(IssuedKey(words["key_id"], "hmac-sha256", secret=secret))
    usage = await partner.call(service, "GET", "/v1/platform/usage")
    assert usage.json()["service_prefixes"] == ["1144"]
    assert usage.json()["region_prefixes"] == []
    revoked = await asyncio.to_thread(
        _command, settings, tmp_path, "戊", "--revoke", words["key_id"]
    )
    assert revoked.returncode == 0
    again = await asyncio.to_thread(_command, settings, tmp_path, "戊", "--revoke", words["key_id"])
    assert again.returncode == 1


def _command(settings: Settings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api", "platform-key", *arguments],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "KEYS_FILE": settings.keys_file,
            "DATA_DIR": str(folder),
            "COLUMNS": "200",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_prefixes_are_read_strictly() -> None:
    assert read_prefixes("--services", None, _SERVICES) is None
    assert read_prefixes("--services", "", _SERVICES) == [""]
    assert read_prefixes("--regions", "4401, 4402", _REGIONS) == ["4401", "4402"]
    for text in ("4401%", "44_1", "4" * 13):
        with pytest.raises(SettingsWrong):
            read_prefixes("--regions", text, _REGIONS)


async def test_old_traces_are_forgotten_and_young_ones_kept(
    settings: Settings, database: Database, partners: None
) -> None:
    partner = await new_partner(settings)
    async with database.connection() as connection:
        await connection.execute(
            "insert into platform_nonces select sha256(n::text::bytea), "
            "now() - make_interval(mins => n * 59) from generate_series(0, 4) n"
        )
        platform_id = await connection.fetchval("select platform_id from platforms")
        await connection.execute(
            "insert into platform_usage select $1, current_date - n * 399, 1 "
            "from generate_series(0, 3) n",
            platform_id,
        )
        await connection.execute(
            "insert into webhooks (webhook_id, platform_id, url, events, secret_sealed) "
            "values ('w', $1, '', '{}', '')",
            platform_id,
        )
        for status in ("pending", "delivered", "dead"):
            await connection.execute(
                "insert into webhook_deliveries (delivery_id, webhook_id, subject, type, body, "
                "status, created_at) select $1 || n, 'w', $1 || n, '', '', $1, "
                "now() - make_interval(days => n) from unnest(array[29, 31, 89, 91]) n",
                status,
            )
    await forget_old(database)()
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from platform_nonces") == 2
        assert await connection.fetchval("select count(*) from platform_usage") == 2
        kept = await connection.fetch("select delivery_id from webhook_deliveries order by 1")
    assert [row[0] for row in kept] == [
        "dead29", "dead31", "dead89", "delivered29",
        "pending29", "pending31", "pending89", "pending91",
    ]  # fmt: skip
    assert partner.key.key_id


async def test_a_key_that_cannot_be_opened_harms_no_other(
    service: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    broken, whole = await new_partner(settings), await new_partner(settings)
    async with database.connection() as connection:
        await connection.execute(
            "update platform_keys set secret_sealed = '\\x00' where key_id = $1",
            broken.key.key_id,
        )
    assert (await broken.call(service, "GET", "/v1/platform/usage")).status_code == 401
    assert (await whole.call(service, "GET", "/v1/platform/usage")).status_code == 200
