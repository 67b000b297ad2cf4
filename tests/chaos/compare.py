"""Our tables, the ledger, the gateways' books and what clients were told: one and the same.

Each check gives its differences in words; all together they must be none.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Struct

from api import ledger
from api.statements import Connection
from tests.chaos.reconcile import reconcile
from tests.chaos.world import World

_HOLDS_MONEY = frozenset({"succeeded", "partially_refunded", "refunded", "refunding"})
_SETTLED = frozenset({"succeeded", "partially_refunded", "refunded"})
_PURSES = frozenset({"clearing", "suspense", "refunds_payable"})
_MOST_SHOWN = 20


class Tables(Struct, frozen=True):
    """Everything that is compared, as it stands on both sides."""

    bills: dict[str, dict[str, Any]]
    payments: dict[str, dict[str, Any]]
    refunds: dict[str, dict[str, Any]]
    orders: dict[str, dict[str, Any]]
    sent_back: dict[str, dict[str, Any]]


async def find_differences(world: World) -> list[str]:
    """Nothing, where all is well."""
    tables = await _read(world)
    found = [
        *compare_orders(tables),
        *compare_refunds(tables),
        *check_bills(tables),
        *check_told(world, tables),
        *await check_consequences(world, tables),
        *await check_receipts(world, tables),
        *await check_ledger(world, tables),
        *await reconcile(world),
        *world.record.surprises,
    ]
    dead = await world.rows("select entrypoint, error from dead_jobs")
    found += [f"a job died: {row}" for row in dead]
    unusual = [cause for cause in world.fleet.deaths if cause.startswith("exit ")]
    found += [f"a process ended with {cause}" for cause in unusual]
    return found if len(found) <= _MOST_SHOWN else [*found[:_MOST_SHOWN], f"{len(found)} in all"]


async def _read(world: World) -> Tables:
    orders: dict[str, dict[str, Any]] = {}
    sent_back: dict[str, dict[str, Any]] = {}
    for channel in world.gateways:
        for order in await world.held(channel, "payments"):
            orders[order["merchant_no"]] = {**order, "channel": channel}
        for refund in await world.held(channel, "refunds"):
            sent_back[refund["refund_no"]] = {**refund, "channel": channel}
    return Tables(
        bills={row["bill_no"]: row for row in await world.rows("select * from bills")},
        payments={row["payment_no"]: row for row in await world.rows("select * from payments")},
        refunds={row["refund_no"]: row for row in await world.rows("select * from refunds")},
        orders=orders,
        sent_back=sent_back,
    )


def compare_orders(tables: Tables) -> list[str]:
    """Every order of the gateways is a payment of ours, and the reverse where money is."""
    found = [f"{no}: unknown to us" for no in tables.orders if no not in tables.payments]
    for number, payment in tables.payments.items():
        order = tables.orders.get(number)
        is_paid = payment["status"] in _HOLDS_MONEY
        if order is None:
            if is_paid or payment["client_parameters"]:
                found.append(f"{number}: {payment['status']} here, unknown to the gateway")
            continue
        theirs = (order["channel"], order["amount_fen"], order["paid_at"] is not None)
        ours = (payment["channel"], payment["amount_fen"], is_paid)
        if theirs != ours:
            found.append(f"{number}: {ours} here, {theirs} at the gateway ({payment['status']})")
        if order["refunded_fen"] != payment["refunded_fen"]:
            found.append(
                f"{number}: {payment['refunded_fen']} fen back here, {order['refunded_fen']} there"
            )
        if order["state"] == "waiting":
            found.append(f"{number}: can still be paid although it is {payment['status']}")
    return found


def compare_refunds(tables: Tables) -> list[str]:
    """Every refund the gateways made was ours, of that amount, and they made all of ours."""
    found = [f"{no}: not our refund" for no in tables.sent_back if no not in tables.refunds]
    for number, refund in tables.refunds.items():
        sent = tables.sent_back.get(number)
        theirs = sent and (sent["amount_fen"], sent["state"] == "succeeded")
        ours = (refund["amount_fen"], refund["status"] == "succeeded")
        if theirs != ours:
            found.append(f"refund {number}: {ours} here, {theirs} at the gateway")
    for number, payment in tables.payments.items():
        back = sum(
            refund["amount_fen"]
            for refund in tables.refunds.values()
            if refund["payment_no"] == number and refund["status"] == "succeeded"
        )
        if back != payment["refunded_fen"]:
            found.append(f"{number}: refunds say {back}, the payment {payment['refunded_fen']}")
    return found


def check_bills(tables: Tables) -> list[str]:
    """A bill is paid by one payment at most; whatever else was charged went back whole."""
    found: list[str] = []
    of_bill: dict[str, list[dict[str, Any]]] = {no: [] for no in tables.bills}
    for payment in tables.payments.values():
        of_bill[payment["bill_no"]].append(payment)
        if payment["status"] in ("pending", "unknown", "refunding"):
            found.append(f"{payment['payment_no']}: still {payment['status']}")
    for bill_no, payments in of_bill.items():
        bill = tables.bills[bill_no]
        charged = [p for p in payments if p["status"] in _HOLDS_MONEY]
        counted = [p for p in charged if p["payment_no"] == bill["payment_no"]]
        if (bill["status"] in ("unpaid", "cancelled")) != (not counted):
            found.append(f"bill {bill_no}: {bill['status']}, paid by {bill['payment_no']}")
        for payment in charged:
            if payment not in counted and payment["refunded_fen"] != payment["amount_fen"]:
                found.append(f"bill {bill_no}: charged twice by {payment['payment_no']}")
        for payment in counted:
            if _bill_status(payment) != bill["status"]:
                found.append(f"bill {bill_no}: {bill['status']}, its payment {payment['status']}")
    return found


def _bill_status(payment: dict[str, Any]) -> str:
    return "paid" if payment["status"] == "succeeded" else str(payment["status"])


def check_told(world: World, tables: Tables) -> list[str]:
    """Every 2xx is there, and what was said to be final is still so."""
    record = world.record
    found = [f"bill {no}: told, not there" for no in record.bills if no not in tables.bills]
    for number, begun in record.payments.items():
        payment = tables.payments.get(number)
        kept = payment and (payment["bill_no"], payment["channel"], payment["amount_fen"])
        if kept != (begun.bill_no, begun.channel, begun.amount_fen):
            found.append(f"{number}: told as {begun}, kept as {kept}")
    for number, asked in record.refunds.items():
        refund = tables.refunds.get(number)
        there = refund and (refund["payment_no"], refund["amount_fen"])
        if there != (asked.payment_no, asked.amount_fen):
            found.append(f"refund {number}: told as {asked}, kept as {there}")
    for number, statuses in record.finished.items():
        if statuses & _SETTLED and tables.payments[number]["status"] not in _SETTLED:
            found.append(f"{number}: was {statuses}, is {tables.payments[number]['status']}")
    return found


async def check_consequences(world: World, tables: Tables) -> list[str]:
    """Every paid bill moved its case once, and every platform that listens was told once."""
    expected = Counter(
        f"payment.succeeded:{bill['payment_no']}"
        for bill in tables.bills.values()
        if bill["payment_no"] is not None
    )
    expected.update(
        f"payment.refunded:{no}" for no, r in tables.refunds.items() if r["status"] == "succeeded"
    )
    told = await world.rows(
        "select subject, status from webhook_deliveries where type <> 'case.moved'"
    )
    found = _count_differences("webhook", expected, Counter(row["subject"] for row in told))
    found += [f"webhook {row}" for row in told if row["status"] != "delivered"]
    moved = await world.rows("select case_no, actor from case_events where type = 'paid'")
    expected = Counter(
        f"{bill['case_no']} system:payment:{bill['payment_no']}"
        for bill in tables.bills.values()
        if bill["payment_no"] is not None
    )
    actual = Counter(f"{row['case_no']} {row['actor']}" for row in moved)
    return found + _count_differences("case", expected, actual)


async def check_receipts(world: World, tables: Tables) -> list[str]:
    """One receipt for every paid bill, one in red letters for each refund of such money."""
    counting = {bill["payment_no"] for bill in tables.bills.values() if bill["payment_no"]}
    expected = Counter(f"{number} {tables.payments[number]['amount_fen']}" for number in counting)
    for number, refund in tables.refunds.items():
        if refund["payment_no"] in counting and refund["status"] == "succeeded":
            expected[f"{number} {refund['amount_fen']}"] += 1
    rows = await world.rows(
        "select coalesce(refund_no, payment_no) as number, abs(amount_fen) as fen from receipts"
    )
    actual = Counter(f"{row['number']} {row['fen']}" for row in rows)
    return _count_differences("receipt", expected, actual)


def _count_differences(what: str, expected: Counter[str], actual: Counter[str]) -> list[str]:
    return [
        f"{what} {name}: {actual[name]} times for {expected[name]}"
        for name in sorted(expected.keys() | actual.keys())
        if expected[name] != actual[name]
    ]


async def check_ledger(world: World, tables: Tables) -> list[str]:
    """What the ledger says each channel holds is, to the fen, what its books took and kept."""

    async def read(connection: Connection) -> list[str]:
        found = [f"projection: {row}" for row in await ledger.compare_projection(connection)]
        if await ledger.sum_everything(connection):
            found.append("the ledger's lines do not sum to zero")
        return found

    found = await world.patiently(read)
    rows = await world.rows(
        "select a.kind, a.name, l.subject, sum(l.amount_fen)::bigint as fen from ledger_lines l"
        " join ledger_accounts a on a.account_id = l.account_id group by 1, 2, 3"
    )
    expected = expect_balances(tables)
    actual: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        # Of departments it is the bill that counts, of channels the purse as well.
        name = row["name"] if row["kind"] in _PURSES else ""
        actual[row["kind"], name, row["subject"]] += row["fen"]
    return found + [
        f"ledger {key}: {actual[key]} fen for {expected[key]}"
        for key in sorted(expected.keys() | actual.keys())
        if expected[key] != actual[key]
    ]


def expect_balances(tables: Tables) -> Counter[tuple[str, str, str]]:
    """Debit above zero, by account and bill: the channels' part from their own books alone."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for number, order in tables.orders.items():
        payment = tables.payments.get(number)
        if payment is not None and order["paid_at"] is not None:
            purse = f"{order['channel']}/{payment['merchant_id']}"
            kept_fen = order["amount_fen"] - order["refunded_fen"]
            expected["clearing", purse, payment["bill_no"]] += kept_fen
    for bill_no, bill in tables.bills.items():
        if bill["status"] == "unpaid":
            expected["receivable", "", bill_no] += bill["amount_fen"]
            expected["assessed", "", bill_no] -= bill["amount_fen"]
        if bill["payment_no"] is not None:
            payment = tables.payments[bill["payment_no"]]
            expected["treasury", "", bill_no] -= payment["amount_fen"] - payment["refunded_fen"]
    # Nothing is left in suspense, and nothing is promised that was not sent.
    return expected


def totals(tables: Tables) -> dict[str, dict[str, int]]:
    """Of each channel: what was paid and what went back, by our tables and by its books."""
    sums: dict[str, dict[str, int]] = {}
    for payment in tables.payments.values():
        of = sums.setdefault(payment["channel"], Counter())
        if payment["status"] in _HOLDS_MONEY:
            of["paid"] += payment["amount_fen"]
            of["refunded"] += payment["refunded_fen"]
    for order in tables.orders.values():
        of = sums.setdefault(order["channel"], Counter())
        if order["paid_at"] is not None:
            of["their paid"] += order["amount_fen"]
            of["their refunded"] += order["refunded_fen"]
    return sums
