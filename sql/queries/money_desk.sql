-- name: list_matters
-- What waits for a person, of the clerk's items and places, in the order of their payments.
select m.payment_no, m.matter, m.kind, m.refund_no, m.amount_fen, m.since, p.channel, p.status,
    p.amount_fen as paid_fen, p.refunded_fen, b.bill_no, b.case_no, b.service_code, b.service_name
from payment_matters m
join payments p on p.payment_no = m.payment_no
join bills b on b.bill_no = p.bill_no
where (m.payment_no, m.matter) > (:after_payment, :after_matter)
    and (:kind::text is null or m.kind = :kind)
    and (:status::text is null or p.status = :status)
    and exists (select from unnest(:service_prefixes::text[]) as s where starts_with(b.service_code, s))
    and exists (select from unnest(:region_prefixes::text[]) as r where starts_with(b.region_code, r))
order by m.payment_no, m.matter
limit :limit

-- name: list_matters_of
select m.payment_no, m.matter, m.kind, m.refund_no, m.amount_fen, m.since, p.channel, p.status,
    p.amount_fen as paid_fen, p.refunded_fen, b.bill_no, b.case_no, b.service_code, b.service_name
from payment_matters m
join payments p on p.payment_no = m.payment_no
join bills b on b.bill_no = p.bill_no
where m.payment_no = :payment_no
order by m.matter

-- name: count_matters
select kind, count(*) from payment_matters group by kind

-- name: list_notices_of
select notice_id, refund_no, said, outcome, times, first_at, last_at
from payment_notices where payment_no = :payment_no
order by first_at, notice_id
limit 100

-- name: list_resolutions
select matter, action, note, reference, amount_fen, refund_no, new_refund_no, clerk, resolved_at
from payment_resolutions where payment_no = :payment_no
order by resolved_at, matter

-- name: add_resolution$
insert into payment_resolutions
    (payment_no, matter, action, note, reference, amount_fen, refund_no, new_refund_no, clerk)
values (:payment_no, :matter, :action, :note, :reference, :amount_fen, :refund_no, :new_refund_no, :clerk)
on conflict do nothing
returning matter

-- name: refund_soon!
update refunds set query_at = now(), queries = 0 where refund_no = :refund_no

-- name: mark_by_hand!
update refunds set by_hand = true where refund_no = :refund_no
