"""Citizens who are signed in, files to hand in, applications ready to be sent.

Identity numbers are test data: area 999000 is nobody's.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
from msgspec import Struct

from api.kinds import new_id
from api.sessions import open_session

NUMBER = "999000199001010015"
TIANHE = "440106000000"
GUANGZHOU = "440100000000"

BIRTH = "442004001000"
LOST_REPORT = "442001004000"
READER_CARD = "442019001000"
SOCIAL_CARD = "442006002000"
RESIDENCE = "440701009000"
ALLOWANCE = "440503003000"
NO_RECORD = "442001014000"
POLLUTION = "441023001000"
FIRST_CARD = "440701001000"

ANSWERS: dict[str, dict[str, Any]] = {
    BIRTH: {"children": "first", "expected_on": "2027-01-31", "phone": "13800138000"},
    LOST_REPORT: {"lost_on": "2026-11-01", "how": "lost", "phone": "13800138000"},
    READER_CARD: {
        "applicant_name": "王小明",
        "card_kind": "adult",
        "books": 10,
        "phone": "13800138000",
    },
    SOCIAL_CARD: {
        "applicant_name": "王小明",
        "reason": "lost",
        "delivery": "window",
        "phone": "13800138000",
    },
    RESIDENCE: {
        "applicant_name": "王小明",
        "id_number": NUMBER,
        "ground": "study",
        "residence_region": TIANHE,
        "address": "演示路一号",
        "resided_since": "2026-01-01",
        "phone": "13800138000",
    },
    ALLOWANCE: {
        "elder_name": "王老",
        "birth_on": "1940-01-01",
        "relation": "self",
        "phone": "13800138000",
    },
    NO_RECORD: {
        "applicant_name": "王小明",
        "id_number": NUMBER,
        "purpose": "job",
        "phone": "13800138000",
    },
}


class Person(Struct, frozen=True):
    """A citizen with a session, and the client by which they call."""

    citizen_id: str
    client: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.client.get(path, headers=self.headers, **more)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        headers = {**self.headers, **({"Idempotency-Key": key} if key else {})}
        return await self.client.post(path, json=body, headers=headers, **more)

    async def patch(self, path: str, body: Any, *, seen: int | str | None = None) -> httpx.Response:
        headers = {**self.headers, **({"If-Match": f"{seen}"} if seen is not None else {})}
        return await self.client.patch(path, json=body, headers=headers)

    async def delete(self, path: str) -> httpx.Response:
        return await self.client.delete(path, headers=self.headers)

    async def upload(self, content: bytes, name: str = "照片.png") -> httpx.Response:
        return await self.client.post(
            "/v1/uploads",
            files={"file": (name, content, "application/octet-stream")},
            headers=self.headers,
        )

    async def uploaded(self, content: bytes | None = None) -> str:
        """The id of a file that was taken."""
        answer = await self.upload(content if content is not None else png())
        assert answer.status_code == 201, answer.text
        upload_id: str = answer.json()["upload_id"]
        return upload_id

    async def apply(
        self, service_code: str, form: dict[str, Any] | None = None, **more: Any
    ) -> httpx.Response:
        """Begin a case under a key of its own."""
        body = {"service_code": service_code, "form": form or {}, **more}
        return await self.post("/v1/cases", body, key=new_id())


async def sign_in(
    client: httpx.AsyncClient,
    *,
    level: str = "basic",
    name: str | None = None,
    id_number: str | None = None,
    phone: str | None = None,
) -> Person:
    """A new citizen with a session."""
    state = state_of(client)
    citizen_id = new_id()

    def sealed(column: str, value: str | None) -> bytes | None:
        if value is None:
            return None
        found: bytes = state.vault.seal(value, table="citizens", column=column, row=citizen_id)
        return found

    async with state.database.transaction() as connection:
        await connection.execute(
            "insert into citizens (citizen_id, name_sealed, id_number_sealed, phone_sealed,"
            " assurance_level) values ($1, $2, $3, $4, $5)",
            citizen_id,
            sealed("name_sealed", name),
            sealed("id_number_sealed", id_number),
            sealed("phone_sealed", phone),
            level,
        )
        claims = await open_session(connection, kind="citizen", subject=citizen_id, seconds=3600)
    return Person(citizen_id, client, {"Authorization": f"Bearer {state.tokens.sign(claims)}"})


def state_of(client: httpx.AsyncClient) -> Any:
    """What the service behind a client holds."""
    transport: Any = client._transport
    return transport.app.litestar.state


async def service_at(client: httpx.AsyncClient, basic_code: str, region: str = TIANHE) -> str:
    """The service code of an item for a place."""
    answer = await client.get(f"/v1/services/{basic_code}/at/{region}")
    assert answer.status_code == 200, answer.text
    code: str = answer.json()["service_code"]
    return code


def png(width: int = 1, height: int = 1) -> bytes:
    """A picture that says it has that size; only one row of it is there."""
    head = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x00\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", head)
        + _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
        + _chunk(b"IEND", b"")
    )


def jpeg(width: int = 1, height: int = 1) -> bytes:
    """The headers of a picture, as far as its frame."""
    frame = b"\x08" + height.to_bytes(2) + width.to_bytes(2) + b"\x01\x01\x11\x00"
    app = b"\xff\xe0" + (16).to_bytes(2) + b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    return b"\xff\xd8" + app + b"\xff\xc0" + (len(frame) + 2).to_bytes(2) + frame + b"\xff\xd9"


def docx(extra: dict[str, bytes] | None = None) -> bytes:
    """A small document, with other entries in it."""
    target = BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr("word/document.xml", b"<document/>")
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return target.getvalue()


PDF = b"%PDF-1.7\n1 0 obj << >> endobj\ntrailer << >>\n%%EOF\n"


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
