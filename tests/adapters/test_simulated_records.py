"""What a gateway acknowledged it keeps, whoever kills it; what is only looked at has an end."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from adapters.simulation.faults import SWITCHES, Fault
from adapters.simulation.journal import Journal, Table
from adapters.simulation.page import SWITCHES as SWITCHES_OF_THE_PAGE
from tests.adapters.alipay.simulator.builders import Wire
from tests.adapters.wechat.simulator.merchant import Merchant
from tests.gateways import NoticeReceiver, SimulatedGateway, simulating, wait_until


class Row(Struct, frozen=True):
    name: str
    family: str


def pay(gateway: SimulatedGateway, number: str, address: str) -> None:
    """Order and pay, with somebody to be told."""
    if gateway.name == "alipay":
        Wire(gateway).pay(number, "19.99", address)
    else:
        Merchant(gateway).pay(gateway.citizen(), address, out_trade_no=number)


def give_back(gateway: SimulatedGateway, number: str, refund_no: str) -> Any:
    """A part of it, acknowledged."""
    if gateway.name == "alipay":
        return Wire(gateway).refund(number, refund_no, "0.05")
    answer = Merchant(gateway).refund(number, 5, out_refund_no=refund_no)
    assert answer.status_code == 200, answer.text
    return answer.json()


def money(gateway: SimulatedGateway) -> dict[str, tuple[str, int]]:
    return {p["merchant_no"]: (p["state"], p["refunded_fen"]) for p in gateway.all("payments")}


@pytest.mark.parametrize("name", ["wechat", "alipay"])
def test_a_gateway_that_is_killed_keeps_every_payment_and_tells_what_it_had_to_tell(
    tmp_path: Path, notice_receiver: NoticeReceiver, name: str
) -> None:
    numbers = [f"P{secrets.token_hex(10)}" for _ in range(5)]
    address = f"{notice_receiver.address}/notices"
    notice_receiver.answer = (503, b"")
    patient = ("--retry-seconds", "60")
    with simulating(name, tmp_path, *patient) as gateway:
        for number in numbers:
            pay(gateway, number, address)
        first = give_back(gateway, numbers[0], "R1")
        before = money(gateway)
        assert gateway.process is not None
        gateway.process.kill()
        gateway.process.wait()
    notice_receiver.received.clear()
    notice_receiver.answer = (200, b"success")
    with simulating(name, tmp_path, *patient) as gateway:
        assert money(gateway) == before
        assert before[numbers[0]] == ("paid", 5)
        # The same refund again moves nothing a second time.
        again = give_back(gateway, numbers[0], "R1")
        assert (
            again["refund_id" if name == "wechat" else "refund_fee"]
            == (first["refund_id" if name == "wechat" else "refund_fee"])
        )
        assert money(gateway) == before
        # Whatever was not accepted yet goes out after the start.
        notice_receiver.wait_for(len(numbers), 15)
        wait_until(lambda: all(n["state"] != "waiting" for n in gateway.all("notices")), seconds=15)


def test_a_table_finds_rows_by_their_group_also_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.ndjson"
    journal = Journal(path)
    table = Table(journal, "rows", Row, group=lambda row: row.family)
    for number in range(6):
        table.put(f"k{number}", Row(f"n{number}", "even" if number % 2 == 0 else "odd"))
    table.put("k0", Row("changed", "even"))
    table.remove("k2")
    journal.close()
    for found in (table, Table(Journal(path), "rows", Row, group=lambda row: row.family)):
        assert [row.name for row in found.of("even")] == ["changed", "n4"]
        assert [row.name for row in found.of("odd")] == ["n1", "n3", "n5"]
        assert found.of("none") == []


def test_a_table_with_an_end_forgets_its_oldest(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.ndjson")
    table = Table(journal, "rows", Row, group=lambda row: row.family, most=3)
    for number in range(10):
        table.put(f"k{number}", Row(f"n{number}", "one"))
    assert [row.name for row in table] == ["n7", "n8", "n9"] == [r.name for r in table.of("one")]
    journal.close()
    assert len(Table(Journal(tmp_path / "journal.ndjson"), "rows", Row)) == 3


def test_every_switch_breaks_something_and_stands_on_the_page() -> None:
    conditions = {"only", "times", "after"}
    switches = set(Fault.__struct_fields__) - conditions
    assert switches == set().union(*SWITCHES.values())
    assert set(SWITCHES_OF_THE_PAGE) == switches | conditions
    wanted = {
        *("latency_ms", "hang", "status", "lose_reply", "wrong_signature", "probe", "duplicate"),
        *("concurrent", "late_ms", "out_of_order", "mute", "wrong_amount", "rotate_key", "quota"),
    }
    assert wanted <= switches
