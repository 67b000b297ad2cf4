"""Files handed in: told by their content, theirs alone, never larger than they say."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cases.intake.keep_upload import forget_unused
from api.cases.intake.reactions import forget_belongings, give_certificates
from api.database import Database
from api.facts import CitizenErased, CitizensMerged
from api.files import DOCX, JPEG, PDF, PNG, open_files
from api.kinds import new_id
from api.settings import Settings
from tests.cases.intake import builders
from tests.cases.intake.builders import docx, jpeg, png, sign_in, state_of
from tests.town import running


@pytest.mark.parametrize(
    ("content", "media_type"),
    [(builders.PDF, PDF), (png(), PNG), (jpeg(), JPEG), (docx(), DOCX)],
    ids=["pdf", "png", "jpeg", "docx"],
)
async def test_a_file_is_what_its_content_says(
    client: httpx.AsyncClient, content: bytes, media_type: str
) -> None:
    person = await sign_in(client)
    answer = await person.upload(content, "随便.exe")
    assert answer.status_code == 201, answer.text
    upload = answer.json()
    assert (upload["media_type"], upload["size"]) == (media_type, len(content))
    assert upload["sha256"] == hashlib.sha256(content).hexdigest()
    assert (upload["scan"], upload["case_no"]) == ("unscanned", None)
    path = f"/v1/uploads/{upload['upload_id']}"
    assert (await person.get(path)).json() == upload
    back = await person.get(f"{path}/content")
    assert back.content == content
    assert back.headers["content-type"] == media_type
    assert back.headers["content-disposition"].startswith("attachment")
    assert back.headers["cache-control"] == "private, no-cache"


REFUSED: list[tuple[str, bytes, int, str]] = [
    ("a page", b"<html><script>alert(1)</script>", 415, "upload_type_refused"),
    ("a program", b"MZ\x90\x00" + bytes(100), 415, "upload_type_refused"),
    ("nothing", b"", 400, "bad_request"),
    ("a picture that is an archive", png() + docx(), 415, "upload_type_refused"),
    ("a PDF that is an archive", builders.PDF + docx(), 415, "upload_type_refused"),
    ("a picture that is a PDF", jpeg() + builders.PDF, 415, "upload_type_refused"),
    (
        "a document that is a PDF",
        docx({"a.txt": b""})[:30] + builders.PDF,
        415,
        "upload_type_refused",
    ),
    ("a document with macros", docx({"word/vbaProject.bin": b"x"}), 415, "upload_type_refused"),
    ("half a picture", jpeg()[:12], 415, "upload_type_refused"),
    ("a picture without size", png(0, 5), 415, "upload_type_refused"),
    ("a bomb of zeros", docx({"word/media/a.bin": bytes(5_000_000)}), 413, "upload_too_dense"),
    ("a bomb of pixels", png(60_000, 60_000), 413, "upload_too_dense"),
    ("a bomb of jpeg pixels", jpeg(65_000, 65_000), 413, "upload_too_dense"),
]


@pytest.mark.parametrize(
    ("content", "status", "code"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
async def test_what_is_no_paper_is_refused(
    client: httpx.AsyncClient, content: bytes, status: int, code: str
) -> None:
    person = await sign_in(client)
    answer = await person.upload(content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_file_over_the_limit_is_refused(
    town_settings: Settings, make_settings: Callable[..., Settings]
) -> None:
    small = make_settings(
        database_url=town_settings.database_url,
        files_url=town_settings.files_url,
        upload_limit_bytes=2048,
    )
    async with running(small) as client:
        person = await sign_in(client)
        for size in (2049, 300_000):
            content = builders.PDF + bytes(size - len(builders.PDF))
            assert (await person.upload(content)).status_code == 413
        whole = builders.PDF + bytes(2048 - len(builders.PDF))
        assert (await person.upload(whole)).status_code == 201


async def test_only_one_file_in_one_field_is_taken(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    for files in (
        {"other": ("a.png", png(), "image/png")},
        {"file": ("a.png", png(), "image/png"), "more": ("b.png", png(), "image/png")},
    ):
        answer = await client.post("/v1/uploads", files=files, headers=person.headers)
        assert answer.status_code == 400, answer.text
    plain = await person.post("/v1/uploads", {"file": "x"})
    assert plain.status_code == 415
    text = await client.post("/v1/uploads", data={"file": "text"}, headers=person.headers)
    assert text.status_code == 415
    broken = await client.post(
        "/v1/uploads",
        content=b"--x\r\nnot multipart",
        headers={**person.headers, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert broken.status_code == 400


async def test_somebody_elses_file_is_not_there(client: httpx.AsyncClient) -> None:
    owner, other = await sign_in(client), await sign_in(client)
    upload_id = await owner.uploaded()
    for path in ("", "/content"):
        foreign = await other.get(f"/v1/uploads/{upload_id}{path}")
        missing = await other.get(f"/v1/uploads/{new_id()}{path}")
        assert foreign.status_code == missing.status_code == 404
        assert same_words(foreign) == same_words(missing)
    assert (await client.get(f"/v1/uploads/{upload_id}")).status_code == 401


async def test_the_store_holds_nothing_that_can_be_read(
    client: httpx.AsyncClient, town_files: Path
) -> None:
    person = await sign_in(client)
    secret = b"only for the department 0123456789"
    await person.uploaded(builders.PDF + secret)
    kept = [path for path in town_files.rglob("*") if path.is_file()]
    assert kept
    assert not any(secret in path.read_bytes() for path in kept)


async def test_an_unused_file_is_forgotten_after_a_day(
    client: httpx.AsyncClient, town_settings: Settings
) -> None:
    person = await sign_in(client)
    state = state_of(client)
    old, young = await person.uploaded(), await person.uploaded()
    async with state.database.transaction() as connection:
        await connection.execute(
            "update uploads set created_at = now() - interval '25 hours' where upload_id = $1", old
        )
        stored = await connection.fetchval("select stored from uploads where upload_id = $1", old)
    files = open_files(town_settings.files_address)
    assert await files.exists(stored)
    await forget_unused(state.database, files)()
    assert (await person.get(f"/v1/uploads/{old}")).status_code == 404
    assert (await person.get(f"/v1/uploads/{young}/content")).status_code == 200
    assert not await files.exists(stored)


async def test_files_and_certificates_follow_their_citizen(
    client: httpx.AsyncClient, town_settings: Settings
) -> None:
    gone, kept = await sign_in(client), await sign_in(client)
    state = state_of(client)
    files = open_files(town_settings.files_address)
    certificate_id, upload_id = new_id(), await kept.uploaded()
    async with state.database.transaction() as connection:
        await connection.execute(
            "insert into known_certificates (certificate_id, citizen_id, type, issued_by)"
            " values ($1, $2, '居住证', 'platform:test')",
            certificate_id,
            gone.citizen_id,
        )
        stored = await connection.fetchval(
            "select stored from uploads where upload_id = $1", upload_id
        )
    merged = CitizensMerged(kept=kept.citizen_id, gone=gone.citizen_id)
    await give_certificates(state.database)(merged)
    assert await holder(state.database, certificate_id) == kept.citizen_id
    for _ in range(2):
        await forget_belongings(state.database, files)(CitizenErased(citizen_id=kept.citizen_id))
    assert await holder(state.database, certificate_id) is None
    assert (await kept.get(f"/v1/uploads/{upload_id}")).status_code == 404
    assert not await files.exists(stored)


async def holder(database: Database, certificate_id: str) -> str | None:
    async with database.connection() as connection:
        found: str | None = await connection.fetchval(
            "select citizen_id from known_certificates where certificate_id = $1", certificate_id
        )
    return found


async def test_nobody_hoards_files(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    async with state_of(client).database.transaction() as connection:
        await connection.execute(
            "insert into uploads (upload_id, citizen_id, sha256, size_bytes, media_type, scan)"
            " select md5(random()::text || n), $1, '', 1, '', 'unscanned'"
            " from generate_series(1, 100) n",
            person.citizen_id,
        )
    answer = await person.upload(png())
    assert (answer.status_code, answer.json()["code"]) == (409, "uploads_too_many")


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (b"stream: OK\0", 201, "clean"),
        (b"stream: Eicar-Test-Signature FOUND\0", 422, "upload_infected"),
        (b"INSTREAM size limit exceeded. ERROR\0", 503, "antivirus_unavailable"),
        (b"", 503, "antivirus_unavailable"),
    ],
)
async def test_the_scanner_has_the_last_word(
    town_settings: Settings,
    make_settings: Callable[..., Settings],
    reply: bytes,
    status: int,
    code: str,
) -> None:
    heard: list[bytes] = []
    async with (
        scanner(reply, heard) as address,
        scanned_by(address, town_settings, make_settings) as client,
    ):
        answer = await (await sign_in(client)).upload(png())
    assert answer.status_code == status
    assert answer.json()["scan" if status == 201 else "code"] == code
    assert heard == [png()]


async def test_a_scanner_that_is_away_lets_nothing_in(
    town_settings: Settings, make_settings: Callable[..., Settings]
) -> None:
    async with scanned_by("127.0.0.1:1", town_settings, make_settings) as client:
        answer = await (await sign_in(client)).upload(png())
    assert (answer.status_code, answer.json()["code"]) == (503, "antivirus_unavailable")
    assert answer.headers["retry-after"]


@asynccontextmanager
async def scanned_by(
    address: str, town_settings: Settings, make_settings: Callable[..., Settings]
) -> AsyncIterator[httpx.AsyncClient]:
    settings = make_settings(
        database_url=town_settings.database_url,
        files_url=town_settings.files_url,
        antivirus_address=address,
    )
    async with running(settings) as client:
        yield client


@asynccontextmanager
async def scanner(reply: bytes, heard: list[bytes]) -> AsyncIterator[str]:
    """clamd's side of INSTREAM, as its manual page describes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(10) == b"zINSTREAM\0"
        content = b""
        while size := int.from_bytes(await reader.readexactly(4)):
            content += await reader.readexactly(size)
        heard.append(content)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def same_words(answer: httpx.Response) -> Any:
    return {k: v for k, v in answer.json().items() if k != "request_id"}
