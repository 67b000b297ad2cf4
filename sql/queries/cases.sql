-- name: lock_case^
select
    case_no, citizen_id, platform_id, service_code, service_version, region_code, status, version,
    last_seq, limit_days, clock, clock_from, clock_days_left, due_on, due_provisional, warn_on,
    warned, correction, corrections_count, suspension, resume_status, result_code, result_reason,
    result, fee_fen, fee_basis, paid_at, evaluated_at, pushed_at, submitted_at, received_on,
    accepted_on, decided_on, extended_days, completed_at
from cases
where case_no = :case_no
for update

-- name: store_case!
update cases
set
    status = :status, version = :version, last_seq = :last_seq, limit_days = :limit_days, clock =
    :clock, clock_from = :clock_from, clock_days_left = :clock_days_left, due_on = :due_on,
    due_provisional = :due_provisional, warn_on = :warn_on, warned = :warned, correction =
    :correction, corrections_count = :corrections_count, suspension = :suspension, resume_status =
    :resume_status, result_code = :result_code, result_reason = :result_reason, result = :result,
    fee_fen = :fee_fen, fee_basis = :fee_basis, paid_at = :paid_at, evaluated_at = :evaluated_at,
    pushed_at = :pushed_at, submitted_at = :submitted_at, received_on = :received_on, accepted_on
    = :accepted_on, decided_on = :decided_on, extended_days = :extended_days, completed_at =
    :completed_at,
    updated_at = now()
where case_no = :case_no

-- name: find_known_event^
select case_no, seq, applied, fingerprint
from case_events
where platform_id = :platform_id and event_id = :event_id

-- name: add_event$
-- Gives nothing where the same event_id was told of another case in the same moment.
insert into case_events (
    case_no, seq, type, applied, from_status, to_status, occurred_at, actor, platform_id,
    event_id, fingerprint, note, details
)
values (
    :case_no, :seq, :type, :applied, :from_status, :to_status, :occurred_at, :actor, :platform_id,
    :event_id, :fingerprint, :note, :details
)
on conflict (platform_id, event_id) where event_id is not null do nothing
returning seq

-- name: list_clock_events
select type, occurred_at, (details ->> 'days')::integer as days
from case_events
where case_no = :case_no

-- name: find_guide_asks^
select (guide -> 'process')::text as process, (guide -> 'materials')::text as materials
from service_versions
where service_code = :service_code and version = :version

-- name: touch_waiting_case$
update cases set version = version + 1, updated_at = now()
where case_no = :case_no and status = 'awaiting_payment'
returning version

-- name: was_told_paid$
select true from case_events where case_no = :case_no and type = 'paid' and actor = :actor

-- name: find_progress^
-- Everything in one round trip: a miss of the cache costs one statement.
select
    c.case_no, c.citizen_id, c.service_code, c.service_name, c.status, c.resume_status, c.version,
    c.clock, c.due_on, c.due_provisional, c.fee_fen, c.evaluated_at, c.submitted_at, c.updated_at,
    (
        select (v.guide -> 'process' -> 'steps')::text
        from service_versions v
        where v.service_code = c.service_code and v.version = c.service_version
    ) as steps,
    (
        select json_object_agg(r.type, r.at)::text
        from (
            select e.type, date_trunc('second', min(e.occurred_at)) as at
            from case_events e
            where e.case_no = c.case_no
            group by e.type
        ) r
    ) as reached,
    (
        select json_agg(l)::text
        from (
            select e.seq, e.type, date_trunc('second', e.occurred_at) as at, e.note
            from case_events e
            where e.case_no = c.case_no
            order by e.seq desc
            limit 10
        ) l
    ) as events,
    b.bill_no, b.status as bill_status, b.amount_fen as bill_fen
from cases c
left join lateral (
    select b.bill_no, b.status, b.amount_fen from bills b
    where b.case_no = c.case_no and b.status <> 'cancelled'
    order by b.bill_id desc
    limit 1
) b on true
where c.case_no = :case_no

-- name: find_password_hash$
select query_password_hash from cases where case_no = :case_no and status <> 'draft'

-- name: find_owner^
select citizen_id, service_code, last_seq
from cases
where case_no = :case_no and citizen_id = :citizen_id

-- name: list_events_after
select
    e.seq, e.type, e.applied, e.to_status, e.occurred_at, e.note,
    c.evaluated_at is not null as evaluated
from cases c
join case_events e on e.case_no = c.case_no
where c.case_no = :case_no and c.citizen_id = :citizen_id and e.seq > :after
order by e.seq
limit 100

-- name: list_events
select
    seq, type, applied, from_status, to_status, occurred_at, recorded_at, actor, note
