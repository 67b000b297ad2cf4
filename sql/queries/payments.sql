-- name: find_case_due^
-- What a case waits to be paid; nothing where it waits for no money.
select case_no, citizen_id, service_code, service_name, region_code, department_code, status, fee_fen,
    fee_basis
from cases where case_no = :case_no

-- name: lock_open_bill^
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills where case_no = :case_no and status = 'unpaid'
for update

-- name: add_bill$
insert into bills (bill_no, origin, citizen_id, case_no, case_seq, platform_id, reference, service_code,
    service_name, region_code, department_code, amount_fen, basis, standard, due_on)
values (:bill_no, :origin, :citizen_id, :case_no, :case_seq, :platform_id, :reference, :service_code,
    :service_name, :region_code, :department_code, :amount_fen, :basis, :standard, :due_on)
on conflict do nothing
returning bill_no

-- name: find_bill_by_reference^
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills where platform_id = :platform_id and reference = :reference

-- name: cancel_bill!
update bills set status = 'cancelled', updated_at = now() where bill_no = :bill_no and status = 'unpaid'

-- name: list_bills
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills
where bill_id < :before and bill_id = any (array(
        select o.bill_id from bills o where o.citizen_id = :citizen_id
        union all
        select o.bill_id from bill_claims k join bills o on o.bill_no = k.bill_no
        where k.citizen_id = :citizen_id
    ))
    and (:status::text is null or status = :status)
    and (:service_codes::text[] is null or service_code = any (:service_codes))
order by bill_id desc
limit :limit

-- name: find_bill^
-- One's own, or one whose payment notice code somebody has typed.
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills
where bill_no = :bill_no and (citizen_id = :citizen_id or exists (
    select from bill_claims k where k.bill_no = bills.bill_no and k.citizen_id = :citizen_id
))

-- name: lock_own_bill^
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills
where bill_no = :bill_no and (citizen_id = :citizen_id or exists (
    select from bill_claims k where k.bill_no = bills.bill_no and k.citizen_id = :citizen_id
))
for update

-- name: lock_bill_of^
-- The bill is always locked before its payments.
select b.bill_no, b.bill_id, b.citizen_id, b.case_no, b.platform_id, b.service_code, b.service_name,
    b.region_code, b.amount_fen, b.basis, b.standard, b.status, b.due_on, b.payment_no, b.created_at,
    b.paid_at
from payments p join bills b on b.bill_no = p.bill_no
where p.payment_no = :payment_no and (:channel::text is null or p.channel = :channel)
for update of b

-- name: store_bill!
update bills set status = :status, payment_no = :payment_no, paid_at = coalesce(:paid_at, now()),
    updated_at = now()
where bill_no = :bill_no

-- name: find_payer^
-- The newest account somebody has in a channel.
select link_id, open_id_sealed from channel_links
where citizen_id = :citizen_id and channel = :channel
order by linked_at desc, link_id desc
limit 1

-- name: find_live_payment^
select p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at
from payments p
where p.bill_no = :bill_no and p.channel = :channel and p.status in ('pending', 'unknown')
for update

-- name: add_payment^
insert into payments as p (payment_no, bill_no, citizen_id, channel, merchant_id, notice_base, link_id,
    description, amount_fen, expires_at, query_at)
values (:payment_no, :bill_no, :citizen_id, :channel, :merchant_id, :notice_base, :link_id, :description,
    :amount_fen,
    date_trunc('second', now()) + make_interval(secs => :seconds),
    now() + make_interval(secs => :query_seconds))
returning p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at

-- name: find_held_fen$
-- What the channel took, which may be another amount than was asked.
select coalesce(taken_fen, amount_fen) from payments where payment_no = :payment_no

-- name: find_notice_base$
select notice_base from payments where payment_no = :payment_no

-- name: lock_payment^
select p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at
from payments p where p.payment_no = :payment_no
for update

-- name: find_payment^
select p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at
from payments p where p.payment_no = :payment_no and p.citizen_id = :citizen_id

-- name: find_open_id^
-- The account that pays, as long as it is linked.
select link_id, open_id_sealed from channel_links where link_id = :link_id

-- name: find_handled_payment^
select p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at
from payments p where p.payment_no = :payment_no

-- name: find_bill_of^
select b.bill_no, b.bill_id, b.citizen_id, b.case_no, b.platform_id, b.service_code, b.service_name,
    b.region_code, b.amount_fen, b.basis, b.standard, b.status, b.due_on, b.payment_no, b.created_at,
    b.paid_at
from payments p join bills b on b.bill_no = p.bill_no
where p.payment_no = :payment_no

