"""The registry: our channels by a line, others' by their entry point, broken ones reported."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters import registry
from adapters.contract import ConfigurationWrong
from tests.adapters.wechat.builders import MemoryTokens, section

Package = Callable[[str, str], None]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A stranger's installed package: a module and what its entry point says."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(name: str, code: str) -> None:
        (tmp_path / f"stranger_{name}.py").write_text(code)
        facts = tmp_path / f"stranger_{name}-1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: stranger-{name}\nVersion: 1")
        (facts / "entry_points.txt").write_text(
            f"[zhangban.channels]\n{name} = stranger_{name}:open_channel\n"
        )
        importlib.invalidate_caches()

    return add


def test_both_our_channels_are_registered() -> None:
    assert list(registry.CHANNELS) == ["wechat", "alipay"]


async def test_a_section_opens_under_its_own_name() -> None:
    given = section(adapter="wechat", title="长者版")
    channel = registry.open_channel("elder", given, MemoryTokens())
    assert (channel.name, channel.title) == ("elder", "长者版")
    await channel.close()


@pytest.mark.parametrize("adapter", ["fax", 5, None])
def test_an_adapter_nobody_has_is_named_with_those_there_are(adapter: object) -> None:
    with pytest.raises(ConfigurationWrong, match="alipay, wechat"):
        registry.open_channel("office", {"adapter": adapter}, MemoryTokens())


def test_a_package_that_cannot_be_loaded_is_reported_and_takes_nothing_with_it(
    package: Package,
) -> None:
    package("lost", "import no_such_module_anywhere")
    package("empty", "open_channel = None")
    assert registry.broken_entries() == {"lost": "ModuleNotFoundError", "empty": "TypeError"}
    with pytest.raises(ConfigurationWrong, match="ModuleNotFoundError"):
        registry.open_channel("lost", {}, MemoryTokens())
    assert {"wechat", "alipay", "lost"} <= set(registry.known_adapters())


def test_a_package_that_fails_while_opening_is_its_channels_fault(package: Package) -> None:
    package("clumsy", "def open_channel(name, config, tokens):\n    raise KeyError('S3CRET')")
    with pytest.raises(ConfigurationWrong) as raised:
        registry.open_channel("clumsy", {}, MemoryTokens())
    assert "KeyError" in str(raised.value)
    assert "S3CRET" not in str(raised.value)


def test_our_own_names_win(package: Package) -> None:
    package("wechat", "def open_channel(name, config, tokens):\n    raise KeyError")
    with pytest.raises(ConfigurationWrong, match="app_id"):
        registry.open_channel("wechat", {}, MemoryTokens())
