"""Files kept by their content: blank forms, samples, materials that people hand in.

A file's name is the SHA-256 of its bytes (64 lower-case hex digits), so keeping
the same bytes twice keeps them once, and nobody can replace a form under a known
name. Kept in a local folder (`file:///abs/dir`), an S3-compatible bucket
(`s3://bucket/prefix`) or memory (`memory:///`, for tests). What the store itself
reports (`obstore.exceptions.BaseError`, `OSError`) is passed on as it is.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

PDF: Final = "application/pdf"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"

FILE_ENDINGS: Final[dict[str, str]] = {PDF: ".pdf", DOCX: ".docx", PNG: ".png", JPEG: ".jpg"}

_SHA256 = re.compile(r"\A[0-9a-f]{64}\Z")
_CHUNK_BYTES = 256 * 1024
_ZIP_ENTRIES_MOST = 2000
_UNPACKED_BYTES_MOST = 200 * 1024 * 1024
_UNPACKED_TIMES_MOST = 200
_PIXELS_MOST = 100_000_000
# Where readers of the other formats look for their beginning and for their directory.
_HEAD_BYTES = 1024
_TAIL_BYTES = 66 * 1024
# Start of frame of every JPEG process; the others among these numbers are tables.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NONCE_BYTES = 12
_STORE_TIMEOUT = timedelta(seconds=5)
_STORE_RETRIES_MOST = 2


class FileMissing(Exception):
    """No file is kept under this name."""


class FileDamaged(Exception):
    """What the store gave back is not what was kept under this name."""


class MediaTypeRefused(Exception):
    """The content is none of PDF, DOCX, PNG and JPEG, or two of them at once."""


class FileTooDense(Exception):
    """Small to send, huge to open: an archive or a picture made to fill somebody's memory."""


class Files:
    """A content-addressed store; open one with `open_files`."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def keep(self, content: bytes) -> str:
        """Keep the bytes and answer their SHA-256; keeping them again changes nothing.

        Bytes of another length under the name (a torn write of an older store) are
        replaced; the check is by length because reading all back would cost as much
        as writing.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        if await self._size_bytes(sha256) != len(content):
            await self._store.put_async(_path(sha256), content)
        return sha256

    async def read(self, sha256: str) -> bytes:
        """Give the whole file; raises `FileMissing`, or `FileDamaged` if its hash is wrong.

        The hash is proved on every read: it costs under a millisecond a megabyte, and
        the alternative is handing somebody a silently wrong form or evidence.
        """
        try:
            result = await self._store.get_async(_path(sha256))
        except FileNotFoundError as error:
            raise FileMissing(sha256) from error
        content = bytes(await result.bytes_async())
        if hashlib.sha256(content).hexdigest() != sha256:
            raise FileDamaged(sha256)
        return content

    async def stream(self, sha256: str) -> AsyncIterator[bytes]:
        """Give the file in chunks of about 256 KiB; raises as `read` does.

        The last chunk is held back until the hash is proved, so a damaged file ends
        as a broken transfer and never as a complete wrong one.
        """
        try:
            result = await self._store.get_async(_path(sha256))
        except FileNotFoundError as error:
            raise FileMissing(sha256) from error
        proof, held_back = hashlib.sha256(), b""
        async for chunk in result.stream(min_chunk_size=_CHUNK_BYTES):
            proof.update(chunk)
            if held_back:
                yield held_back
            held_back = bytes(chunk)
        if proof.hexdigest() != sha256:
            raise FileDamaged(sha256)
        if held_back:
            yield held_back

    async def exists(self, sha256: str) -> bool:
        """Whether something is kept under this name; its content is not proved."""
        return await self._size_bytes(sha256) is not None

    async def forget(self, sha256: str) -> None:
        """Delete the file; one that is not there is no fault."""
        with suppress(FileNotFoundError):
            await self._store.delete_async(_path(sha256))

    async def _size_bytes(self, sha256: str) -> int | None:
        try:
            meta = await self._store.head_async(_path(sha256))
        except (FileNotFoundError, FileMissing):
            return None
        return meta["size"]


