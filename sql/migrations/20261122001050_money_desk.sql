-- migrate:up
-- Bills that a paper letter carries, and what people do about money that went wrong.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table bill_claims (
    citizen_id text not null,
    bill_no text not null references bills (bill_no),
    claimed_at timestamptz not null default now(),
    primary key (citizen_id, bill_no)
);
create index bill_claims_bill on bill_claims (bill_no);
comment on table bill_claims is 'who typed a bill''s payment notice code: they may see and pay it, whoever owes it';

create table payment_resolutions (
    payment_no text not null references payments (payment_no),
    matter text not null,
    action text not null check (action in ('refund_again', 'settled_outside', 'seen')),
    note text not null,
    reference text,
    amount_fen bigint check (amount_fen > 0),
    refund_no text,
    new_refund_no text,
    clerk text not null,
    resolved_at timestamptz not null default now(),
    primary key (payment_no, matter)
);
comment on table payment_resolutions is 'each matter is settled once, by one clerk';
comment on column payment_resolutions.matter is 'a flag of the payment, long_unknown, or the number of a refund, with its round';
comment on column payment_resolutions.new_refund_no is 'the refund instead of it: under a new number, or by hand';
create index payment_resolutions_refund on payment_resolutions (refund_no) where action = 'settled_outside';

create view payment_matters as
with every as (
    select payment_no, flag as matter, flag as kind, null::text as refund_no, null::bigint as amount_fen,
        updated_at as since
    from payments where flag is not null and flag <> 'refund_failed'
    union all
    select payment_no, 'long_unknown', 'long_unknown', null, null, created_at
    from payments where status = 'unknown' and created_at < now() - interval '1 day'
    union all
    select payment_no, case round when 1 then refund_no else refund_no || '/' || round end,
        'refund_failed', refund_no, amount_fen, updated_at
    from refunds where status = 'failed'
    union all
    select payment_no, 'late/' || refund_no, 'refund_late', refund_no, amount_fen, created_at
    from refunds where status in ('asked', 'processing') and created_at < now() - interval '1 day'
    union all
    select f.payment_no, 'twice/' || f.refund_no, 'refunded_twice', f.refund_no, f.amount_fen, f.updated_at
    from payment_resolutions s
    join refunds f on f.refund_no = s.refund_no
    where s.action = 'settled_outside' and f.status = 'succeeded'
)
select e.payment_no, e.matter, e.kind, e.refund_no, e.amount_fen, e.since
from every e
where not exists (
    select from payment_resolutions r where r.payment_no = e.payment_no and r.matter = e.matter
);
comment on view payment_matters is 'what waits for a person, one row for each thing that has to be settled';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
