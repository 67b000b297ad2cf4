-- name: note_entries!
with noted as (
    insert into audit_entries (actor, action, subject, details)
    select n.actor, n.action, n.subject, n.details
    from unnest(:actors::text[], :actions::text[], :subjects::text[], :details::text[])
        with ordinality as n (actor, action, subject, details, place)
    order by n.place
    returning entry_id
)
insert into audit_waiting (entry_id) select entry_id from noted

-- name: lock_chain$
select pg_try_advisory_xact_lock(hashtext('audit_chain'))

-- name: find_chain_end^
select seal_no, seal from audit_chain order by seal_no desc limit 1

-- name: take_waiting
with taken as (
    delete from audit_waiting
    where entry_id in (select entry_id from audit_waiting order by entry_id limit :limit)
    returning entry_id
)
select e.entry_id, e.noted_at, e.actor, e.action, e.subject, e.details
from audit_entries e
join taken t on t.entry_id = e.entry_id
order by e.entry_id

-- name: store_seals!
insert into audit_chain (seal_no, entry_id, seal)
select * from unnest(:seal_nos::bigint[], :entry_ids::bigint[], :seals::bytea[])

-- name: list_sealed
select c.seal_no, c.seal, c.entry_id, e.noted_at, e.actor, e.action, e.subject, e.details
from audit_chain c
left join audit_entries e on e.entry_id = c.entry_id
where c.seal_no > :after
order by c.seal_no
limit :limit

-- name: count_chain$
select count(*) from audit_chain

-- name: list_unsealed
-- Entries that are neither in the chain nor waiting for it, and such as wait for too long.
select e.entry_id
from audit_entries e
where not exists (select 1 from audit_chain c where c.entry_id = e.entry_id)
    and (
        e.noted_at < now() - interval '10 minutes'
        or not exists (select 1 from audit_waiting w where w.entry_id = e.entry_id)
    )
order by e.entry_id
limit :limit

-- name: list_entries
select e.entry_id, e.noted_at, e.actor, e.action, e.subject, e.details, c.seal_no, c.seal
from audit_entries e
left join audit_chain c on c.entry_id = e.entry_id
where (:subject::text is null or e.subject = :subject)
    and (:actor::text is null or e.actor = :actor)
    and e.entry_id < :before
order by e.entry_id desc
limit :limit