-- name: find_service_of_payment$
select b.service_code from payments p join bills b on b.bill_no = p.bill_no
where p.payment_no = :payment_no and p.citizen_id = :citizen_id

-- name: keep_launch^
-- Nothing where it was launched before.
update payments p set client_parameters = :client_parameters, channel_order_id = :channel_order_id,
    query_at = least(p.query_at, now() + make_interval(secs => :seconds)), updated_at = now()
where p.payment_no = :payment_no and p.client_parameters is null
returning p.payment_no, p.bill_no, p.citizen_id, p.channel, p.link_id, p.description, p.amount_fen,
    p.refunded_fen, p.status, p.cancel_asked, p.flag, p.expires_at, p.expires_at <= now() as is_over,
    p.client_parameters::text, p.channel_payment_id, p.paid_at, p.created_at, p.updated_at

-- name: ask_cancel!
update payments set cancel_asked = true,
    query_at = least(query_at, now() + make_interval(secs => :seconds)), updated_at = now()
where payment_no = :payment_no and status in ('pending', 'unknown')

-- name: store_payment!
update payments set status = :status, flag = coalesce(:flag, flag), refunded_fen = :refunded_fen,
    channel_payment_id = coalesce(:channel_payment_id, channel_payment_id),
    paid_at = coalesce(paid_at, :paid_at, case when :status in ('succeeded', 'refunding') then now() end),
    updated_at = now()
where payment_no = :payment_no

-- name: query_soon!
update payments set query_at = least(query_at, now() + make_interval(secs => :seconds))
where payment_no = :payment_no and status in ('pending', 'unknown')

-- name: hurry_others!
-- One bill is paid once: what else could still be paid is closed now.
update payments set query_at = now() where bill_no = :bill_no and status in ('pending', 'unknown')

-- name: take_due_payments
-- Whoever takes one asks about it; it is due again by itself, should they die.
with due as (
    select payment_no from payments
    where (status in ('pending', 'unknown') or doubted_fen is not null) and query_at <= now()
    order by query_at
    limit :limit
    for update skip locked
)
update payments p set queries = p.queries + 1,
    query_at = case when p.expires_at > now()
        then least(p.expires_at + interval '1 second', now() + (:waits::interval[])[least(p.queries + 1, cardinality(:waits::interval[]))])
        else now() + (:waits::interval[])[least(p.queries + 1, cardinality(:waits::interval[]))] end
from due, bills b
where p.payment_no = due.payment_no and b.bill_no = p.bill_no
returning p.payment_no, p.channel,
    p.cancel_asked or p.expires_at <= now() or b.status <> 'unpaid'
        or p.status not in ('pending', 'unknown') as must_close,
    p.expires_at + interval '15 minutes' <= now() as is_long_over

-- name: add_refund!
insert into refunds (refund_no, payment_no, platform_id, amount_fen, reason)
values (:refund_no, :payment_no, :platform_id, :amount_fen, :reason)

-- name: lock_refund^
select refund_no, payment_no, platform_id, amount_fen, reason, status, created_at, succeeded_at
from refunds where refund_no = :refund_no and payment_no = :payment_no
for update

-- name: list_refunds
select refund_no, payment_no, platform_id, amount_fen, reason, status, created_at, succeeded_at
from refunds where payment_no = :payment_no
order by created_at, refund_no

-- name: store_refund!
update refunds set status = :status, channel_refund_id = coalesce(:channel_refund_id, channel_refund_id),
    succeeded_at = case when :status = 'succeeded' then coalesce(:succeeded_at, now()) end,
    updated_at = now()
where refund_no = :refund_no

-- name: sum_open_refunds$
select coalesce(sum(amount_fen), 0)::bigint from refunds
where payment_no = :payment_no and status in ('asked', 'processing')

-- name: take_due_refunds
with due as (
    select refund_no from refunds
    where status in ('asked', 'processing') and query_at <= now()
    order by query_at
    limit :limit
    for update skip locked
)
update refunds r set queries = r.queries + 1,
    query_at = now() + (:waits::interval[])[least(r.queries + 1, cardinality(:waits::interval[]))]
from due, payments p
where r.refund_no = due.refund_no and p.payment_no = r.payment_no
returning r.refund_no, r.payment_no, p.channel, r.amount_fen,
    coalesce(p.taken_fen, p.amount_fen) as payment_amount_fen, r.reason, r.status, r.queries as tries

-- name: move_bills!
update bills set citizen_id = :kept where citizen_id = :gone

-- name: move_payments!
update payments set citizen_id = :kept where citizen_id = :gone
