"""Where Redis is lost an application still goes its whole way, and is seen at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from api.settings import Settings
from tests.cases.intake.builders import ANSWERS, RESIDENCE, service_at
from tests.conftest import ValkeyServer
from tests.flows.people import Department, Visitor
from tests.gateways import SimulatedGateway
from tests.platforms.builders import new_partner
from tests.town import running


async def test_an_application_goes_its_way_after_redis_was_lost(
    make_settings: Callable[..., Settings],
    town_settings: Settings,
    wechat_gateway: SimulatedGateway,
    valkey_server: ValkeyServer,
    tmp_path: Path,
) -> None:
    (tmp_path / "channels.toml").write_text((wechat_gateway.folder / "wechat.toml").read_text())
    without = make_settings(
        database_url=town_settings.database_url,
        files_url=town_settings.files_url,
        redis_url=valkey_server.url,
        channels_file=str(tmp_path / "channels.toml"),
    )
    async with running(without) as client:
        valkey_server.process.kill()
        here = await arrive(client, wechat_gateway)
        department = Department(client, await new_partner(without))
        code = await service_at(client, RESIDENCE)
        case_no = await here.submitted(code, ANSWERS[RESIDENCE], "m1", "m2", "m3")
        for event in ("accepted", "reviewed", "completed"):
            await department.moved(case_no, event)
            assert (await here.progress(case_no))["status"] == event
        assert (await here.progress(case_no))["label"] == "待评价"
        assert (await here.delete("/v1/sessions/current")).status_code == 204
        assert (await here.get("/v1/me")).status_code == 401


async def arrive(client: httpx.AsyncClient, gateway: SimulatedGateway) -> Visitor:
    open_id = gateway.citizen(agrees=True)
    body = {"channel": gateway.name, "code": gateway.login_code(open_id)}
    answer = await client.post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    session = answer.json()
    return Visitor(
        citizen_id=session["citizen"]["citizen_id"],
        client=client,
        headers={"Authorization": f"Bearer {session['token']}"},
        gateway=gateway,
        open_id=open_id,
    )
