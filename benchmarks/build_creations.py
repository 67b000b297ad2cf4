"""What the benchmark of payments asks: prebuilt requests, and who pays all of them."""

from __future__ import annotations

import secrets
import time

import msgspec
from msgspec import Struct

from adapters.simulation.keys import KeyRing
from adapters.wechat.signing import MerchantKey, authorization
from adapters.wechat.simulator.account import Account
from api.database import open_connection, open_database
from api.kinds import new_id
from api.sessions import Tokens, open_session
from api.settings import Settings, secret_key
from api.vault import open_vault
from benchmarks.play_gateway import ORDER_PATH

PATH = "/v1/payments"
FEE_FEN = 2000


class Person(Struct, frozen=True):
    """Who pays everything."""

    citizen_id: str
    token: str


async def make_person(settings: Settings) -> Person:
    """Somebody with WeChat, signed in."""
    citizen_id, link_id = new_id(), new_id()
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    try:
        async with database.transaction() as connection:
            await connection.execute("insert into citizens (citizen_id) values ($1)", citizen_id)
            await connection.execute(
                """
                insert into channel_links
                    (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed)
                values ($1, $2, 'wechat', 'benchmark', $3, $4)
                """,
                link_id,
                citizen_id,
                vault.index("o-benchmark", purpose="open_id:wechat"),
                vault.seal(
                    "o-benchmark", table="channel_links", column="open_id_sealed", row=link_id
                ),
            )
            claims = await open_session(
                connection, kind="citizen", subject=citizen_id, seconds=3600
            )
    finally:
        await vault.close()
        await database.close()
    return Person(citizen_id, Tokens(secret_key(settings)).sign(claims))


async def creations(settings: Settings, person: Person, port: int, count: int) -> list[bytes]:
    """So many requests, each with a bill and a key of its own."""
    numbers = [str(10**19 + secrets.randbelow(9 * 10**19)) for _ in range(count)]
    async with open_connection(settings.database_url) as connection:
        await connection.execute(BILLS, numbers, person.citizen_id, FEE_FEN)
    return [_creation(person, port, number) for number in numbers]


BILLS = """
insert into bills (bill_no, origin, citizen_id, case_no, service_code, service_name,
    department_code, region_code, amount_fen, due_on)
select number, 'case', $2, 'B' || number, '11440106DM1GL9LR584440701003000', '居民身份证丢失补领',
    '11440106DM1GL9LR58', '440106000000', $3, current_date + 15
from unnest($1::text[]) as number
"""


def _creation(person: Person, port: int, bill_no: str) -> bytes:
    body = b'{"bill_no":"%b","channel":"wechat"}' % bill_no.encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
        f"Authorization: Bearer {person.token}\r\nIdempotency-Key: {secrets.token_hex(16)}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def orders(keys: KeyRing, port: int, count: int) -> list[bytes]:
    """So many orders as the service would send them."""
    account = Account(keys)
    merchant = MerchantKey(account.merchant_id, account.merchant_serial, keys.rsa("merchant"))
    return [_order(account, merchant, port) for _ in range(count)]


def _order(account: Account, merchant: MerchantKey, port: int) -> bytes:
    body = msgspec.json.encode(
        {
            "appid": account.app_id,
            "mchid": account.merchant_id,
            "description": "居民身份证丢失补领",
            "out_trade_no": new_id(),
            "notify_url": "http://127.0.0.1:1/v1/notices/wechat/payments",
            "amount": {"total": FEE_FEN, "currency": "CNY"},
            "payer": {"openid": "o-benchmark"},
        }
    )
    signed = authorization(
        merchant, "POST", ORDER_PATH, body, timestamp=int(time.time()), nonce=secrets.token_hex(16)
    )
    head = (
        f"POST {ORDER_PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: {signed}\r\n"
        f"Accept: application/json\r\nContent-Type: application/json\r\nUser-Agent: benchmark\r\n"
        f"Wechatpay-Serial: {account.pay_key_ids[0]}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
