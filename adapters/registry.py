"""Every channel we speak: a folder, a line. Third parties add theirs by an entry point.

A package declares, in the group `zhangban.channels`, a name and its `open_channel`
(contract.OpenChannel). Our own names win. A package that cannot be loaded takes nothing
else with it: what is wrong with it is said when its channel is asked for, and by
`broken_entries`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from adapters import alipay, wechat
from adapters.contract import Channel, ConfigurationWrong, OpenChannel, TokenKeeper

CHANNELS: dict[str, OpenChannel] = {
    "wechat": wechat.open_channel,
    "alipay": alipay.open_channel,
}

GROUP = "zhangban.channels"


def open_channel(name: str, section: Mapping[str, Any], tokens: TokenKeeper) -> Channel:
    """Open the channel of one section of the channels file.

    The section's `adapter` says which adapter it is for, where that is not the section's
    own name: a second application of the same channel. Raises ConfigurationWrong.
    """
    given = dict(section)
    adapter = given.pop("adapter", name)
    opener = CHANNELS.get(adapter) if isinstance(adapter, str) else None
    if opener is None:
        opener = _load_entry(name, str(adapter))
    try:
        return opener(name, given, tokens)
    except ConfigurationWrong:
        raise
    except Exception as error:
        if adapter in CHANNELS:
            raise
        # A stranger's package: its fault is its channel's, not the service's.
        raise ConfigurationWrong(f"[{name}]: {adapter} fails with {_class(error)}") from error


def broken_entries() -> dict[str, str]:
    """Packages of others that cannot be loaded, each with the class of its error."""
    broken: dict[str, str] = {}
    for entry in entry_points(group=GROUP):
        try:
            _load(entry)
        except Exception as error:  # noqa: BLE001 (any error of a stranger's package is a finding)
            broken[entry.name] = _class(error)
    return broken


def known_adapters() -> tuple[str, ...]:
    """Every adapter that a section may name, ours and others'."""
    others = {entry.name for entry in entry_points(group=GROUP)}
    return tuple(sorted(CHANNELS.keys() | others))


def _load_entry(name: str, adapter: str) -> OpenChannel:
    found = entry_points(group=GROUP, name=adapter)
    if not found:
        known = ", ".join(known_adapters())
        raise ConfigurationWrong(f"[{name}]: there is no adapter for it; there are {known}")
    try:
        return _load(next(iter(found)))
    except Exception as error:
        raise ConfigurationWrong(
            f"[{name}]: the package of {adapter} cannot be loaded: {_class(error)}"
        ) from error


def _load(entry: EntryPoint) -> OpenChannel:
    opener: Callable[..., Channel] = entry.load()
    if not callable(opener):
        raise TypeError("not callable")
    return opener


def _class(error: BaseException) -> str:
    return type(error).__name__
