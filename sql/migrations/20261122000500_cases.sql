-- migrate:up
-- Cases: what people apply for, every step of it, and the files they hand in.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create sequence case_serials maxvalue 999999999 cycle;
comment on sequence case_serials is 'the last nine digits of a case number; gaps are of no matter';

create table cases (
    case_no text primary key,
    origin text not null check (origin in ('online', 'counter')),
    citizen_id text,
    organisation_id text,
    agent_id text,
    platform_id text,
    channel text,
    service_code text not null,
    service_version integer not null,
    service_name text not null,
    department_code text not null,
    region_code text not null,
    status text not null,
    version integer not null default 1,
    last_seq integer not null default 0,
    form_sealed bytea,
    applicant_sealed bytea,
    materials json not null default '[]',
    completeness_percent smallint not null default 0,
    query_password_hash bytea not null,
    limit_days integer,
    clock text not null default 'stopped' check (clock in ('running', 'paused', 'stopped')),
    clock_from date,
    clock_days_left integer,
    due_on date,
    due_provisional boolean not null default false,
    warn_on date,
    warned text check (warned in ('yellow', 'red')),
    correction json,
    corrections_count smallint not null default 0,
    suspension json,
    resume_status text,
    result_code text,
    result_reason text,
    result json,
    fee_fen bigint check (fee_fen >= 0),
    fee_basis text,
    paid_at timestamptz,
    evaluated_at timestamptz,
    pushed_at timestamptz,
    created_at timestamptz not null default now(),
    submitted_at timestamptz,
    received_on date,
    accepted_on date,
    decided_on date,
    extended_days smallint not null default 0,
    completed_at timestamptz,
    updated_at timestamptz not null default now()
) with (fillfactor = 80);
create index cases_citizen on cases (citizen_id, created_at desc, case_no desc) where citizen_id is not null;
create index cases_platform on cases (platform_id, case_no) where platform_id is not null;
create index cases_department on cases (department_code, status, due_on, case_no);
create index cases_tasks on cases (coalesce(due_on, date '9999-12-31'), case_no)
    where status not in ('draft', 'completed', 'delivered', 'withdrawn');
create index cases_warn on cases (warn_on) where warn_on is not null and warned is distinct from 'red';
create index cases_provisional on cases (case_no) where due_provisional;
create index cases_unaccepted on cases (received_on) where status in ('submitted', 'pre_checked');
comment on column cases.version is 'grows with every change; the If-Match of clerks';
comment on column cases.resume_status is 'where a paused case goes on from';
comment on column cases.pushed_at is 'occurred_at of the newest event from outside that was applied: older ones are only recorded';
comment on column cases.warn_on is 'from this day on the department is warned; red once due_on is over';
comment on column cases.received_on is 'the day the materials last became complete, as far as we know';
comment on column cases.accepted_on is 'received_on of an accepted case: the clock counts from the day after';
comment on column cases.fee_fen is 'integer fen; what the process says is due';

create table minted_case_nos (
    case_no text primary key,
    service_code text not null,
    platform_id text not null,
    minted_at timestamptz not null default now()
);
comment on table minted_case_nos is 'numbers handed out to platforms for cases they take at counters';

create table case_events (
    case_no text not null references cases (case_no),
    seq integer not null,
    type text not null,
    applied boolean not null,
    from_status text,
    to_status text,
    occurred_at timestamptz not null,
    recorded_at timestamptz not null default now(),
    actor text not null,
    platform_id text,
    event_id text,
    fingerprint bytea,
    note text,
    details json,
    primary key (case_no, seq)
);
create unique index case_events_outside on case_events (platform_id, event_id) where event_id is not null;
comment on table case_events is 'append-only: a trigger refuses changes and deletions';
comment on column case_events.fingerprint is 'SHA-256 of what was pushed: the same event_id with other words is refused';

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;
-- Every process listens: streams are woken and cached progress is forgotten, whoever wrote.
create function tell_of_case() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform pg_notify('case_changed', json_build_array(old.case_no, old.version + 1)::text);
    else
        perform pg_notify('case_changed', json_build_array(new.case_no, new.version)::text);
    end if;
    return null;
end
$$;
create trigger cases_created after insert or delete on cases for each row execute function tell_of_case();
create trigger cases_changed after update on cases for each row
    when (old.version is distinct from new.version) execute function tell_of_case();

create trigger case_events_append_only before update or delete on case_events
    for each row execute function refuse_change();
create trigger case_events_never_truncated before truncate on case_events
    for each statement execute function refuse_change();

create table uploads (
    upload_id text primary key,
    citizen_id text not null,
    sha256 text not null,
    size_bytes integer not null,
    media_type text not null,
    scan text not null check (scan in ('clean', 'unscanned')),
    case_no text,
    created_at timestamptz not null default now()
);
create index uploads_citizen on uploads (citizen_id, created_at desc);
create index uploads_unused on uploads (created_at) where case_no is null;
comment on column uploads.case_no is 'the case it was handed in with; unused uploads are forgotten after a day';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