from case_events
where case_no = :case_no
order by seq desc
limit 200

-- name: list_tasks
-- What is due first comes first; without a day it comes last.
select
    case_no, service_code, service_name, region_code, status, version, clock, due_on,
    due_provisional, warned, evaluated_at is not null as evaluated, submitted_at, updated_at
from cases
where
    status not in ('draft', 'completed', 'delivered', 'withdrawn')
    and (coalesce(due_on, date '9999-12-31'), case_no) > (:after_due::date, :after_case_no::text)
    and exists (select from unnest(:service_prefixes::text[]) p where starts_with(service_code, p))
    and exists (select from unnest(:region_prefixes::text[]) p where starts_with(region_code, p))
    and (:status::text is null or status = :status)
    and (:overdue::boolean is null or coalesce(due_on < :today::date, false) = :overdue)
order by coalesce(due_on, date '9999-12-31'), case_no
limit :limit

-- name: list_finished_tasks
-- Completed, delivered and withdrawn cases, the newest first.
select
    case_no, service_code, service_name, region_code, status, version, clock, due_on,
    due_provisional, warned, evaluated_at is not null as evaluated, submitted_at, updated_at
from cases
where
    status = :status::text
    and status in ('completed', 'delivered', 'withdrawn')
    and (updated_at, case_no) < (:before_time::timestamptz, :before_case_no::text)
    and exists (select from unnest(:service_prefixes::text[]) p where starts_with(service_code, p))
    and exists (select from unnest(:region_prefixes::text[]) p where starts_with(region_code, p))
    and (:overdue::boolean is null or coalesce(due_on < :today::date, false) = :overdue)
order by updated_at desc, case_no desc
limit :limit

-- name: find_whole_case^
select
    case_no, citizen_id, origin, service_code, service_name, region_code, status, resume_status,
    version, clock, limit_days, due_on, due_provisional, accepted_on, correction::text,
    suspension::text, result::text, fee_fen, paid_at, materials::text, form_sealed,
    applicant_sealed, evaluated_at
from cases
where case_no = :case_no and status <> 'draft'

-- name: find_rights^
select service_code, region_code, status from cases where case_no = :case_no

-- name: find_platform_case^
select
    case_no, platform_id, service_code, service_name, region_code, origin, status, version,
    last_seq, clock, due_on, due_provisional, result_code, evaluated_at, query_password_hash,
    created_at, updated_at
from cases
where case_no = :case_no and status <> 'draft'

-- name: find_service^
select
    service_code, version, name, department_code, region_code,
    case when handling_type = 'instant' then 0 else coalesce(promised_days, statutory_days) end
        as limit_days,
    withdrawn_at is not null as withdrawn
from services
where service_code = :service_code

-- name: next_serial$
select nextval('case_serials')

-- name: mint_case_no!
insert into minted_case_nos (case_no, service_code, platform_id)
values (:case_no, :service_code, :platform_id)

-- name: find_minted_service$
select service_code from minted_case_nos where case_no = :case_no and platform_id = :platform_id

-- name: add_counter_case$
insert into cases (
    case_no, origin, platform_id, service_code, service_version, service_name, department_code,
    region_code, status, version, last_seq, applicant_sealed, completeness_percent,
    query_password_hash, limit_days
)
values (
    :case_no, 'counter', :platform_id, :service_code, :service_version, :service_name,
    :department_code, :region_code, 'draft', 1, 0, :applicant_sealed, 100,
    :query_password_hash, :limit_days
)
on conflict (case_no) do nothing
returning case_no

-- name: list_unaccepted
select case_no, received_on
from cases
where status in ('submitted', 'pre_checked') and received_on <= :received_before
order by received_on, case_no
limit 500

-- name: list_provisional
select case_no
from cases
where due_provisional and case_no > :after
order by case_no
limit 500

-- name: warn_late!
update cases
set warned = case when due_on < :today::date then 'red' else 'yellow' end
where case_no in (
    select case_no
    from cases
    where
        warn_on <= :today and warned is distinct from 'red'
        and (warned is null or due_on < :today)
    limit 1000
    for update skip locked
)

-- name: list_cases_of
select case_no, version from cases where citizen_id = :citizen_id for update

-- name: give_cases!
update cases
set citizen_id = :kept, version = version + 1, updated_at = now()
where citizen_id = :gone

-- name: give_uploads!
update uploads set citizen_id = :kept where citizen_id = :gone

-- name: empty_cases!
update cases
set form_sealed = null, applicant_sealed = null, citizen_id = null, agent_id = null,
    correction = null, version = version + 1, updated_at = now()
where citizen_id = :citizen_id
