-- migrate:up
-- The ledger: double entry, append-only, in whole fen; and the numbers of fiscal receipts.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table ledger_accounts (
    account_id bigint generated always as identity primary key,
    kind text not null check (
        kind in ('receivable', 'assessed', 'clearing', 'treasury', 'refunds_payable', 'suspense', 'bank', 'fees')
    ),
    name text not null check (length(name) between 1 and 200),
    currency text not null default 'CNY' check (currency ~ '^[A-Z]{3}$'),
    floor smallint not null generated always as (
        case
            when kind = 'receivable' then 1
            when kind in ('assessed', 'treasury', 'refunds_payable', 'suspense') then -1
            else 0
        end
    ) stored,
    opened_at timestamptz not null default clock_timestamp(),
    unique (kind, name, currency),
    unique (account_id, currency)
);
comment on column ledger_accounts.floor is '1: no subject''s balance below zero; -1: none above zero; 0: either';

create table ledger_entries (
    entry_id bigint generated always as identity primary key,
    kind text not null check (length(kind) between 1 and 60),
    reference text not null check (length(reference) between 1 and 200),
    currency text not null,
    line_count smallint not null check (line_count between 2 and 100),
    reverses bigint unique references ledger_entries (entry_id),
    occurred_at timestamptz not null,
    posted_at timestamptz not null default clock_timestamp(),
    unique (kind, reference),
    unique (entry_id, currency),
    check (reverses < entry_id)
);
create index ledger_entries_occurred_at on ledger_entries (occurred_at);
comment on column ledger_entries.line_count is 'how many lines belong to it: fewer fail at commit, a later one at once';
comment on column ledger_entries.reverses is 'the entry that this one compensates, line by line; each at most once';

create table ledger_lines (
    entry_id bigint not null,
    line_no smallint not null check (line_no >= 1),
    account_id bigint not null,
    currency text not null,
    subject text not null check (length(subject) between 1 and 200),
    amount_fen bigint not null check (amount_fen <> 0 and abs(amount_fen) <= 10000000000000),
    primary key (entry_id, line_no)
);
create index ledger_lines_account on ledger_lines (account_id, subject);
comment on column ledger_lines.amount_fen is 'above zero: debit; below zero: credit';
comment on column ledger_lines.subject is 'what the money is about, such as a bill: floors hold for each subject';

-- Projections of the lines, kept by the triggers below; lines alone are the truth.
create table ledger_balances (
    account_id bigint not null references ledger_accounts (account_id),
    shard smallint not null,
    balance_fen bigint not null,
    primary key (account_id, shard)
) with (fillfactor = 50);
comment on table ledger_balances is 'an account''s balance is the sum of its shards; a session adds to one shard, so that sessions do not wait for each other';

create table ledger_subject_balances (
    account_id bigint not null references ledger_accounts (account_id),
    subject text not null,
    floor smallint not null,
    balance_fen bigint not null,
    primary key (account_id, subject)
) with (fillfactor = 80);

create function project_ledger_lines() returns trigger language plpgsql as $$
declare
    broken bigint;
