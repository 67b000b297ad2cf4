"""A file comes in: looked at, scanned, encrypted, kept; unused ones go after a day."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from msgspec import Struct

from api.antivirus import scan
from api.cases.intake import queries
from api.cases.intake.refusals import (
    UploadsTooMany,
    UploadTooDense,
    UploadTypeRefused,
    no_such_upload,
)
from api.cases.intake.rows import UploadRow
from api.cases.intake.schemas import UploadAnswer
from api.database import Database
from api.errors import BadRequest, BodyTooLarge
from api.files import (
    Files,
    FileTooDense,
    MediaTypeRefused,
    inspect_upload,
    lock_content,
    unlock_content,
)
from api.kinds import new_id
from api.settings import Settings
from api.vault import Vault

UNUSED_MOST = 100
FORGET_AT_ONCE = 200

_TABLE, _COLUMN = "uploads", "content_key_sealed"


class Cabinet(Struct, frozen=True):
    """Where files and what is known of them are kept."""

    database: Database
    files: Files
    vault: Vault
    settings: Settings


async def keep_upload(cabinet: Cabinet, citizen_id: str, content: bytes) -> UploadAnswer:
    """Keep a file for a citizen; its type is what its content says.

    Raises BadRequest (empty), BodyTooLarge, UploadTypeRefused, UploadTooDense,
    UploadInfected, AntivirusUnavailable and UploadsTooMany. The file goes to the store
    before its row, without a connection: a crash between them leaves bytes nobody can read.
    """
    media_type = _inspect(content, cabinet.settings.upload_limit_bytes)
    async with cabinet.database.connection() as connection:
        waiting = await queries.count_unused_uploads(connection, citizen_id=citizen_id)
    if (waiting or 0) >= UNUSED_MOST:
        raise UploadsTooMany()
    scanned = await scan(cabinet.settings, content)
    upload_id = new_id()
    # Megabytes: the loop has others to serve meanwhile.
    sha256, key, locked = await asyncio.to_thread(_lock, content)
    stored = await cabinet.files.keep(locked)
    async with cabinet.database.transaction() as connection:
        await queries.add_upload(
            connection,
            upload_id=upload_id,
            citizen_id=citizen_id,
            digest=sha256,
            size_bytes=len(content),
            media_type=media_type,
            scan=scanned,
            stored=stored,
            content_key_sealed=cabinet.vault.seal(key, table=_TABLE, column=_COLUMN, row=upload_id),
        )
    return await find_upload(cabinet, citizen_id, upload_id)


async def find_upload(cabinet: Cabinet, citizen_id: str, upload_id: str) -> UploadAnswer:
    """What is known of the citizen's file. Raises NotFound."""
    return _answer(await _find(cabinet, citizen_id, upload_id))


async def open_upload(
    cabinet: Cabinet, citizen_id: str, upload_id: str
) -> tuple[UploadAnswer, bytes]:
    """The file itself. Raises NotFound, FileMissing and FileDamaged."""
    row = await _find(cabinet, citizen_id, upload_id)
    return _answer(row), await read_content(cabinet, row)


async def read_content(cabinet: Cabinet, row: UploadRow) -> bytes:
    """The content behind a row. Raises FileMissing, FileDamaged and SealBroken."""
    if row.stored is None or row.content_key_sealed is None:
        raise no_such_upload()
    locked = await cabinet.files.read(row.stored)
    key = cabinet.vault.open(
        row.content_key_sealed, table=_TABLE, column=_COLUMN, row=row.upload_id
    )
    return await asyncio.to_thread(unlock_content, key, locked)


def forget_unused(database: Database, files: Files) -> Callable[[], Awaitable[None]]:
    """For the timetable: uploads that no case took within a day, with their files."""

    async def forget_unused_uploads() -> None:
        while True:
            async with database.transaction() as connection:
                gone = await queries.forget_unused_uploads(connection, limit=FORGET_AT_ONCE)
            for file in gone:
                if file.stored:
                    await files.forget(file.stored)
            if len(gone) < FORGET_AT_ONCE:
                return

    return forget_unused_uploads


async def _find(cabinet: Cabinet, citizen_id: str, upload_id: str) -> UploadRow:
    row = await cabinet.database.read(
        lambda c: queries.find_own_upload(c, upload_id=upload_id, citizen_id=citizen_id)
    )
    if row is None:
        raise no_such_upload()
    return row


def _inspect(content: bytes, limit_bytes: int) -> str:
    if not content:
        raise BadRequest("文件是空的。", "The file is empty.")
    if len(content) > limit_bytes:
        raise BodyTooLarge()
    try:
        return inspect_upload(content)
    except MediaTypeRefused:
        raise UploadTypeRefused() from None
    except FileTooDense:
        raise UploadTooDense() from None


def _lock(content: bytes) -> tuple[str, bytes, bytes]:
    return hashlib.sha256(content).hexdigest(), *lock_content(content)


def _answer(row: UploadRow) -> UploadAnswer:
    return UploadAnswer(
        upload_id=row.upload_id,
        sha256=row.sha256,
        size=row.size_bytes,
        media_type=row.media_type,
        scan=row.scan,  # type: ignore[arg-type]
        case_no=row.case_no,
        created_at=row.created_at,
    )
