"""A lean WeChat Pay for benchmarks: it proves each order's signature, waits, and signs its answer.

It keeps no books; whatever is ordered gets a new number. The simulator does all that
(`adapters/wechat/simulator`), and would cost more than what is measured.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from pathlib import Path

import msgspec
import uvloop

from adapters.simulation.keys import KeyRing
from adapters.wechat.signing import PAY_SCHEME, answer_text, request_text, sign_rsa, verify_rsa
from adapters.wechat.simulator.account import Account

ORDER_PATH = "/v3/pay/transactions/jsapi"
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")


def play_gateway(keys: Path, port: int, seconds: float) -> None:
    """Answer orders for ever, each after so many seconds. `keys`: the account's folder."""
    uvloop.install()
    asyncio.run(_play(Account(KeyRing(keys)), port, seconds))


async def _play(account: Account, port: int, seconds: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                found = _LENGTH.search(head)
                body = await reader.readexactly(int(found[1]) if found else 0)
                until = asyncio.get_running_loop().time() + seconds
                answer = _answer(account, head.decode("latin-1"), body)
                await asyncio.sleep(max(0.0, until - asyncio.get_running_loop().time()))
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    await server.serve_forever()


def _answer(account: Account, head: str, body: bytes) -> bytes:
    line, _, rest = head.partition("\r\n")
    method, target, _ = line.split(" ")
    given = dict(_PARAMETER.findall(rest))
    text = request_text(
        method, target, given.get("timestamp", ""), given.get("nonce_str", ""), body
    )
    proven = verify_rsa(text, given.get("signature", ""), account.merchant_key)
    status = "200 OK" if proven and target == ORDER_PATH else "401 Unauthorized"
    said = msgspec.json.encode({"prepay_id": f"wx{secrets.token_hex(17)}"})
    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    signature = sign_rsa(answer_text(stamp, nonce, said), account.pay_key)
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nWechatpay-Timestamp: {stamp}\r\n"
        f"Wechatpay-Nonce: {nonce}\r\nWechatpay-Signature: {signature}\r\n"
        f"Wechatpay-Serial: {account.pay_key_ids[0]}\r\n"
        f"Wechatpay-Signature-Type: {PAY_SCHEME}\r\nContent-Length: {len(said)}\r\n\r\n"
    ).encode() + said