begin
    -- Subqueries, not joins: of the new rows nothing is known to the planner, and a join may read
    -- the whole of the other table.
    -- One currency an entry: its lines and their accounts all carry the entry's. Foreign keys would
    -- lock every busy account's row once a line; entries and accounts never change nor go.
    if exists (
        select from added l
        where (select e.currency from ledger_entries e where e.entry_id = l.entry_id)
                is distinct from l.currency
            or (select a.currency from ledger_accounts a where a.account_id = l.account_id)
                is distinct from l.currency
    ) then
        raise exception 'a line has an entry and an account of its currency'
            using errcode = 'foreign_key_violation';
    end if;
    if exists (
        select from (select distinct entry_id from added) a
        where (select e.line_count from ledger_entries e where e.entry_id = a.entry_id)
            < (select count(*) from ledger_lines l where l.entry_id = a.entry_id)
    ) then
        raise exception 'the entry is complete' using errcode = 'restrict_violation';
    end if;
    -- Always in the same order, so that two entries do not wait for each other in a circle.
    insert into ledger_balances as b (account_id, shard, balance_fen)
    select account_id, pg_backend_pid() & 31, sum(amount_fen)::bigint
    from added
    group by account_id
    order by account_id
    on conflict (account_id, shard) do update set balance_fen = b.balance_fen + excluded.balance_fen;
    with floors as materialized (
        select a.account_id, a.floor from ledger_accounts a
        where a.account_id in (select account_id from added) and a.floor <> 0
    ), changed as (
        insert into ledger_subject_balances as b (account_id, subject, floor, balance_fen)
        select l.account_id, l.subject, f.floor, sum(l.amount_fen)::bigint
        from added l
        join floors f on f.account_id = l.account_id
        group by l.account_id, l.subject, f.floor
        order by l.account_id, l.subject
        on conflict (account_id, subject) do update set balance_fen = b.balance_fen + excluded.balance_fen
        returning b.floor, b.balance_fen
    )
    select count(*) into broken from changed where sign(balance_fen) * floor < 0;
    -- No check constraint: an upsert would hold it against the addend before it finds the row.
    if broken > 0 then
        raise exception 'a subject''s balance would cross its floor' using errcode = 'check_violation';
    end if;
    return null;
end
$$;

create function demand_whole_entry() returns trigger language plpgsql as $$
declare
    lines bigint;
    total numeric;
begin
    select count(*), coalesce(sum(amount_fen), 0) into lines, total
    from ledger_lines where entry_id = new.entry_id;
    if lines <> new.line_count or total <> 0 then
        raise exception 'a ledger entry has % of % lines and does not balance by % fen',
            lines, new.line_count, total using errcode = 'check_violation';
    end if;
    if new.reverses is not null and (
        exists (select from ledger_entries where entry_id = new.reverses and reverses is not null)
        or exists (
            select from ledger_lines
            where entry_id in (new.entry_id, new.reverses)
            group by account_id, subject
            having sum(amount_fen) <> 0
        )
    ) then
        raise exception 'a reversal compensates an entry that is none itself, line by line'
            using errcode = 'check_violation';
    end if;
    return null;
end
$$;

create trigger ledger_lines_projected after insert on ledger_lines
    referencing new table as added
    for each statement execute function project_ledger_lines();
-- At commit. Lines come only with their entry, so the entry is the place to look at them all.
create constraint trigger ledger_entries_whole after insert on ledger_entries
    deferrable initially deferred
    for each row execute function demand_whole_entry();

create trigger ledger_accounts_append_only before update or delete on ledger_accounts
    for each row execute function refuse_change();
create trigger ledger_accounts_never_truncated before truncate on ledger_accounts
    for each statement execute function refuse_change();
create trigger ledger_entries_append_only before update or delete on ledger_entries
    for each row execute function refuse_change();
create trigger ledger_entries_never_truncated before truncate on ledger_entries
    for each statement execute function refuse_change();
create trigger ledger_lines_append_only before update or delete on ledger_lines
    for each row execute function refuse_change();
create trigger ledger_lines_never_truncated before truncate on ledger_lines
    for each statement execute function refuse_change();

create table fiscal_sequences (
    code text primary key check (code ~ '^[0-9]{8}$'),
    last_number bigint not null default 0 check (last_number between 0 and 9999999999)
) with (fillfactor = 50);

create table fiscal_numbers (
    code text not null references fiscal_sequences (code),
    number bigint not null check (number between 1 and 9999999999),
    subject text not null unique check (length(subject) between 1 and 200),
    minted_at timestamptz not null default clock_timestamp(),
    primary key (code, number)
);
comment on table fiscal_numbers is 'numbers of fiscal receipts, given out once each and never again; subject: what the receipt is for';

create trigger fiscal_numbers_append_only before update or delete on fiscal_numbers
    for each row execute function refuse_change();
create trigger fiscal_numbers_never_truncated before truncate on fiscal_numbers
    for each statement execute function refuse_change();

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
