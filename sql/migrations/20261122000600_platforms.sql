-- migrate:up
-- Platforms: partners, their keys, what they have called, and what they are told.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table platforms (
    platform_id text primary key,
    name text not null unique,
    service_prefixes text[] not null,
    region_prefixes text[] not null,
    calls_per_day bigint not null check (calls_per_day > 0),
    calls_per_second integer not null check (calls_per_second > 0),
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);
comment on column platforms.service_prefixes is 'beginnings of service codes, such as a department; an empty one is everything';

create table platform_keys (
    key_id text primary key,
    platform_id text not null references platforms (platform_id),
    algorithm text not null check (algorithm in ('hmac-sha256', 'ed25519')),
    secret_sealed bytea,
    public_key bytea,
    not_before timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now(),
    check ((algorithm = 'hmac-sha256') = (secret_sealed is not null)),
    check ((algorithm = 'ed25519') = (public_key is not null))
);
create index platform_keys_platform on platform_keys (platform_id);
comment on column platform_keys.public_key is 'the 32 bytes of an Ed25519 public key (RFC 8032)';

create table platform_nonces (
    digest bytea primary key,
    used_at timestamptz not null default now()
) with (fillfactor = 100);
create index platform_nonces_used_at on platform_nonces using brin (used_at);
comment on table platform_nonces is 'every nonce of the last hour, as a digest of key and nonce; logged, so that a crash of the server forgets none';

create table platform_usage (
    platform_id text not null references platforms (platform_id),
    day date not null,
    calls bigint not null,
    primary key (platform_id, day)
) with (fillfactor = 50);
comment on column platform_usage.calls is 'calls handed out to processes, in batches: at most a batch a process above what was made';

create table webhooks (
    webhook_id text primary key,
    platform_id text not null references platforms (platform_id),
    url text not null,
    events text[] not null,
    secret_sealed bytea not null,
    failures integer not null default 0,
    open_until timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    deleted_at timestamptz,
    created_at timestamptz not null default now()
);
create index webhooks_platform on webhooks (platform_id, webhook_id) where deleted_at is null;
comment on column webhooks.failures is 'failures in a row; from five on the receiver is left alone until open_until';

create table webhook_slots (
    webhook_id text not null references webhooks (webhook_id),
    slot smallint not null check (slot in (1, 2)),
    busy_until timestamptz not null default '-infinity',
    primary key (webhook_id, slot)
) with (fillfactor = 50);
comment on table webhook_slots is 'at most two deliveries to one receiver at a time, over all workers; a dead worker''s slot frees itself';

create table webhook_deliveries (
    delivery_id text primary key,
    webhook_id text not null references webhooks (webhook_id),
    subject text not null,
    type text not null,
    body bytea not null,
    status text not null default 'pending' check (status in ('pending', 'delivered', 'dead')),
    attempts smallint not null default 0,
    next_attempt_at timestamptz not null default now(),
    claimed_until timestamptz,
    last_status smallint,
    last_error text,
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    unique (webhook_id, subject)
) with (fillfactor = 80);
create index webhook_deliveries_due on webhook_deliveries (webhook_id, next_attempt_at) where status = 'pending';
create index webhook_deliveries_webhook on webhook_deliveries (webhook_id, delivery_id desc);
create index webhook_deliveries_old on webhook_deliveries (created_at) where status <> 'pending';
comment on column webhook_deliveries.subject is 'what it tells of, such as case.moved:<case_no>:<seq>: a fact that comes twice is told once';
comment on column webhook_deliveries.body is 'the bytes that are signed and sent, without personal data';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
