"""WeChat Pay's bills: where a file is, and the file, in yuan with a backtick before each cell."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

import msgspec

from adapters.simulation.gateway import Answer, Call
from adapters.simulation.records import Payment, Refund
from adapters.wechat.simulator.books import CHINA, WechatBooks
from adapters.wechat.simulator.errors import PayRefused
from adapters.wechat.simulator.pay_access import Merchant
from adapters.wechat.simulator.pay_orders import owner_of

_READY_HOUR = 10
_OLDEST_DAYS = 92
_LINK_SECONDS = 300
# The share WeChat Pay keeps, in ten-thousandths.
_FEE = 60
_TRADE_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,"
    "交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,"
    "充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
_TRADE_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_FUND_COLUMNS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),"
    "账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
_FUND_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
_REFUND_STATES = {
    "processing": "PROCESSING",
    "succeeded": "SUCCESS",
    "closed": "FAIL",
    "abnormal": "CHANGE",
}
Row = tuple[float, Sequence[str]]


def trade_bill(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """GET /v3/bill/tradebill."""
    kind = call.fields.get("bill_type", "ALL")
    if kind not in ("ALL", "SUCCESS", "REFUND"):
        raise PayRefused("PARAM_ERROR", "账单类型错误")
    day = _demand_day(books, call)
    owners = _owners(books, call, merchant)
    rows: list[Row] = []
    if kind != "REFUND":
        rows += [_paid_row(books, p) for p in _paid_on(books, day, owners)]
    if kind != "SUCCESS":
        rows += [_refund_row(books, p, r) for p, r in _refunded_on(books, day, owners)]
    if not rows:
        raise PayRefused("NO_STATEMENT_EXIST")
    payments = _paid_on(books, day, owners) if kind != "REFUND" else []
    refunds = [r for _, r in _refunded_on(books, day, owners)] if kind != "SUCCESS" else []
    paid, back = sum(p.amount_fen for p in payments), sum(r.amount_fen for r in refunds)
    fee = sum(_fee(p.amount_fen) for p in payments) - sum(_fee(r.amount_fen) for r in refunds)
    summary = [
        *(str(len(rows)), _yuan(paid), _yuan(back), "0.00"),
        *(f"{_yuan(fee)}000", _yuan(paid), _yuan(back)),
    ]
    return _place(books, call, _draw(_TRADE_COLUMNS, rows, _TRADE_SUMMARY, summary))


def fund_bill(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """GET /v3/bill/fundflowbill: what came into and went out of the merchant's account."""
    if call.fields.get("account_type", "BASIC") not in ("BASIC", "OPERATION", "FEES"):
        raise PayRefused("PARAM_ERROR", "资金账户类型错误")
    day = _demand_day(books, call)
    owners = _owners(books, call, merchant)
    paid = _paid_on(books, day, owners)
    back = _refunded_on(books, day, owners)
    if not paid and not back:
        raise PayRefused("NO_STATEMENT_EXIST")
    moves = [(p.paid_at or 0, p.transaction_id, "交易", "收入", p.amount_fen) for p in paid]
    moves += [(r.created_at, r.refund_id, "退款", "支出", r.amount_fen) for _, r in back]
    balance, rows = 0, []
    for number, (at, about, name, way, amount) in enumerate(sorted(moves), start=1):
        balance += amount if way == "收入" else -amount
        cells = [
            *(_time(books, at), about, f"{about}{number:04d}", name, name, way),
            *(_yuan(amount), _yuan(balance), "system", "", about),
        ]
        rows.append((at, cells))
    income, outgo = sum(p.amount_fen for p in paid), sum(r.amount_fen for _, r in back)
    summary = [str(len(rows)), str(len(paid)), _yuan(income), str(len(back)), _yuan(outgo)]
    return _place(books, call, _draw(_FUND_COLUMNS, rows, _FUND_SUMMARY, summary))


def download(books: WechatBooks, call: Call, _: Merchant) -> Answer:
    """GET /v3/billdownload/file: the bytes, without a signature."""
    made = books.bills.get(call.fields.get("token", ""))
    if made is None or books.clock.now() - made[0] > _LINK_SECONDS:
        raise PayRefused("PARAM_ERROR", "账单下载地址已失效")
    media_type = "application/x-gzip" if call.fields.get("tartype") == "gzip" else "text/plain"
    return Answer(200, made[1], media_type)


def _place(books: WechatBooks, call: Call, text: bytes) -> Answer:
    fields = call.fields
    if fields.get("tar_type") not in (None, "GZIP"):
        raise PayRefused("PARAM_ERROR", "压缩类型错误")
    zipped = fields.get("tar_type") == "GZIP"
    now = books.clock.now()
    books.bills = {t: made for t, made in books.bills.items() if now - made[0] <= _LINK_SECONDS}
    token = secrets.token_urlsafe(48)
    books.bills[token] = (now, gzip.compress(text) if zipped else text)
    address = f"http://{call.headers.get('host', '')}/v3/billdownload/file?token={token}"
    place = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(text).hexdigest(),  # noqa: S324 (WeChat Pay's choice)
        "download_url": f"{address}&tartype=gzip" if zipped else address,
    }
    return Answer(200, msgspec.json.encode(place))


