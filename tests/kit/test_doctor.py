"""The doctor says what is wrong and how to mend it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

from api.doctor import Check, draw_checks, examine
from api.settings import Settings


async def look(settings: Settings) -> dict[str, Check]:
    return {check.subject: check for check in await examine(settings)}


async def test_a_good_machine_is_well(settings: Settings) -> None:
    checks = await look(settings)
    wrong = [c for c in checks.values() if c.state == "wrong"]
    assert wrong == []
    assert checks["postgresql"].words == "version 18"
    assert "migrations applied" in checks["schema"].words


async def test_servers_that_do_not_answer_are_named_with_the_mend(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(
        database_url=f"postgresql://postgres@/x?host={tmp_path}",
        redis_url=f"unix://{tmp_path}/nothing.sock",
    )
    checks = await look(settings)
    assert checks["postgresql"].state == "wrong"
    assert "DATABASE_URL" in checks["postgresql"].mend
    assert checks["schema"].state == "wrong"
    assert "migrate" in checks["schema"].mend
    # Without the cache everything is right, only slower.
    assert checks["redis"].state == "warning"


async def test_a_taken_port_is_a_warning(make_settings: Callable[..., Settings]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        checks = await look(make_settings(port=taken.getsockname()[1]))
    assert checks["port"].state == "warning"
    assert "PORT" in checks["port"].mend


async def test_a_key_that_others_can_read_is_wrong(
    make_settings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = make_settings(secret_key="", data_dir=str(tmp_path))
    (tmp_path / "secret_key").write_text("x" * 64)
    (tmp_path / "secret_key").chmod(0o644)
    checks = await look(settings)
    assert checks["secret key"].state == "wrong"
    assert "chmod 600" in checks["secret key"].mend


async def test_embedded_servers_are_well_without_an_address(
    make_settings: Callable[..., Settings],
) -> None:
    checks = await look(make_settings(database_url="", redis_url=""))
    assert checks["postgresql"].state == "well"
    assert checks["redis"].state == "well"


def test_every_check_is_a_row_of_the_table() -> None:
    table = draw_checks([Check("a", "well", "fine"), Check("b", "wrong", "bad", "do this")])
    assert table.row_count == 2
