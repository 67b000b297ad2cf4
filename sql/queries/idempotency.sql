-- name: lock_key$
-- False at once where another request with this key is in its transaction. Every claim
-- goes through this lock, so what follows in the transaction races with nobody.
select pg_try_advisory_xact_lock(hashtextextended(:owner || ' ' || :key, 7261));

-- name: find_key^
select fingerprint, status, headers::text, body,
       created_at <= clock_timestamp() - make_interval(secs => :abandoned_seconds::float8)
from idempotency_keys
where owner = :owner and key = :key and expires_at > clock_timestamp();

-- name: claim_key$
-- The conflict is with an expired row, or with an abandoned claim that is taken over.
insert into idempotency_keys (owner, key, fingerprint, created_at, expires_at)
values (:owner, :key, :fingerprint, clock_timestamp(),
        clock_timestamp() + make_interval(hours => :hours::integer))
on conflict (owner, key) do update set
    fingerprint = excluded.fingerprint, status = null, headers = null, body = null,
    created_at = excluded.created_at, expires_at = excluded.expires_at
returning created_at;

-- name: keep_answer!
-- No row: the claim has been taken over since.
update idempotency_keys
set status = :status::smallint, headers = :headers::text::jsonb, body = :body
where owner = :owner and key = :key and created_at = :claimed_at and status is null;

-- name: release_key!
delete from idempotency_keys
where owner = :owner and key = :key and created_at = :claimed_at and status is null;

-- name: abandon_key!
update idempotency_keys
set created_at = '-infinity'
where owner = :owner and key = :key and created_at = :claimed_at and status is null;

-- name: forget_expired_keys!
delete from idempotency_keys
where (owner, key) in (
    select owner, key from idempotency_keys
    where expires_at <= now()
    order by expires_at
    limit :limit
    for update skip locked
);
