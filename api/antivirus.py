"""Uploads are shown to a virus scanner: clamd, by its INSTREAM command over TCP.

`ANTIVIRUS_ADDRESS` names it. Without one an upload is kept as `unscanned`, and says so.
With one that does not answer nothing is kept: what could not be looked at is not let in.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Literal

import structlog

from api.errors import Overloaded, Problem
from api.logs import describe_error
from api.settings import Settings

log = structlog.get_logger()

SCAN_SECONDS = 4.0
_CHUNK_BYTES = 64 * 1024
_ANSWER_BYTES = 1024

Scan = Literal["clean", "unscanned"]


class UploadInfected(Problem):
    """文件未通过安全检查，请检查设备后换一个文件。"""

    status = 422
    code = "upload_infected"
    title = "文件不安全"
    english_title = "Infected file"
    english = "The file did not pass the virus scan. Please check your device."


class AntivirusUnavailable(Overloaded):
    """文件安全检查暂时不可用，请稍后再传。"""

    code = "antivirus_unavailable"
    title = "安全检查不可用"
    english_title = "Virus scan unavailable"
    english = "The virus scan is not available right now. Please try again shortly."


async def scan(settings: Settings, content: bytes) -> Scan:
    """What the scanner says. Raises UploadInfected and AntivirusUnavailable."""
    if not settings.antivirus_address:
        return "unscanned"
    host, _, port = settings.antivirus_address.rpartition(":")
    try:
        async with asyncio.timeout(SCAN_SECONDS):
            answer = await _ask(host.strip("[]"), int(port), content)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError) as error:
        log.warning("antivirus_unavailable", **describe_error(error))
        raise AntivirusUnavailable(headers={"Retry-After": "5"}) from None
    if answer.endswith(b" FOUND"):
        raise UploadInfected()
    # "INSTREAM size limit exceeded" and the like: it has not looked at all of it.
    if not answer.endswith(b": OK"):
        log.warning("antivirus_refused", words=answer[:40].decode("ascii", "replace"))
        raise AntivirusUnavailable(headers={"Retry-After": "5"})
    return "clean"


async def _ask(host: str, port: int, content: bytes) -> bytes:
    """clamd's line, without the NUL that ends it."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        with suppress(ConnectionError):
            # A scanner that has heard enough answers and hangs up: its answer counts.
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(content), _CHUNK_BYTES):
                chunk = content[start : start + _CHUNK_BYTES]
                writer.write(len(chunk).to_bytes(4) + chunk)
                await writer.drain()
            writer.write(bytes(4))
            await writer.drain()
        answer = await reader.read(_ANSWER_BYTES)
        return answer.rstrip(b"\0\n")
    finally:
        writer.close()
