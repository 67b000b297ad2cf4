-- migrate:up
-- Money: what is owed, every attempt to pay it, what went back, and what channels told us.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table bills (
    bill_no text primary key check (bill_no ~ '^[0-9]{20}$'),
    bill_id bigint generated always as identity unique,
    origin text not null check (origin in ('case', 'platform', 'citizen')),
    citizen_id text,
    case_no text,
    case_seq integer,
    platform_id text,
    reference text,
    service_code text not null,
    service_name text not null,
    region_code text not null,
    department_code text not null,
    amount_fen bigint not null check (amount_fen > 0),
    basis text,
    standard text,
    status text not null default 'unpaid'
        check (status in ('unpaid', 'paid', 'cancelled', 'partially_refunded', 'refunded')),
    due_on date not null,
    payment_no text,
    created_at timestamptz not null default now(),
    paid_at timestamptz,
    cancel_reason text,
    updated_at timestamptz not null default now()
) with (fillfactor = 80);
create unique index bills_case_open on bills (case_no) where status = 'unpaid';
create unique index bills_case_seq on bills (case_no, case_seq) where case_seq is not null;
create unique index bills_reference on bills (platform_id, reference) where reference is not null;
create index bills_citizen on bills (citizen_id, bill_id desc) where citizen_id is not null;
create index bills_case on bills (case_no, bill_id desc);
comment on column bills.bill_no is 'payment notice code 缴款码: 20 random digits that say nothing';
comment on column bills.case_seq is 'the event of the case that asked for the payment: it is billed once';
comment on column bills.reference is 'the platform''s own number: the same again is the same bill';
comment on column bills.case_no is 'none: an item that is only paid, or a fine decided elsewhere';
comment on column bills.cancel_reason is 'why whoever raised it took it back, for the person who owed it';
comment on column bills.payment_no is 'the one payment that paid it';

create table payments (
    payment_no text primary key,
    bill_no text not null references bills (bill_no),
    citizen_id text not null,
    channel text not null,
    merchant_id text not null default '',
    notice_base text,
    link_id text not null,
    description text not null,
    amount_fen bigint not null check (amount_fen > 0),
    taken_fen bigint check (taken_fen > 0),
    refunded_fen bigint not null default 0 check (refunded_fen between 0 and coalesce(taken_fen, amount_fen)),
    doubted_fen bigint,
    status text not null default 'pending',
    cancel_asked boolean not null default false,
    flag text,
    expires_at timestamptz not null,
    client_parameters json,
    channel_order_id text,
    channel_payment_id text,
    paid_at timestamptz,
    query_at timestamptz,
    queries integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
) with (fillfactor = 70);
create unique index payments_live on payments (bill_no, channel) where status in ('pending', 'unknown');
create index payments_bill on payments (bill_no);
create index payments_due on payments (query_at)
    where status in ('pending', 'unknown') or doubted_fen is not null;
create index payments_citizen on payments (citizen_id);
create index payments_flagged on payments (payment_no) where flag is not null;
create index payments_unknown on payments (created_at) where status = 'unknown';
comment on column payments.link_id is 'the account that pays: channels take money from one person only';
comment on column payments.merchant_id is 'the number at the channel that the money is taken under';
comment on column payments.notice_base is 'the public address when it was ordered: a repeat of the order names the same';
comment on column payments.taken_fen is 'what the channel took, where that is not the amount asked';
comment on column payments.doubted_fen is 'another amount that a notice named; the channel is asked until it says what it has';
comment on column payments.flag is 'why somebody should look at it, whatever became of it';
comment on column payments.query_at is 'when the channel is asked next, while the payment is not finished';

create table refunds (
    refund_no text primary key,
    payment_no text not null references payments (payment_no),
    platform_id text,
    amount_fen bigint not null check (amount_fen > 0),
    reason text not null,
    status text not null default 'asked' check (status in ('asked', 'processing', 'succeeded', 'failed')),
    channel_refund_id text,
    round smallint not null default 1,
    query_at timestamptz not null default now(),
    queries integer not null default 0,
    by_hand boolean not null default false,
    created_at timestamptz not null default now(),
    succeeded_at timestamptz,
    updated_at timestamptz not null default now()
) with (fillfactor = 70);
create index refunds_payment on refunds (payment_no);
create index refunds_due on refunds (query_at) where status in ('asked', 'processing');
create index refunds_failed on refunds (payment_no) where status = 'failed';
create index refunds_open on refunds (created_at) where status in ('asked', 'processing');
comment on column refunds.round is 'how many times it was promised: once more after each failure';
comment on column refunds.by_hand is 'the payer has it another way: no channel knows of it';
comment on table refunds is 'number and amount never change: every repeat carries the same';

create table payment_notices (
    notice_key text primary key,
    channel text not null,
    notice_id text not null,
    payment_no text not null,
    refund_no text,
    said text not null,
    outcome text not null,
    content_sealed bytea,
    times integer not null default 1,
    first_at timestamptz not null default now(),
    last_at timestamptz not null default now()
);
create index payment_notices_payment on payment_notices (payment_no);
comment on column payment_notices.notice_key is 'channel/notice_id: the same in every repeat';
comment on column payment_notices.content_sealed is 'what was proven, whole; it names persons';
comment on table payment_notices is 'every proven notice, also those about orders that we do not know';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
