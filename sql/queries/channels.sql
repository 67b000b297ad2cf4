-- name: find_token^
-- Seconds from now; a token past its refreshing still serves while somebody refreshes it.
select sealed,
       extract(epoch from refresh_at - clock_timestamp())::float8 as fresh_seconds,
       extract(epoch from expires_at - clock_timestamp())::float8 as live_seconds
from channel_tokens
where name = :name and sealed is not null and expires_at > clock_timestamp();

-- name: take_lease$
-- No row: somebody else refreshes, or has refreshed since we looked.
insert into channel_tokens (name, lease, leased_until)
values (:name, :lease, clock_timestamp() + make_interval(secs => :seconds::float8))
on conflict (name) do update set lease = excluded.lease, leased_until = excluded.leased_until
where (channel_tokens.leased_until is null or channel_tokens.leased_until < clock_timestamp())
  and (channel_tokens.sealed is null or channel_tokens.refresh_at <= clock_timestamp())
returning lease;

-- name: keep_token!
-- No row: our lease ran out and another's took its place.
update channel_tokens
set sealed = :sealed, digest = :digest, lease = null, leased_until = null,
    refresh_at = clock_timestamp() + make_interval(secs => :fresh_seconds::float8),
    expires_at = clock_timestamp() + make_interval(secs => :live_seconds::float8)
where name = :name and lease = :lease;

-- name: release_lease!
update channel_tokens
set lease = null, leased_until = null
where name = :name and lease = :lease;

-- name: drop_token!
-- The very value that was refused; another's newer one stays.
update channel_tokens
set sealed = null, digest = null, refresh_at = null, expires_at = null
where name = :name and digest = any(:digests::bytea[]);

-- name: forget_token!
update channel_tokens
set sealed = null, digest = null, refresh_at = null, expires_at = null
where name = :name;
