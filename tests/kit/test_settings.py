"""Settings: every variable read strictly, production refusing what is not safe."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from api.settings import Settings, SettingsWrong, draw_example, load_settings, secret_key

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://db/zhangban",
    "SECRET_KEY": "x" * 32,
    "PUBLIC_URL": "https://city.example",
}


def test_without_variables_the_defaults_hold() -> None:
    assert load_settings({}) == Settings()


def test_a_variable_is_read_as_its_type() -> None:
    read = load_settings({"PORT": "9000", "DOCS_ENABLED": "false", "BODY_SECONDS": "1.5"})
    assert (read.port, read.docs_enabled, read.body_seconds) == (9000, False, 1.5)


def test_an_empty_variable_is_the_default() -> None:
    assert load_settings({"PORT": ""}).port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "http"), ("PORT", "70000"), ("LOG_LEVEL", "loud"), ("IN_FLIGHT_LIMIT", "0")],
)
def test_a_wrong_value_names_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsWrong, match=f"^{name}: "):
        load_settings({name: value})


def test_production_takes_a_whole_configuration() -> None:
    assert load_settings(PRODUCTION).public_address == "https://city.example"


@pytest.mark.parametrize("missing", ["DATABASE_URL", "SECRET_KEY", "PUBLIC_URL"])
def test_production_says_what_is_missing(missing: str) -> None:
    with pytest.raises(SettingsWrong, match=missing):
        load_settings({name: value for name, value in PRODUCTION.items() if name != missing})


def test_production_refuses_a_short_key() -> None:
    with pytest.raises(SettingsWrong, match="SECRET_KEY"):
        load_settings({**PRODUCTION, "SECRET_KEY": "short"})


def test_a_key_is_made_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path / "data"))
    key = secret_key(settings)
    assert len(key) >= 32
    assert secret_key(settings) == key
    mode = (tmp_path / "data" / "secret_key").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_example_names_every_variable_with_its_default() -> None:
    example = draw_example()
    for field in Settings.__struct_fields__:
        assert f"\n{field.upper()}=" in example
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    assert load_settings(dict(line.split("=", 1) for line in lines)) == Settings()
