-- migrate:up
-- Channels: access tokens that all processes share, refreshed by one of them at a time.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table channel_tokens (
    name text primary key,
    sealed bytea,
    digest bytea,
    refresh_at timestamptz,
    expires_at timestamptz,
    lease text,
    leased_until timestamptz,
    check ((sealed is null) = (digest is null)),
    check ((sealed is null) = (expires_at is null)),
    check ((sealed is null) = (refresh_at is null)),
    check ((lease is null) = (leased_until is null))
);
comment on table channel_tokens is 'Access tokens of channels, sealed; whoever holds the lease refreshes.';
comment on column channel_tokens.digest is 'Keyed digest of the token, to drop this very value and no newer one.';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
