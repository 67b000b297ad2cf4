"""A process that has the service imported and assembled, and forks one on request.

A start from nothing costs seconds, a fork tens of milliseconds, and a run kills hundreds.
What is forked goes through `python -m api`'s own `main`. It reads one `Start` a line on
standard input and writes one `Ended` a line on standard output; when its input ends, or it
dies, its children die with it.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import ssl
import sys
import traceback
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from msgspec import Struct

from api import __main__ as command_line
from api import app
from api.channels import open_sections
from api.embedded import end_with_parent
from api.logs import configure_logs
from api.settings import Settings, load_settings


class Start(Struct, frozen=True):
    """A command of `python -m api` with what its environment says beside the spawner's own."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


class Begun(Struct, frozen=True, tag="begun"):
    """A process runs."""

    name: str
    pid: int


class Ended(Struct, frozen=True, tag="ended"):
    """It does no more; `status` as of `subprocess`: below zero, the signal that ended it."""

    name: str
    pid: int
    status: int


def main() -> None:
    """Fork until the input ends; then end whatever still runs."""
    end_with_parent()
    settings = load_settings()
    _read_ahead(settings)
    service = app.Service(settings)
    gc.freeze()
    names: dict[int, str] = {}
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pending = b""
    while True:
        ready, _, _ = select.select([0, waking], [], [])
        if waking in ready:
            os.read(waking, 4096)
            _reap(names)
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                _start(msgspec.json.decode(line, type=Start), names, service)
    for pid in names:
        os.kill(pid, signal.SIGKILL)


def _read_ahead(settings: Settings) -> None:
    """Keys and authorities' certificates are read once: most of a start, and never its end."""
    slow: tuple[tuple[Any, str], ...] = (
        (serialization, "load_pem_private_key"),
        (ssl, "create_default_context"),
    )
    for module, name in slow:
        setattr(module, name, cache(getattr(module, name)))
    keeper: Any = None
    open_sections(settings, keeper)


def _start(start: Start, names: dict[int, str], service: app.Service) -> None:
    pid = os.fork()
    if pid == 0:
        _become(start, service)
    names[pid] = start.name
    _say(Begun(start.name, pid))


def _reap(names: dict[int, str]) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        _say(Ended(names.pop(pid), pid, os.waitstatus_to_exitcode(status)))


def _become(start: Start, service: app.Service) -> None:
    """In the child: never comes back."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end_with_parent()
        _redirect(start.log)
        os.environ.update(start.environment)
        sys.argv = ["python -m api", *start.arguments]
        _hand_over(service, start.environment)
        status = command_line.main()
    except BaseException:  # noqa: BLE001 (whatever it was, this process must not go on as the parent)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _hand_over(service: app.Service, environment: Mapping[str, str]) -> None:
    """The server finds the assembled service, with this process's own failpoint."""
    own = msgspec.structs.replace(service.settings, failpoint=environment.get("FAILPOINT", ""))
    service.settings = own
    service.litestar.state.settings = own
    open_process = app.open_process

    def create() -> app.Service:
        configure_logs(own)
        return service

    app.create = create
    app.open_process = lambda app, settings: open_process(app, own)


def _redirect(log: str) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(null, 0)
    os.dup2(written, 1)
    os.dup2(written, 2)


def _say(event: Begun | Ended) -> None:
    os.write(1, msgspec.json.encode(event) + b"\n")


if __name__ == "__main__":
    main()
