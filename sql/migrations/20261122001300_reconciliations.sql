-- migrate:up
-- What channels' bills say, day by day, beside what we say; and where the two differ.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table reconciliations (
    channel text not null,
    day date not null,
    state text not null default 'waiting' check (state in ('waiting', 'clean', 'open', 'failed')),
    reason text,
    load_id bigint,
    run_no integer not null default 0,
    lines integer,
    payments_here integer,
    payments_here_fen bigint,
    payments_there integer,
    payments_there_fen bigint,
    refunds_here integer,
    refunds_here_fen bigint,
    refunds_there integer,
    refunds_there_fen bigint,
    fees_fen bigint,
    ledger_fen bigint,
    ledger_wrong integer,
    finished_at timestamptz,
    primary key (channel, day),
    check (state in ('waiting', 'failed') or (finished_at is not null and ledger_fen is not null))
) with (fillfactor = 70);
create unique index reconciliations_load on reconciliations (load_id);
comment on table reconciliations is 'one row a channel and day, however often it is run; waiting: there is no bill yet';
comment on column reconciliations.load_id is 'the lines of the bill that count; others are left over from a run that ended';
comment on column reconciliations.ledger_fen is 'what the ledger says came in, less what went back, at the channel that day';
comment on column reconciliations.ledger_wrong is 'balances of the ledger that are not the sum of their lines';

create table reconciliation_leases (
    channel text not null,
    day date not null,
    token text not null,
    leased_until timestamptz not null,
    primary key (channel, day)
) with (fillfactor = 50);
comment on table reconciliation_leases is 'who runs a day: one at a time, and only while it says that it lives';

create table reconciliation_loads (
    load_id bigint generated always as identity primary key,
    channel text not null,
    day date not null
);
create index reconciliation_loads_day on reconciliation_loads (channel, day);
comment on table reconciliation_loads is 'each time that a bill was fetched; what does not count any more goes with its lines';

create table channel_bill_lines (
    load_id bigint not null references reconciliation_loads (load_id) on delete cascade,
    line_no integer not null,
    kind text not null check (kind in ('payment', 'refund')),
    payment_no text not null,
    refund_no text not null,
    channel_payment_id text not null,
    channel_refund_id text,
    amount_fen bigint not null,
    fee_fen bigint not null,
    state text not null,
    happened_at timestamptz not null,
    primary key (load_id, line_no)
);
create index channel_bill_lines_numbers on channel_bill_lines (payment_no, refund_no);
comment on table channel_bill_lines is 'the channels'' own words, but for whom they name: no buyer is kept';
comment on column channel_bill_lines.refund_no is 'empty for a payment';

create table reconciliation_differences (
    difference_id bigint generated always as identity primary key,
    channel text not null,
    day date not null,
    kind text not null check (kind in ('payment', 'refund')),
    payment_no text not null,
    refund_no text not null,
    occurrence integer not null default 1,
    cause text not null check (
        cause in ('missing_here', 'missing_there', 'amount', 'state', 'duplicate', 'date_cut_off')
    ),
    status text not null check (status in ('open', 'explained', 'repaired', 'closed', 'resolved')),
    here_fen bigint,
    there_fen bigint,
    gap_fen bigint not null,
    here_state text,
    there_state text,
    here_at timestamptz,
    there_at timestamptz,
    channel_payment_id text,
    channel_refund_id text,
    service_code text,
    region_code text,
    run_no integer not null,
    queried_at timestamptz,
    note text,
    resolved_by text,
    resolved_at timestamptz,
    first_seen_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    foreign key (channel, day) references reconciliations (channel, day),
    unique (channel, day, kind, payment_no, refund_no, occurrence),
    check (status <> 'resolved' or note is not null),
    check ((note is null) = (resolved_by is null))
) with (fillfactor = 80);
create index reconciliation_differences_day on reconciliation_differences (day, difference_id);
create index reconciliation_differences_open on reconciliation_differences (channel, day) where status = 'open';
comment on column reconciliation_differences.occurrence is 'from 2 on: the same number again in one bill';
comment on column reconciliation_differences.gap_fen is 'what we count of that day less what the bill counts; money back is negative';
comment on column reconciliation_differences.run_no is 'the run that saw it last';
comment on column reconciliation_differences.service_code is 'of the bill that was paid; none: the money belongs to nobody we know';

create table reconciliation_reports (
    day date primary key,
    page_sha256 text not null,
    table_sha256 text not null,
    drawn_at timestamptz not null default now()
);
comment on table reconciliation_reports is 'the last report of a day: a page for people and a table, in the file store';

-- A day's money is found by its time. The tables come with this release: nobody writes them yet.
-- squawk-ignore require-concurrent-index-creation
create index payments_paid on payments (channel, paid_at) where paid_at is not null;
-- squawk-ignore require-concurrent-index-creation
create index refunds_succeeded on refunds (succeeded_at) where succeeded_at is not null;

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
