"""Who pays, changes their mind, and gives back: everybody asks again until they are told.

A broken connection, 503, or a key still in progress is answered by the same request with
the same key. All else is an answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from api.kinds import new_id
from tests.chaos.record import Asked, Begun
from tests.chaos.world import Citizen, World, add_waiting_case, new_citizen
from tests.platforms.builders import Signed, encode, new_nonce

CHANNELS = ("wechat", "alipay")
PATIENCE_SECONDS = 300.0
_AGAIN = frozenset({429, 502, 503, 504})
# What the service may say instead of beginning a payment.
_NO_PAYMENT = frozenset({"bill_not_payable", "payment_open", "payment_finished", "channel_refused"})
_NO_REFUND = frozenset({"refundable_amount_changed", "not_refundable", "validation_failed"})


class Payer:
    """One person's bills, one after the other, until the storm is over."""

    def __init__(self, world: World, citizen: Citizen, dice: random.Random) -> None:
        self._world = world
        self._citizen = citizen
        self._dice = dice

    async def live(self, is_over: asyncio.Event) -> None:
        """What was begun when it is over is brought to its answer."""
        while not is_over.is_set():
            bill_no = await self._owe()
            channels = [self._dice.choice(CHANNELS)]
            if self._dice.random() < 0.35:
                channels = list(CHANNELS)
            await asyncio.gather(*(self._try_to_pay(bill_no, channel) for channel in channels))

    async def _owe(self) -> str:
        fee_fen = self._dice.randint(1, 100_000)
        if self._dice.random() < 0.5:
            case_no = await add_waiting_case(self._world, self._citizen, fee_fen, billed=True)
            bill_no: str = await self._world.value(
                "select bill_no from bills where case_no = $1", case_no
            )
            return bill_no
        case_no = await add_waiting_case(self._world, self._citizen, fee_fen, billed=False)
        reference = new_id()
        body = {"reference": reference, "case_no": case_no, "amount_fen": fee_fen}
        answer = await self._department("POST", "bills", body, ok=201)
        bill = answer.json()
        self._world.record.bills[bill["bill_no"]] = reference
        return str(bill["bill_no"])

    async def _try_to_pay(self, bill_no: str, channel: str) -> None:
        payment_no = await self._begin(bill_no, channel)
        if payment_no is None:
            return
        whim = self._dice.random()
        if whim < 0.08:
            return
        if whim < 0.2:
            await self._pay(payment_no, channel, "decline")
        if whim < 0.35:
            # Which of both comes first is anybody's guess.
            await asyncio.gather(
                self._cancel(payment_no), self._pay(payment_no, channel, "confirm")
            )
            return
        if await self._pay(payment_no, channel, "confirm"):
            await self._look_until_finished(payment_no)
            if self._dice.random() < 0.35:
                await self._give_back(payment_no)

    async def _begin(self, bill_no: str, channel: str) -> str | None:
        key, body = new_id(), {"bill_no": bill_no, "channel": channel}
        answer = await self._insist(
            lambda: self._world.client.post(
                "/v1/payments", json=body, headers={**self._citizen.headers, "Idempotency-Key": key}
            ),
        )
        if answer.status_code != 201:
            self._expect(answer, _NO_PAYMENT)
            return None
        said = answer.json()
        self._world.record.keep(key, answer.content)
        self._world.record.payments[said["payment_no"]] = Begun(
            bill_no, channel, said["amount_fen"]
        )
        if self._dice.random() < 0.25:
            again = await self._insist(
                lambda: self._world.client.post(
                    "/v1/payments",
                    json=body,
                    headers={**self._citizen.headers, "Idempotency-Key": key},
                )
            )
            self._world.record.keep(key, again.content)
        return str(said["payment_no"])

    async def _pay(self, payment_no: str, channel: str, act: str) -> bool:
        path = f"/payments/{payment_no}/{act}"
        return await self._world.control(channel, "POST", path) is not None

    async def _cancel(self, payment_no: str) -> None:
        answer = await self._insist(
            lambda: self._world.client.post(
                f"/v1/payments/{payment_no}/cancellation", headers=self._citizen.headers
            ),
        )
        if answer.status_code == 200:
            self._saw(answer.json())
        else:
            self._expect(answer, frozenset({"channel_refused"}))

    async def _look_until_finished(self, payment_no: str) -> None:
        for _ in range(12):
            answer = await self._insist(
                lambda: self._world.client.get(
                    f"/v1/payments/{payment_no}", headers=self._citizen.headers
                )
            )
            if answer.status_code != 200:
                self._expect(answer, frozenset())
                return
            self._saw(answer.json())
            if answer.json()["finished"]:
                return
            await asyncio.sleep(0.4)

    async def _give_back(self, payment_no: str) -> None:
        """A part, and perhaps the rest."""
        for _ in range(self._dice.randint(1, 3)):
            shown = (await self._department("GET", f"payments/{payment_no}")).json()
            available = shown["refund_amount_available_fen"]
            if not available:
                return
            body = {
                "amount_fen": self._dice.choice([available, self._dice.randint(1, available)]),
                "refund_amount_available_fen": available,
                "reason": "多收退还",
            }
            path, key = f"payments/{payment_no}/refunds", new_nonce()
            answer = await self._department("POST", path, body, key=key)
            if answer.status_code != 201:
                self._expect(answer, _NO_REFUND)
                continue
            self._world.record.keep(key, answer.content)
            said = answer.json()
            self._world.record.refunds[said["refund_no"]] = Asked(payment_no, said["amount_fen"])

    async def _department(
        self, method: str, path: str, body: Any = None, *, key: str = "", ok: int | None = None
    ) -> httpx.Response:
        """A signed call, signed anew at every try."""
        answer = await self._insist(
            lambda: call_signed(self._world, method, f"/v1/platform/{path}", body, key)
        )
        if ok is not None and answer.status_code != ok:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    async def _insist(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                answer = await self._once(send)
                if answer is not None:
                    return answer
                await asyncio.sleep(self._dice.uniform(0.05, 0.4))

    async def _once(self, send: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response | None:
        counts = self._world.record.answers
        try:
            answer = await send()
        except httpx.TransportError as error:
            counts[type(error).__name__] += 1
            return None
        code = "" if answer.is_success else code_of(answer)
        counts[f"{answer.status_code} {code}".strip()] += 1
        if answer.status_code in _AGAIN or code == "request_in_progress":
            return None
        return answer

    def _saw(self, said: Mapping[str, Any]) -> None:
        self._world.record.saw(said["payment_no"], said["status"], finished=said["finished"])

    def _expect(self, answer: httpx.Response, codes: frozenset[str]) -> None:
        if code_of(answer) not in codes:
            self._world.record.surprises.append(f"{answer.request.url.path}: {answer.text}")


def code_of(answer: httpx.Response) -> str:
    """The problem's code; empty where it is none of ours."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return ""


async def call_signed(
    world: World, method: str, path: str, body: Any, key: str = ""
) -> httpx.Response:
    """One call of the department's system, under an Idempotency-Key where one is given."""
    content = encode(body)
    signed = Signed(method, f"{world.settings.public_address}{path}", content)
    headers = {"Content-Type": "application/json", **world.partner.headers(signed)}
    if key:
        headers["Idempotency-Key"] = key
    return await world.client.request(method, path, content=content, headers=headers)


async def settle_in(world: World, people: int, seed: int) -> list[Payer]:
    """So many people, each with dice of their own."""
    citizens = [await new_citizen(world) for _ in range(people)]
    return [
        Payer(world, citizen, random.Random(f"{seed}/{number}"))
        for number, citizen in enumerate(citizens)
    ]
