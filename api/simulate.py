"""The gateways of the demonstration: WeChat's and Alipay's, played by programs of our own.

They speak the real wire with keys of their own making, in processes of their own beside
the API. Production names real gateways in CHANNELS_FILE, and none of this runs.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from api.settings import Settings

SIMULATED = {"wechat": 101, "alipay": 102}
"""Channel and how far its gateway's port is from the API's."""

_START_SECONDS = 60.0


class NotStarted(Exception):
    """A gateway did not come up; the text says which, and where its lines stand."""


def simulates(settings: Settings) -> bool:
    """Whether the gateways are played here: in the demonstration, unless others are named."""
    return settings.environment == "demonstration" and not settings.channels_file


def gateway_ports(settings: Settings) -> list[int]:
    """The ports the gateways listen on."""
    return [settings.port + offset for offset in SIMULATED.values()]


def gateway_pages(settings: Settings) -> Iterator[tuple[str, str]]:
    """Each gateway's name and its page for a person."""
    if simulates(settings):
        for name, offset in SIMULATED.items():
            yield f"{name} gateway, played", f"http://{settings.host}:{settings.port + offset}/"


def gateways(settings: Settings) -> dict[str, list[str]]:
    """The programs that play the gateways: name → Python's arguments."""
    return {
        f"{name} gateway": [
            "-m",
            f"adapters.{name}.simulator",
            *("--host", settings.host),
            *("--port", str(settings.port + offset)),
            *("--data-dir", str(_folder(settings, name))),
            *("--notify-base", f"http://{settings.host}:{settings.port}"),
        ]
        for name, offset in SIMULATED.items()
    }


def collect_sections(
    settings: Settings, respawn: Callable[[], None], stopped: Callable[[], bool]
) -> None:
    """Wait for the gateways, then write what they say of themselves into the channels file.

    Raises NotStarted after a minute.
    """
    deadline = time.monotonic() + _START_SECONDS
    for name, offset in SIMULATED.items():
        while not _is_up(settings, settings.port + offset):
            if stopped():
                return
            if time.monotonic() > deadline:
                raise NotStarted(f"The {name} gateway did not start; its lines stand above.")
            respawn()
            time.sleep(0.1)
    sections = [(_folder(settings, name) / f"{name}.toml").read_text() for name in SIMULATED]
    _write(settings.channels_path, "\n".join(sections))


def _folder(settings: Settings, name: str) -> Path:
    return settings.data_path / name


def _is_up(settings: Settings, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((settings.host, port)) == 0


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
