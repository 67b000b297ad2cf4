"""Canaries: a name, a number, a phone and an address go through everything, and stay inside.

Afterwards every log, every key of the cache, the metrics, every column of the database and
every stored file is searched: what is personal is nowhere to be read.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis.asyncio as redis
from msgspec import Struct

from api.database import open_connection
from api.settings import Settings
from tests.cases.intake.builders import PDF, RESIDENCE, service_at
from tests.citizens.builders import identity_number
from tests.clerks.builders import clerk_named, headers_of
from tests.flows.people import Place, Visitor, open_number
from tests.standing import Standing

NAME = "金丝雀暗羽"
ADDRESS = "翠鸟巷九十九号羽毛阁"
PAPER = "画眉笺上只有部门能读的话"
COMPLETED = "已办结，请评价"

# Where a value may be read in the database, and why.
MEANT: dict[str, str] = {}

# Of what PostgreSQL and the queue own, rows are other sessions' business.
SCHEMAS = "table_schema not in ('pg_catalog', 'information_schema')"


class Canaries(Struct, frozen=True):
    """What must not be found, by what it is."""

    number: str
    phone: str

    def words(self) -> dict[str, bytes]:
        """As they would stand in a text; JSON may spell Chinese in other ways."""
        plain = {
            "name": NAME,
            "address": ADDRESS,
            "paper": PAPER,
            "number": self.number,
            "phone": self.phone,
        }
        escaped = {
            f"{kind} as JSON": word.encode("unicode_escape").decode()
            for kind, word in plain.items()
            if not word.isascii()
        }
        return {kind: word.encode() for kind, word in {**plain, **escaped}.items()}

    def found_in(self, content: bytes) -> list[str]:
        return [kind for kind, word in self.words().items() if word in content]


@pytest.fixture
async def canaries(place: Place, standing_settings: Settings) -> Canaries:
    """Everything that people, departments and clerks do, with canaries in it."""
    canaries = Canaries(identity_number("19850607"), open_number())
    here = await place.arrive(place.wechat, name=NAME, id_number=canaries.number)
    here.gateway.control("POST", "/citizens", {"open_id": here.open_id, "phone": canaries.phone})
    await here.give_phone()
    await here.show_face(NAME, canaries.number)
    there = await place.also_in(place.alipay, here)
    await there.show_face(NAME, canaries.number)
    case_no = await walk_a_case(place, here, canaries)
    await look_at_it(place, here, case_no, standing_settings)
    await name_others(place, here, there)
    await be_wrong(place, here, canaries)
    await take_at_a_counter(place, canaries)
    return canaries


async def walk_a_case(place: Place, here: Visitor, canaries: Canaries) -> str:
    """A draft, files, a correction, words of the department that name people, the end."""
    code = await service_at(place.client, RESIDENCE)
    paper = await here.uploaded(PDF + PAPER.encode() + canaries.number.encode())
    form = {
        "applicant_name": NAME,
        "id_number": canaries.number,
        "ground": "study",
        "residence_region": "440106000000",
        "address": ADDRESS,
        "resided_since": "2026-01-01",
        "phone": canaries.phone,
    }
    papers = [{"material_id": "m1", "upload_id": paper}, *await here.papers("m2", "m3")]
    begun = await here.apply(code, form, materials=papers, submit=True)
    assert begun.status_code == 201, begun.text
    case_no = str(begun.json()["case_no"])
    department = place.department
    note = f"已联系 {canaries.phone}，证件 {canaries.number}"
    await department.moved(case_no, "accepted", note=note)
    asked = {
        "fields": ["address"],
        "materials": [{"material_id": "m2", "reason": note}],
        "note": note,
    }
    await department.moved(case_no, "correction_requested", note=note, correction=asked)
    mended = {"form": {"address": f"{ADDRESS}二层"}, "materials": await here.papers("m2")}
    assert (await here.post(f"/v1/cases/{case_no}/corrections", mended)).status_code == 200
    await here.progress(case_no)
    await department.moved(case_no, "suspended", reason=note, days=3)
    await department.moved(case_no, "resumed")
    await department.moved(case_no, "completed", note=note, result={"code": "1", "reason": note})
    await here.progress(case_no)
    await here.told(case_no, COMPLETED, "delivered", "accepted")
    withdrawn = (await here.apply(code, form, materials=[])).json()["case_no"]
    await here.get(f"/v1/cases/{withdrawn}")
    return case_no


async def look_at_it(place: Place, here: Visitor, case_no: str, settings: Settings) -> None:
    """A clerk reads the form; the citizen takes everything out."""
    clerk = await clerk_named(settings, f"yu-{here.citizen_id[-10:]}", "handler", "supervisor")
    desk = await headers_of(place.client, clerk)
    path = f"/v1/clerk/cases/{case_no}"
    opened = await place.client.get(path, params={"purpose": "审核材料"}, headers=desk)
    assert NAME in opened.text
    export = await here.get("/v1/me/export")
    assert ADDRESS in export.text
    profile = await here.get("/v1/me")
    assert NAME not in profile.text


async def name_others(place: Place, here: Visitor, there: Visitor) -> None:
    """Authorities show a masked name; an organisation is no person."""
    agent = await place.arrive(place.alipay, name="测试戊")
    until = f"{date.today() + timedelta(days=9)}"
    body = {"agent_id": agent.citizen_id, "scopes": ["progress"], "until": until}
    offered = await here.post("/v1/agents", body)
    assert offered.status_code == 201, offered.text
    listed = await agent.get("/v1/agents")
    assert NAME not in listed.text
    assert (await there.get("/v1/agents")).status_code == 200


async def be_wrong(place: Place, here: Visitor, canaries: Canaries) -> None:
    """Mistakes with canaries in them: no answer says them back."""
    wrong_number = f"{canaries.number[:-1]}{'0' if canaries.number[-1] != '0' else '1'}"
    code = await service_at(place.client, RESIDENCE)
    number, phone = canaries.number, canaries.phone
    answers = [
        await here.post("/v1/me/identity-checks", {"name": NAME, "id_number": wrong_number}),
        await here.post("/v1/me/identity-checks", {"name": NAME, "id_number": number, phone: 1}),
        await here.apply(code, {"address": [NAME], "phone": phone}),
        await here.apply(code, {"applicant_name": NAME, "id_number": f"{number}9"}),
        await here.post("/v1/cases", {"service_code": NAME, "form": {"phone": phone}}, key=phone),
        await here.get(f"/v1/cases/{number}"),
        await here.get(f"/v1/uploads/{phone}"),
        await here.get(f"/v1/services?region={phone}"),
        await here.get("/v1/me", params={"phone": phone, "id_number": number, "name": NAME}),
        await place.client.get(
            "/v1/progress", params={"case_no": number, "query_password": phone[:11]}
        ),
        await place.client.post("/v1/sessions", json={"channel": "wechat", "code": number}),
        await place.client.post(
            "/v1/clerk/sessions", json={"user": "nobody", "password": number, "totp": "123456"}
        ),
        await place.client.post("/v1/sessions", content=f'{{"channel": "{NAME}{number}'.encode()),
        await place.department.push(number, "accepted", note=NAME),
        await place.department.call(
            "POST", "events", {"events": [{"case_no": number, "note": phone, "reason": [NAME]}]}
        ),
    ]
    for answer in answers:
        assert answer.status_code < 500, answer.text
        if answer.status_code >= 400:
            assert canaries.found_in(answer.content) == [], answer.request.url


async def take_at_a_counter(place: Place, canaries: Canaries) -> None:
    code = await service_at(place.client, RESIDENCE)
    applicant = {"name": NAME, "phone": canaries.phone, "id_number": canaries.number}
    await place.department.counter_case(
        code, applicant=applicant, note=f"本人到场 {canaries.number}"
    )


async def test_canaries_are_found_nowhere(
    place: Place, canaries: Canaries, standing_url: str, town_files: Path
) -> None:
    found = {
        **await in_the_database(standing_url, canaries),
        **in_files(
            [*log_files(place.standing), *postgres_logs(await data_of(standing_url))], canaries
        ),
        **in_files([path for path in town_files.rglob("*") if path.is_file()], canaries),
        **await in_the_cache(place.standing, canaries),
        "/metrics": canaries.found_in((await place.client.get("/metrics")).content),
    }
    assert {where: what for where, what in found.items() if what and where not in MEANT} == {}
    assert len(found) > 100


async def test_the_search_finds_what_is_there(
    place: Place, standing_url: str, town_files: Path
) -> None:
    """What is meant to be read is found by the same means, so that silence says something."""
    here = await place.arrive(place.wechat)
    told = Canaries(here.citizen_id, "居住证首次申领")
    code = await service_at(place.client, RESIDENCE)
    case_no = (await here.apply(code)).json()["case_no"]
    await here.progress(case_no)
    database = await in_the_database(standing_url, told)
    assert "number" in database["citizens.citizen_id"]
    assert "phone" in database["cases.service_name"]
    cached = await in_the_cache(place.standing, told)
    assert any("number" in what for what in cached.values())
    assert any(path.stat().st_size for path in log_files(place.standing))


async def in_the_database(url: str, canaries: Canaries) -> dict[str, list[str]]:
    """`table.column` → what stands there; every column of every table, whatever its type."""
    found: dict[str, list[str]] = {}
    async with open_connection(url) as connection:
        columns = await connection.fetch(
            "select table_schema, table_name, column_name, data_type"
            f" from information_schema.columns where {SCHEMAS} order by 1, 2, 3"
        )
        for schema, table, column, kind in columns:
            place = f"{table}.{column}"
            found[place] = [
                label
                for label, word in canaries.words().items()
                if await connection.fetchval(
                    _search(schema, table, column, kind), _sought(kind, word)
                )
            ]
    return found


def _search(schema: str, table: str, column: str, kind: str) -> str:
    within = f'"{column}"' if kind == "bytea" else f'"{column}"::text'
    return f'select exists (select from "{schema}"."{table}" where position($1 in {within}) > 0)'


def _sought(kind: str, word: bytes) -> Any:
    return word if kind == "bytea" else word.decode()


def in_files(paths: list[Path], canaries: Canaries) -> dict[str, list[str]]:
    return {str(path): canaries.found_in(path.read_bytes()) for path in paths}


def log_files(standing: Standing) -> list[Path]:
    """What `up` and everything that it started wrote; the gateways play others."""
    data = standing.demonstration.parent
    logs = [standing.log, *(path for path in data.rglob("*") if re.search(r"\blog", path.name))]
    return [path for path in logs if path.is_file()]


async def data_of(url: str) -> Path:
    async with open_connection(url) as connection:
        return Path(await connection.fetchval("select current_setting('data_directory')"))


def postgres_logs(data: Path) -> list[Path]:
    """The server's own log, where it is on this machine."""
    folders = (data, data.parent, data / "log")
    logs = (path for folder in folders for path in folder.glob("*log*") if path.is_file())
    return [path for path in logs if path.stat().st_size]


async def in_the_cache(standing: Standing, canaries: Canaries) -> dict[str, list[str]]:
    """Every key with its value, whatever its type; that Valkey is the standing service's own."""
    client: Any = redis.Redis(unix_socket_path=socket_of(standing))
    found = {}
    async for key in client.scan_iter(count=1000):
        content = await client.dump(key) or b""
        try:
            content += await client.get(key) or b""
        except redis.ResponseError:
            # Not a text: its dump is all there is.
            content += b""
        found[f"cache {key.decode(errors='replace')}"] = canaries.found_in(key + content)
    await client.aclose()
    return found


def socket_of(standing: Standing) -> str:
    """Where its Valkey listens: the program's title says so."""
    family = psutil.Process(standing.process.pid).children(recursive=True)
    titles = [" ".join(child.cmdline()) for child in family]
    [socket] = {found[1] for title in titles if (found := re.search(r"(/\S+\.sock)\b", title))}
    return socket