def _demand_day(books: WechatBooks, call: Call) -> date:
    given = call.fields.get("bill_date", "")
    try:
        day = date.fromisoformat(given) if re.fullmatch(r"\d{4}-\d\d-\d\d", given) else None
    except ValueError:
        day = None
    if day is None:
        raise PayRefused("PARAM_ERROR", "账单日期格式错误")
    now = datetime.fromtimestamp(books.clock.now(), CHINA)
    if day > now.date() or day < now.date() - timedelta(days=_OLDEST_DAYS):
        raise PayRefused("INVALID_REQUEST", "账单日期不在可下载范围内")
    if books.policy.bills == "at_once":
        return day
    if day == now.date():
        raise PayRefused("INVALID_REQUEST", "账单日期不能为当天")
    if day == now.date() - timedelta(days=1) and now.hour < _READY_HOUR:
        raise PayRefused("STATEMENT_CREATING")
    return day


def _owners(books: WechatBooks, call: Call, merchant: Merchant) -> set[str]:
    """Whose lines: a provider without a sub-merchant named sees all of them."""
    sub = call.fields.get("sub_mchid")
    if merchant.merchant_id == books.account.provider_id and sub is None:
        return {books.account.sub_merchant_id}
    return {owner_of(books, merchant, sub)}


def _paid_on(books: WechatBooks, day: date, owners: set[str]) -> list[Payment]:
    return [
        p
        for p in books.payments
        if p.paid_at is not None and _owner(p) in owners and books.time(p.paid_at).date() == day
    ]


def _refunded_on(books: WechatBooks, day: date, owners: set[str]) -> list[tuple[Payment, Refund]]:
    """By the day a refund was accepted, whatever became of it."""
    pairs = [(books.payments.get(refund.order_id), refund) for refund in books.refunds]
    return [
        (payment, refund)
        for payment, refund in pairs
        if payment is not None
        and _owner(payment) in owners
        and books.time(refund.created_at).date() == day
    ]


def _owner(payment: Payment) -> str:
    return str(payment.asked.get("sub_mchid") or payment.asked.get("mchid"))


def _paid_row(books: WechatBooks, payment: Payment) -> Row:
    amount, at = _yuan(payment.amount_fen), payment.paid_at or 0
    return at, [
        *_first_cells(books, payment, at, "SUCCESS"),
        *(amount, "0.00", "0", "0", "0.00", "0.00", "", ""),
        *(payment.description, str(payment.asked.get("attach", ""))),
        *(f"{_yuan(_fee(payment.amount_fen))}000", "0.60%", amount, "0.00", ""),
    ]


def _refund_row(books: WechatBooks, payment: Payment, refund: Refund) -> Row:
    back = _yuan(refund.amount_fen)
    return refund.created_at, [
        *_first_cells(books, payment, refund.created_at, "REFUND"),
        *("0.00", "0.00", refund.refund_id, refund.refund_no, back, "0.00", "ORIGINAL"),
        *(_REFUND_STATES[refund.state], payment.description),
        *(str(payment.asked.get("attach", "")), f"{_yuan(-_fee(refund.amount_fen))}000"),
        *("0.60%", "0.00", back, ""),
    ]


def _first_cells(books: WechatBooks, payment: Payment, at: float, state: str) -> list[str]:
    asked = payment.asked
    payer = asked["payer"]
    return [
        *(_time(books, at), str(asked.get("appid") or asked.get("sp_appid"))),
        *(str(asked.get("mchid") or asked.get("sp_mchid")), str(asked.get("sub_mchid") or 0)),
        *("", payment.transaction_id, payment.merchant_no, next(iter(payer.values()))),
        *("JSAPI", state, "OTHERS", "CNY"),
    ]


def _draw(columns: str, rows: Iterable[Row], summary_columns: str, summary: Sequence[str]) -> bytes:
    lines = [columns, *(_line(cells) for _, cells in sorted(rows, key=lambda row: row[0]))]
    lines += [summary_columns, _line(summary)]
    return b"\xef\xbb\xbf" + "".join(f"{line}\r\n" for line in lines).encode()


def _line(cells: Sequence[str]) -> str:
    return ",".join(f"`{cell}" for cell in cells)


def _fee(amount_fen: int) -> int:
    return (amount_fen * _FEE + 5000) // 10000


def _yuan(fen: int) -> str:
    sign = "-" if fen < 0 else ""
    return f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _time(books: WechatBooks, seconds: float) -> str:
    return f"{books.time(seconds):%Y-%m-%d %H:%M:%S}"
