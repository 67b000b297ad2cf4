-- name: hold_bills
-- Bills are always locked before payments, payments before refunds, each in the order of their numbers.
select bill_no, case_no, department_code, basis, amount_fen, status, payment_no, paid_at
from bills
where bill_no in (select p.bill_no from payments p where p.payment_no = any (:payment_nos::text[]))
order by bill_no
for update

-- name: hold_payments
select payment_no, bill_no, channel, merchant_id, amount_fen, taken_fen, doubted_fen, refunded_fen,
    status, cancel_asked, expires_at <= now() as is_over, flag, channel_payment_id, paid_at
from payments
where payment_no = any (:payment_nos::text[])
order by payment_no
for update

-- name: hold_refunds
select refund_no, payment_no, platform_id, amount_fen, reason, status, round, channel_refund_id,
    succeeded_at
from refunds
where payment_no = any (:payment_nos::text[])
order by refund_no
for update

-- name: store_payments!
update payments p
set status = n.status, flag = n.flag, taken_fen = n.taken_fen, doubted_fen = n.doubted_fen,
    refunded_fen = n.refunded_fen, channel_payment_id = n.channel_payment_id, paid_at = n.paid_at,
    updated_at = now()
from unnest(:payment_nos::text[], :statuses::text[], :flags::text[], :taken::bigint[],
    :doubted::bigint[], :refunded::bigint[], :channel_payment_ids::text[], :paid_ats::timestamptz[])
    as n (payment_no, status, flag, taken_fen, doubted_fen, refunded_fen, channel_payment_id, paid_at)
where p.payment_no = n.payment_no

-- name: store_bills!
update bills b
set status = n.status, payment_no = n.payment_no, paid_at = n.paid_at, updated_at = now()
from unnest(:bill_nos::text[], :statuses::text[], :payment_nos::text[], :paid_ats::timestamptz[])
    as n (bill_no, status, payment_no, paid_at)
where b.bill_no = n.bill_no

-- name: store_refunds!
-- Number, payment, amount and reason never change.
insert into refunds as r (refund_no, payment_no, platform_id, amount_fen, reason, status, round,
    channel_refund_id, succeeded_at)
select n.refund_no, n.payment_no, n.platform_id, n.amount_fen, n.reason, n.status, n.round,
    n.channel_refund_id, n.succeeded_at
from unnest(:refund_nos::text[], :payment_nos::text[], :platform_ids::text[], :amounts::bigint[],
    :reasons::text[], :statuses::text[], :rounds::smallint[], :channel_refund_ids::text[],
    :succeeded_ats::timestamptz[])
    as n (refund_no, payment_no, platform_id, amount_fen, reason, status, round, channel_refund_id,
        succeeded_at)
on conflict (refund_no) do update
    set status = excluded.status, round = excluded.round, channel_refund_id = excluded.channel_refund_id,
        succeeded_at = excluded.succeeded_at, updated_at = now()
    where r.payment_no = excluded.payment_no

-- name: hurry_payments!
-- One bill is paid once: what else could still be paid is closed now.
update payments set query_at = now()
where bill_no = any (:bill_nos::text[]) and status in ('pending', 'unknown')

-- name: ask_soon!
update payments set query_at = now()
where payment_no = any (:payment_nos::text[])
    and (status in ('pending', 'unknown') or doubted_fen is not null)

-- name: keep_notices!
-- Always in the same order, so that two batches do not wait for each other in a circle.
insert into payment_notices (notice_key, channel, notice_id, payment_no, refund_no, said, outcome, times,
    content_sealed)
select n.notice_key, n.channel, n.notice_id, n.payment_no, n.refund_no, n.said, n.outcome, n.times,
    n.content_sealed
from unnest(:notice_keys::text[], :channels::text[], :notice_ids::text[], :payment_nos::text[],
    :refund_nos::text[], :said::text[], :outcomes::text[], :times::integer[], :contents::bytea[])
    as n (notice_key, channel, notice_id, payment_no, refund_no, said, outcome, times, content_sealed)
order by n.notice_key
on conflict (notice_key) do update
    set times = payment_notices.times + excluded.times, last_at = now(), outcome = excluded.outcome
