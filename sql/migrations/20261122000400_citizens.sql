-- migrate:up
-- Citizens: keys of sealed columns, sessions, who somebody is, who acts for whom.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table data_keys (
    key_id integer generated always as identity primary key,
    purpose text not null check (purpose in ('seal', 'index')),
    algorithm text not null check (algorithm in ('aes-256-gcm', 'sm4-gcm', 'hmac-sha256', 'hmac-sm3')),
    wrapped_by text not null,
    wrapped bytea not null,
    created_at timestamptz not null default now(),
    retired_at timestamptz
);
comment on table data_keys is 'Keys of sealed columns and blind indexes, wrapped by a key-encryption key that is not here.';
comment on column data_keys.retired_at is 'when nothing used it any more; a later rotation destroys it';

create table key_rotations (
    rotation_id integer generated always as identity primary key,
    seal_key_id integer not null,
    index_key_id integer not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
create unique index key_rotations_one_open on key_rotations ((1)) where finished_at is null;

create table key_rotation_columns (
    rotation_id integer not null references key_rotations (rotation_id),
    table_name text not null,
    column_name text not null,
    after_row text not null default '',
    rows_done bigint not null default 0,
    finished_at timestamptz,
    primary key (rotation_id, table_name, column_name)
);
comment on table key_rotation_columns is 'How far a rotation came: one that was killed goes on from here.';

create table sessions (
    session_id text primary key,
    kind text not null check (kind in ('citizen', 'clerk')),
    subject text not null,
    channel text,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index sessions_subject on sessions (kind, subject) where revoked_at is null;
create index sessions_revoked on sessions (expires_at) where revoked_at is not null;
create index sessions_expires_at on sessions (expires_at);

create table citizens (
    citizen_id text primary key,
    name_sealed bytea,
    id_number_sealed bytea,
    id_number_index bytea,
    phone_sealed bytea,
    assurance_level text not null default 'basic' check (assurance_level in ('basic', 'verified', 'face')),
    verified_at timestamptz,
    elder_view boolean not null default false,
    preferences json not null default '{}',
    merged_into text,
    erased_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create unique index citizens_id_number on citizens (id_number_index)
where id_number_index is not null;
comment on column citizens.id_number_index is 'blind index; only of a number that a channel has confirmed';
comment on column citizens.merged_into is 'the record that this one turned out to be a second of';

create table channel_links (
    link_id text primary key,
    citizen_id text not null references citizens (citizen_id),
    channel text not null,
    app_id text not null,
    open_id_index bytea not null,
    open_id_sealed bytea not null,
    union_id_sealed bytea,
    linked_at timestamptz not null default now(),
    unique (channel, app_id, open_id_index)
);
create index channel_links_citizen on channel_links (citizen_id, channel);
comment on table channel_links is 'Accounts by which a citizen comes: open_id_sealed is what messages are sent to.';

create table identity_checks (
    check_id text primary key,
    citizen_id text not null references citizens (citizen_id),
    channel text not null,
    link_id text not null,
    state text not null check (state in ('begun', 'pending', 'passed', 'failed')),
    level text check (level in ('verified', 'face')),
    reason text,
    channel_check_id text,
    client_parameters json,
    name_sealed bytea,
    id_number_sealed bytea,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    finished_at timestamptz
);
create index identity_checks_citizen on identity_checks (citizen_id, created_at desc);
comment on column identity_checks.name_sealed is 'emptied when the check ends';

create table access_log (
    access_id bigint generated always as identity primary key,
    citizen_id text not null,
    actor text not null,
    purpose text not null,
    what text not null,
    accessed_at timestamptz not null default now()
);
create index access_log_citizen on access_log (citizen_id, access_id desc);
create index access_log_accessed_at on access_log (accessed_at);
comment on table access_log is 'Who read whose personal data, for what; kept 180 days at least.';

create table agent_invitations (
    code_hash bytea primary key,
    citizen_id text not null references citizens (citizen_id),
    expires_at timestamptz not null,
    used_at timestamptz
);
create index agent_invitations_citizen on agent_invitations (citizen_id);
comment on table agent_invitations is 'An agent gives the code to whoever wants to authorise them; it works once.';

create table agent_authorities (
    authority_id text primary key,
    principal_id text not null references citizens (citizen_id),
    agent_id text not null references citizens (citizen_id),
    scopes text[] not null,
    service_codes text[] not null,
    state text not null check (state in ('offered', 'accepted', 'ended')),
    until date not null,
    created_at timestamptz not null default now(),
    accepted_at timestamptz,
    ended_at timestamptz
);
create unique index agent_authorities_pair on agent_authorities (principal_id, agent_id)
where state <> 'ended';
create index agent_authorities_principal on agent_authorities (principal_id, authority_id desc);
create index agent_authorities_agent on agent_authorities (agent_id, authority_id desc);
comment on table agent_authorities is 'Written authority 代办授权: in force when accepted, not ended and the day not past.';

create table organisations (
    organisation_id text primary key,
    credit_code text not null,
    name text not null,
    state text not null default 'unverified' check (state in ('unverified', 'verified', 'refused')),
    decided_by text,
    decided_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index organisations_verified on organisations (credit_code) where state = 'verified';
comment on table organisations is 'Organisations 法人 as claimed: several may claim a code, one is confirmed.';

create table organisation_members (
    organisation_id text not null references organisations (organisation_id),
    citizen_id text not null references citizens (citizen_id),
    role text not null check (role in ('legal_representative', 'handler')),
    state text not null check (state in ('invited', 'active', 'ended')),
    created_at timestamptz not null default now(),
    accepted_at timestamptz,
    primary key (organisation_id, citizen_id)
);
create index organisations_credit_code on organisations (credit_code);
create index organisations_unverified on organisations (organisation_id) where state = 'unverified';
create index organisation_members_citizen on organisation_members (citizen_id);

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
