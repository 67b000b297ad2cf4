"""Each change of one's own data is one entry on the audit trail, which tells no value."""

from __future__ import annotations

import httpx

from api.database import open_database
from api.settings import Settings
from tests.gateways import SimulatedGateway


async def test_every_change_is_one_entry_without_values(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    open_id = wechat_gateway.citizen(phone="13800005678")
    signed_in = await citizens_client.post(
        "/v1/sessions", json={"channel": "wechat", "code": wechat_gateway.login_code(open_id)}
    )
    citizen_id = signed_in.json()["citizen"]["citizen_id"]
    headers = {"Authorization": f"Bearer {signed_in.json()['token']}"}
    other = alipay_gateway.citizen()
    for method, path, body in (
        ("PATCH", "/v1/me", {"elder_view": True}),
        ("POST", "/v1/me/phone", {"channel": "wechat", "code": wechat_gateway.phone_code(open_id)}),
        (
            "POST",
            "/v1/me/channels",
            {"channel": "alipay", "code": alipay_gateway.login_code(other)},
        ),
        ("DELETE", "/v1/me/channels/alipay", None),
    ):
        answer = await citizens_client.request(method, path, json=body, headers=headers)
        assert answer.is_success, answer.text
    database = await open_database(citizens_settings.database_url, citizens_settings)
    try:
        async with database.connection() as connection:
            rows = await connection.fetch(
                "select action, details from audit_entries where subject = $1 order by entry_id",
                f"citizen:{citizen_id}",
            )
    finally:
        await database.close()
    assert [row["action"] for row in rows] == [
        "citizen.channel_linked",
        "citizen.preferences_changed",
        "citizen.phone_changed",
        "citizen.channel_linked",
        "citizen.channel_unlinked",
    ]
    told = " ".join(row["details"] for row in rows)
    assert "13800005678" not in told
    assert open_id not in told
