-- name: insert_entries
-- No row for one whose kind and reference are known, or that reverses what is reversed already.
insert into ledger_entries (kind, reference, currency, line_count, reverses, occurred_at)
select n.kind, n.reference, n.currency, n.line_count, n.reverses, n.occurred_at
from unnest(:kinds::text[], :names::text[], :currencies::text[], :line_counts::smallint[],
    :reverses::bigint[], :moments::timestamptz[])
    as n (kind, reference, currency, line_count, reverses, occurred_at)
order by n.kind, n.reference
on conflict do nothing
returning entry_id, kind, reference

-- name: find_entry^
select entry_id, kind, reference, currency, reverses, occurred_at
from ledger_entries
where kind = :kind and reference = :reference

-- name: read_entry^
select entry_id, kind, reference, currency, reverses, occurred_at
from ledger_entries
where entry_id = :entry_id

-- name: list_lines
select a.kind, a.name, l.subject, l.amount_fen
from ledger_lines l
join ledger_accounts a on a.account_id = l.account_id
where l.entry_id = :entry_id
order by l.line_no

-- name: find_accounts
select a.account_id, a.kind, a.name, a.currency, a.floor
from unnest(:kinds::text[], :names::text[], :currencies::text[]) as n (kind, name, currency)
join ledger_accounts a on a.kind = n.kind and a.name = n.name and a.currency = n.currency

-- name: open_accounts!
insert into ledger_accounts (kind, name, currency)
select distinct n.kind, n.name, n.currency
from unnest(:kinds::text[], :names::text[], :currencies::text[]) as n (kind, name, currency)
order by n.kind, n.name, n.currency
on conflict do nothing

-- name: hold_balances
-- Locked till the end of the transaction, in the projection's order.
with named as materialized (
    select n.account_id, n.subject
    from unnest(:account_ids::bigint[], :subjects::text[]) as n (account_id, subject)
    order by n.account_id, n.subject
)
select c.account_id, c.subject, h.balance_fen
from named c
cross join lateral (
    select b.balance_fen from ledger_subject_balances b
    where b.account_id = c.account_id and b.subject = c.subject
    for update
) h

-- name: insert_lines!
insert into ledger_lines (entry_id, line_no, account_id, currency, subject, amount_fen)
select n.entry_id, n.line_no, n.account_id, n.currency, n.subject, n.amount_fen
from unnest(:entry_ids::bigint[], :line_nos::smallint[], :account_ids::bigint[], :currencies::text[],
    :subjects::text[], :amounts::bigint[])
    as n (entry_id, line_no, account_id, currency, subject, amount_fen)

-- name: sum_account$
select coalesce(sum(b.balance_fen), 0)::bigint
from ledger_balances b
join ledger_accounts a on a.account_id = b.account_id
where a.kind = :kind and a.name = :name and a.currency = :currency

-- name: sum_subject$
select coalesce(sum(l.amount_fen), 0)::bigint
from ledger_lines l
join ledger_accounts a on a.account_id = l.account_id
where a.kind = :kind and a.name = :name and a.currency = :currency and l.subject = :subject

-- name: sum_everything$
select coalesce(sum(amount_fen), 0)::bigint from ledger_lines

-- name: list_differences
-- One statement, so one moment, whatever is being posted beside it.
with truth as (
    select account_id, null::text as subject, sum(amount_fen)::bigint as balance_fen
    from ledger_lines
    group by account_id
    union all
    select l.account_id, l.subject, sum(l.amount_fen)::bigint
    from ledger_lines l
    join ledger_accounts a on a.account_id = l.account_id
    where a.floor <> 0
    group by l.account_id, l.subject
), projected as (
    select account_id, null::text as subject, sum(balance_fen)::bigint as balance_fen
    from ledger_balances
    group by account_id
    union all
    select account_id, subject, balance_fen from ledger_subject_balances
), compared as (
    select
        coalesce(t.account_id, p.account_id) as account_id,
        coalesce(t.subject, p.subject) as subject,
        coalesce(t.balance_fen, 0) as true_fen,
        coalesce(p.balance_fen, 0) as projected_fen
    from truth t
    full join projected p
        on p.account_id = t.account_id and coalesce(p.subject, '') = coalesce(t.subject, '')
)
select a.kind, a.name, a.currency, c.subject, c.true_fen, c.projected_fen
from compared c
join ledger_accounts a on a.account_id = c.account_id
where c.true_fen <> c.projected_fen
order by a.account_id, c.subject nulls first

-- name: stop_posting!
lock table ledger_lines in share mode

-- name: forget_balances!
delete from ledger_balances

-- name: forget_subject_balances!
delete from ledger_subject_balances

-- name: project_balances!
insert into ledger_balances (account_id, shard, balance_fen)
select account_id, 0, sum(amount_fen)::bigint
from ledger_lines
group by account_id

-- name: project_subject_balances!
insert into ledger_subject_balances (account_id, subject, floor, balance_fen)
select l.account_id, l.subject, a.floor, sum(l.amount_fen)::bigint
from ledger_lines l
join ledger_accounts a on a.account_id = l.account_id
where a.floor <> 0
group by l.account_id, l.subject, a.floor