def open_files(url: str) -> Files:
    """Open the store at `file:///abs/dir` (made if absent), `s3://…` or `memory:///`.

    S3 credentials, endpoint and region come from the usual `AWS_…` variables.
    Raises `ValueError` for any other address.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and len(parts.path) > 1:
        return Files(LocalStore(Path(unquote(parts.path)), mkdir=True))
    if parts.scheme == "s3" and parts.netloc:
        return Files(
            S3Store.from_url(
                url,
                client_options={"timeout": _STORE_TIMEOUT},
                retry_config={
                    "max_retries": _STORE_RETRIES_MOST,
                    "retry_timeout": _STORE_TIMEOUT,
                },
            )
        )
    if parts.scheme == "memory":
        return Files(MemoryStore())
    raise ValueError("files are kept at file:///abs/dir, s3://bucket/prefix or memory:///")


def sniff_media_type(content: bytes) -> str:
    """Tell PDF, DOCX, PNG or JPEG by their first bytes; raises `MediaTypeRefused` otherwise.

    The name and the declared type of an upload are the sender's word; this is the
    content's. A file that starts as something else (a polyglot) and a DOCX that
    carries macros are refused.
    """
    if content.startswith(b"%PDF-"):
        return PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return PNG
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"PK\x03\x04") and _is_plain_docx(content):
        return DOCX
    raise MediaTypeRefused


def lock_content(content: bytes) -> tuple[bytes, bytes]:
    """A fresh key and the content encrypted under it (AES-256-GCM): nonce, ciphertext, tag.

    The key is used once, so the store holds nothing that can be read without the database,
    and no two uploads share a file that one of them might take away.
    """
    key, nonce = AESGCM.generate_key(256), secrets.token_bytes(_NONCE_BYTES)
    return key, nonce + AESGCM(key).encrypt(nonce, content, None)


def unlock_content(key: bytes, locked: bytes) -> bytes:
    """The content again; raises `FileDamaged` where it is not what the key locked."""
    try:
        return AESGCM(key).decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], None)
    except (InvalidTag, ValueError):
        raise FileDamaged from None


def inspect_upload(content: bytes) -> str:
    """The media type of what a stranger sends. Raises `MediaTypeRefused` and `FileTooDense`.

    On top of `sniff_media_type`: nothing may be two kinds at once (a PDF is searched for in
    the first kilobyte, an archive's directory at the end), and what it takes to open it is
    read from its own headers, without opening it.
    """
    media_type = sniff_media_type(content)
    if media_type != PDF and b"%PDF-" in content[:_HEAD_BYTES]:
        raise MediaTypeRefused
    if media_type != DOCX and b"PK\x05\x06" in content[-_TAIL_BYTES:]:
        raise MediaTypeRefused
    if media_type == DOCX:
        _check_archive(content)
    elif media_type in (PNG, JPEG):
        width, height = _png_size(content) if media_type == PNG else _jpeg_size(content)
        if width * height > _PIXELS_MOST:
            raise FileTooDense
        if not width * height:
            raise MediaTypeRefused
    return media_type


def _check_archive(content: bytes) -> None:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries = archive.infolist()
    unpacked, packed = sum(e.file_size for e in entries), sum(e.compress_size for e in entries)
    # Entries that share bytes say together more than the file has.
    if packed > len(content) or unpacked > _UNPACKED_BYTES_MOST:
        raise FileTooDense
    if unpacked > _UNPACKED_TIMES_MOST * max(packed, 1):
        raise FileTooDense


def _png_size(content: bytes) -> tuple[int, int]:
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """From the first frame header (ITU-T T.81 B.2.2); raises `MediaTypeRefused` without one."""
    place = 2
    while place + 9 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        if marker in _FRAMES:
            height = int.from_bytes(content[place + 5 : place + 7])
            return int.from_bytes(content[place + 7 : place + 9]), height
        if marker in (0xD9, 0xDA):
            break
        place += 2 + max(2, int.from_bytes(content[place + 2 : place + 4]))
    raise MediaTypeRefused


def _is_plain_docx(content: bytes) -> bool:
    # Only the directory is read: nothing is unpacked, so a zip bomb costs nothing.
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError):
        return False
    if len(names) > _ZIP_ENTRIES_MOST or any(name.endswith("vbaProject.bin") for name in names):
        return False
    return {"[Content_Types].xml", "word/document.xml"} <= names


def _path(sha256: str) -> str:
    # Two levels of folders keep local directories small; the pattern keeps paths inside.
    if not _SHA256.match(sha256):
        raise FileMissing(sha256)
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
