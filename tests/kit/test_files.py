"""What the file store promises, on a real folder and in memory."""

from __future__ import annotations

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from api.files import (
    DOCX,
    JPEG,
    PDF,
    PNG,
    FileDamaged,
    FileMissing,
    Files,
    FileTooDense,
    MediaTypeRefused,
    inspect_upload,
    lock_content,
    open_files,
    sniff_media_type,
    unlock_content,
)

ABSENT = hashlib.sha256(b"absent").hexdigest()


@pytest.fixture(params=["folder", "memory"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    if request.param == "folder":
        return open_files((tmp_path / "not yet there").as_uri())
    return open_files("memory:///")


def kept_path(folder: Path, sha256: str) -> Path:
    return folder / sha256[:2] / sha256[2:4] / sha256


async def drain(files: Files, sha256: str) -> list[bytes]:
    return [chunk async for chunk in files.stream(sha256)]


async def test_a_kept_file_is_named_by_its_hash_and_read_back(files: Files) -> None:
    content = "申请表".encode()
    sha256 = await files.keep(content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert await files.read(sha256) == content
    assert await files.exists(sha256)


async def test_keeping_twice_leaves_one_file_untouched(tmp_path: Path) -> None:
    files = open_files(tmp_path.as_uri())
    sha256 = await files.keep(b"form")
    before = kept_path(tmp_path, sha256).stat()
    assert await files.keep(b"form") == sha256
    after = kept_path(tmp_path, sha256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


async def test_an_empty_file_is_kept_too(files: Files) -> None:
    sha256 = await files.keep(b"")
    assert await files.read(sha256) == b""
    assert b"".join(await drain(files, sha256)) == b""


async def test_a_large_file_is_streamed_in_order(files: Files) -> None:
    content = bytes(range(256)) * 12_000
    sha256 = await files.keep(content)
    chunks = await drain(files, sha256)
    assert b"".join(chunks) == content


async def test_an_absent_file_is_missing(files: Files) -> None:
    assert not await files.exists(ABSENT)
    with pytest.raises(FileMissing):
        await files.read(ABSENT)
    with pytest.raises(FileMissing):
        await drain(files, ABSENT)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", ABSENT.upper(), ABSENT + "\n", "ab/" * 9])
async def test_a_name_that_is_no_hash_never_becomes_a_path(files: Files, name: str) -> None:
    assert not await files.exists(name)
    with pytest.raises(FileMissing):
        await files.read(name)


async def test_a_flipped_byte_is_never_handed_out(tmp_path: Path) -> None:
    files = open_files(tmp_path.as_uri())
    content = b"x" * 700_000
    sha256 = await files.keep(content)
    kept_path(tmp_path, sha256).write_bytes(b"y" + content[1:])
    with pytest.raises(FileDamaged):
        await files.read(sha256)
    received = bytearray()
    with pytest.raises(FileDamaged):
        async for chunk in files.stream(sha256):
            received += chunk
    assert len(received) < len(content)


async def test_a_torn_file_is_repaired_by_keeping_it_again(tmp_path: Path) -> None:
    files = open_files(tmp_path.as_uri())
    sha256 = await files.keep(b"whole form")
    kept_path(tmp_path, sha256).write_bytes(b"whole")
    await files.keep(b"whole form")
    assert await files.read(sha256) == b"whole form"


async def test_files_outlive_the_process_that_kept_them(tmp_path: Path) -> None:
    sha256 = await open_files(tmp_path.as_uri()).keep(b"form")
    assert await open_files(tmp_path.as_uri()).read(sha256) == b"form"


@pytest.mark.parametrize(
    "url", ["", "/tmp/x", "file:///", "file://host/x", "http://x/y", "s3:///x"]
)
def test_an_unknown_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="files are kept at"):
        open_files(url)


def test_a_bucket_is_opened_without_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    assert isinstance(open_files("s3://materials/forms"), Files)


def archive(*names: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as writer:
        for name in names:
            writer.writestr(name, b"<x/>")
    return target.getvalue()


PLAIN = ("[Content_Types].xml", "word/document.xml")


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.4\n...", PDF),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR....", PNG),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", JPEG),
        (archive(*PLAIN), DOCX),
    ],
)
def test_a_media_type_is_told_by_content(content: bytes, media_type: str) -> None:
    assert sniff_media_type(content) == media_type


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00",
        b"<html>%PDF-1.4",
        b"\x89PNG",
        b"PK\x03\x04 broken",
        archive("xl/workbook.xml"),
        archive(*PLAIN, "word/vbaProject.bin"),
        b"#!/bin/sh\n" + archive(*PLAIN),
    ],
)
def test_other_content_is_refused(content: bytes) -> None:
    with pytest.raises(MediaTypeRefused):
        sniff_media_type(content)


def test_locked_content_opens_with_its_own_key_alone() -> None:
    key, locked = lock_content(b"content")
    other, again = lock_content(b"content")
    assert unlock_content(key, locked) == b"content"
    assert (key, locked) != (other, again)
    assert b"content" not in locked
    for wrong_key, wrong in ((other, locked), (key, locked[:-1] + b"\0"), (key, b"short")):
        with pytest.raises(FileDamaged):
            unlock_content(wrong_key, wrong)


async def test_a_forgotten_file_is_gone_and_forgetting_again_is_no_fault(files: Files) -> None:
    sha256 = await files.keep(b"soon gone")
    await files.forget(sha256)
    await files.forget(sha256)
    assert not await files.exists(sha256)


def test_an_archive_that_shares_its_bytes_is_refused() -> None:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("word/document.xml", b"x" * 1000)
        first = archive.infolist()[1]
        # A second entry of the directory names the same bytes again.
        for number in range(5):
            copy = zipfile.ZipInfo(f"word/{number}.xml")
            copy.file_size, copy.compress_size = first.file_size, first.compress_size
            copy.CRC, copy.header_offset = first.CRC, first.header_offset
            archive.filelist.append(copy)
            archive.NameToInfo[copy.filename] = copy
    with pytest.raises(FileTooDense):
        inspect_upload(target.getvalue())
