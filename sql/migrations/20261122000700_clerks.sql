-- migrate:up
-- Clerks: who handles cases and with which role; and the audit trail of what everybody changed.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table clerks (
    user_name text primary key,
    name text not null,
    password_hash text not null,
    totp_sealed bytea not null,
    totp_step bigint not null default 0,
    roles text[] not null,
    service_prefixes text[] not null,
    region_prefixes text[] not null,
    failures smallint not null default 0,
    locked_until timestamptz,
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);
comment on column clerks.totp_step is 'the newest 30-second step whose code was used: a code counts once';
comment on column clerks.service_prefixes is 'beginnings of service codes, such as a department; an empty one is everything';

create table clerk_sessions (
    session_id text primary key references sessions (session_id),
    seen_at timestamptz not null default now()
) with (fillfactor = 80);
comment on table clerk_sessions is 'when a signed-in clerk last did anything: idle ones are signed out';

create table audit_entries (
    entry_id bigint generated always as identity primary key,
    noted_at timestamptz not null default clock_timestamp(),
    actor text not null,
    action text not null,
    subject text not null,
    details text not null
);
create index audit_entries_subject on audit_entries (subject, entry_id);
create index audit_entries_actor on audit_entries (actor, entry_id);
comment on column audit_entries.details is 'JSON as text, because the chain is made over these very bytes; no personal values';

create table audit_waiting (
    entry_id bigint primary key
);
comment on table audit_waiting is 'entries not yet in the chain; a worker takes them out within seconds';

create table audit_chain (
    seal_no bigint primary key,
    entry_id bigint not null unique,
    seal bytea not null
);
comment on table audit_chain is 'in the order of sealing: seal = SHA-256(seal before, entry); a changed, missing or inserted entry breaks it';

create trigger audit_entries_append_only before update or delete on audit_entries
    for each row execute function refuse_change();
create trigger audit_entries_never_truncated before truncate on audit_entries
    for each statement execute function refuse_change();
create trigger audit_chain_append_only before update or delete on audit_chain
    for each row execute function refuse_change();
create trigger audit_chain_never_truncated before truncate on audit_chain
    for each statement execute function refuse_change();

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
