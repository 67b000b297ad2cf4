"""A merchant of WeChat Pay with keys of its own, open payments, and notices that they are paid."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from msgspec import Struct

from adapters.wechat.signing import seal_resource
from api import ledger
from api.database import CHINA, open_connection
from api.kinds import new_id
from api.payments.reports.keep_books import Debt, assessed
from api.statements import Connection

APP_ID, MERCHANT_ID = "wx0000000000000001", "1900000001"
KEY_ID = "PUB_KEY_ID_0119000000012026112200000000000001"
APIV3_KEY = "0123456789abcdef0123456789abcdef"
DEPARTMENT, BASIS = "11440100007482151D", "10300"
AMOUNT_FEN = 2000
CHUNK = 500


class Ground(Struct, frozen=True):
    """What the benchmark stands on; `key` is WeChat's own, whose public half we know."""

    database_url: str
    channels_file: Path
    key: rsa.RSAPrivateKey

    @staticmethod
    def make(folder: Path, database_url: str) -> Ground:
        """Keys and the channels file; the address for calls is nobody's."""
        theirs, ours = (rsa.generate_private_key(65537, 2048) for _ in range(2))
        private = ours.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        public = theirs.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        (folder / "ours.pem").write_bytes(private)
        (folder / "theirs.pem").write_bytes(public)
        channels_file = folder / "channels.toml"
        channels_file.write_text(
            f"""[wechat]
app_id = "{APP_ID}"
app_secret = "0123456789abcdef"
api_url = "http://127.0.0.1:9"
pay_url = "http://127.0.0.1:9"
[wechat.merchant]
merchant_id = "{MERCHANT_ID}"
merchant_serial = "0123456789ABCDEF"
private_key = "{folder / "ours.pem"}"
apiv3_key = "{APIV3_KEY}"
platform_keys = {{ "{KEY_ID}" = "{folder / "theirs.pem"}" }}
"""
        )
        return Ground(database_url, channels_file, theirs)


async def plant_payments(database_url: str, count: int) -> list[str]:
    """So many bills with an open payment each, assessed in the ledger; gives their numbers."""
    numbers = [new_id() for _ in range(count)]
    bills = [str(10**19 + secrets.randbelow(9 * 10**19)) for _ in range(count)]
    async with open_connection(database_url) as connection:
        for start in range(0, count, CHUNK):
            part = slice(start, start + CHUNK)
            await _plant(connection, bills[part], numbers[part])
        await connection.execute("analyze bills, payments, ledger_accounts, ledger_entries")
    return numbers


async def _plant(connection: Connection, bills: list[str], numbers: list[str]) -> None:
    async with connection.transaction():
        await connection.execute(
            "insert into bills (bill_no, origin, citizen_id, service_code, service_name,"
            " region_code, department_code, basis, amount_fen, due_on)"
            " select unnest($1::text[]), 'citizen', 'c', 's', 's', '440106000000', $2, $3, $4,"
            " current_date + 15",
            bills,
            DEPARTMENT,
            BASIS,
            AMOUNT_FEN,
        )
        await connection.execute(
            "insert into payments (payment_no, bill_no, citizen_id, channel, merchant_id, link_id,"
            " description, amount_fen, expires_at, query_at)"
            " select n.payment_no, n.bill_no, 'c', 'wechat', $3, 'l', 'd', $4,"
            " now() + interval '1 hour', now() + interval '1 hour'"
            " from unnest($1::text[], $2::text[]) as n (payment_no, bill_no)",
            numbers,
            bills,
            MERCHANT_ID,
            AMOUNT_FEN,
        )
        now = datetime.now(CHINA)
        debts = [Debt(bill_no, DEPARTMENT, BASIS, AMOUNT_FEN) for bill_no in bills]
        await ledger.post_many(connection, [assessed(debt, now) for debt in debts])


def prepare_notices(ground: Ground, numbers: Sequence[str]) -> list[bytes]:
    """A whole HTTP request for each payment: signed and encrypted as WeChat does it."""
    return [_request(ground.key, number) for number in numbers]


def _request(key: rsa.RSAPrivateKey, payment_no: str) -> bytes:
    now = datetime.now(CHINA).isoformat(timespec="seconds")
    transaction = {
        "mchid": MERCHANT_ID,
        "appid": APP_ID,
        "out_trade_no": payment_no,
        "transaction_id": f"4200{payment_no[:24]}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "",
        "success_time": now,
        "payer": {"openid": f"o{payment_no[:27]}"},
        "amount": {
            "total": AMOUNT_FEN,
            "payer_total": AMOUNT_FEN,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    }
    nonce = secrets.token_hex(6)
    content = msgspec.json.encode(transaction)
    body = msgspec.json.encode(
        {
            "id": new_id(),
            "create_time": now,
            "resource_type": "encrypt-resource",
            "event_type": "TRANSACTION.SUCCESS",
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": seal_resource(APIV3_KEY.encode(), nonce, "transaction", content),
                "associated_data": "transaction",
                "nonce": nonce,
            },
        }
    )
    timestamp, mark = str(int(time.time())), secrets.token_hex(16)
    text = b"\n".join((timestamp.encode(), mark.encode(), body, b""))
    signature = base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()
    head = (
        "POST /v1/notices/wechat/payments HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/json\r\nAccept: */*\r\nUser-Agent: Mozilla/4.0\r\n"
        f"Wechatpay-Serial: {KEY_ID}\r\nWechatpay-Timestamp: {timestamp}\r\n"
        f"Wechatpay-Nonce: {mark}\r\nWechatpay-Signature: {signature}\r\n"
        "Wechatpay-Signature-Type: WECHATPAY2-SHA256-RSA2048\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def check_applied(database_url: str, numbers: Sequence[str], times: int = 1) -> None:
    """Every payment has succeeded once, in its row and in the ledger, and the ledger agrees with
    itself; its notice was heard so many times. Raises AssertionError."""
    async with open_connection(database_url) as connection:
        kinds = await connection.fetch(
            "select p.status, b.status as bill, b.payment_no = p.payment_no as is_its, count(*),"
            " count(e.entry_id) as entries,"
            " count(*) filter (where (select sum(n.times) from payment_notices n"
            " where n.payment_no = p.payment_no) = $2) as noted,"
            " (select count(*) from refunds) as refunds"
            " from payments p join bills b on b.bill_no = p.bill_no"
            " left join ledger_entries e on e.kind = 'payment.succeeded'"
            " and e.reference = p.payment_no"
            " where p.payment_no = any ($1) group by 1, 2, 3",
            list(numbers),
            times,
        )
        count = len(numbers)
        assert [tuple(row) for row in kinds] == [
            ("succeeded", "paid", True, count, count, count, 0)
        ]
        facts = await connection.fetchval(
            "select count(*) from pgqueuer where entrypoint = 'payment.settled'"
        )
        assert facts == await connection.fetchval(
            "select count(*) from payments where status = 'succeeded'"
        )
        assert await ledger.sum_everything(connection) == 0
        assert await ledger.compare_projection(connection) == []
        held = await ledger.balance(connection, ledger.clearing("wechat", MERCHANT_ID))
        assert held == AMOUNT_FEN * facts
