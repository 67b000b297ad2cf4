-- name: list_keys
-- Every key that may be used now or later; a process holds them all.
select k.key_id, k.platform_id, k.algorithm, k.secret_sealed, k.public_key, k.not_before,
    k.expires_at, p.service_prefixes, p.region_prefixes, p.calls_per_day, p.calls_per_second
from platform_keys k
join platforms p on p.platform_id = k.platform_id
where k.revoked_at is null and p.disabled_at is null and coalesce(k.expires_at > now(), true)

-- name: note_nonce!
-- Waits for another's insert of the same nonce to commit; then nothing is inserted.
insert into platform_nonces (digest) values (:digest) on conflict do nothing

-- name: forget_nonces!
delete from platform_nonces
where ctid = any (array(
    select ctid from platform_nonces where used_at < now() - interval '1 hour' limit :limit
))

-- name: take_calls$
-- Hand out calls of a day and give their new sum; no row where the quota was used up before. What
-- the sum is above the quota was not handed out.
insert into platform_usage as u (platform_id, day, calls)
values (:platform_id, :day, :wanted)
on conflict (platform_id, day) do update set calls = u.calls + excluded.calls
where u.calls < :quota
returning calls

-- name: return_calls!
update platform_usage set calls = calls - :unused
where platform_id = :platform_id and day = :day

-- name: find_usage^
select p.name, p.calls_per_day, p.calls_per_second, coalesce(u.calls, 0) as calls
from platforms p
left join platform_usage u on u.platform_id = p.platform_id and u.day = :day
where p.platform_id = :platform_id

-- name: forget_usage!
delete from platform_usage where day < current_date - 400

-- name: store_platform^
-- Prefixes that are not given stay as they are; a new platform has none of its own.
insert into platforms (
    platform_id, name, service_prefixes, region_prefixes, calls_per_day, calls_per_second
)
values (
    :platform_id, :name, coalesce(:service_prefixes::text[], '{}'),
    coalesce(:region_prefixes::text[], '{}'), :calls_per_day, :calls_per_second
)
on conflict (name) do update
set service_prefixes = coalesce(:service_prefixes::text[], platforms.service_prefixes),
    region_prefixes = coalesce(:region_prefixes::text[], platforms.region_prefixes)
returning platform_id, service_prefixes, region_prefixes

-- name: store_key!
insert into platform_keys (key_id, platform_id, algorithm, secret_sealed, public_key, expires_at)
values (:key_id, :platform_id, :algorithm, :secret_sealed, :public_key, :expires_at)

-- name: revoke_key!
update platform_keys k set revoked_at = now()
from platforms p
where k.key_id = :key_id and p.platform_id = k.platform_id and p.name = :name
    and k.revoked_at is null

-- name: find_own_key^
-- The oldest usable secret of a platform: the demonstration's stays the same over restarts.
select k.key_id, k.secret_sealed
from platform_keys k
join platforms p on p.platform_id = k.platform_id
where p.name = :name and p.disabled_at is null and k.revoked_at is null
    and k.secret_sealed is not null and coalesce(k.expires_at > now(), true)
order by k.created_at
limit 1

-- name: lock_platform^
select platform_id, service_prefixes, region_prefixes from platforms
where platform_id = :platform_id for update

-- name: count_webhooks$
select count(*) from webhooks where platform_id = :platform_id and deleted_at is null

-- name: store_webhook$
with stored as (
    insert into webhooks (webhook_id, platform_id, url, events, secret_sealed)
    values (:webhook_id, :platform_id, :url, :events, :secret_sealed)
    returning webhook_id, created_at
),
slots as (
    insert into webhook_slots (webhook_id, slot)
    select webhook_id, slot from stored cross join generate_series(1, 2) as slot
)
select created_at from stored

-- name: list_webhooks
select webhook_id, url, events, failures, open_until, disabled_at, disabled_reason, created_at
from webhooks
where platform_id = :platform_id and deleted_at is null and webhook_id > :after
order by webhook_id
limit :limit

-- name: find_webhook^
select webhook_id, url, events, failures, open_until, disabled_at, disabled_reason, created_at
from webhooks
where webhook_id = :webhook_id and platform_id = :platform_id and deleted_at is null

-- name: delete_webhook$
-- What was still to be sent dies with it; the record stays until it is old.
with gone as (
    update webhooks set deleted_at = now()
    where webhook_id = :webhook_id and platform_id = :platform_id and deleted_at is null
    returning webhook_id
),
dead as (
    update webhook_deliveries d set status = 'dead', last_error = 'webhook_deleted'
    from gone where d.webhook_id = gone.webhook_id and d.status = 'pending'
)
select webhook_id from gone

-- name: list_deliveries
-- Newest first, of one webhook or of all of the platform's.
select d.delivery_id, d.webhook_id, d.type, d.status, d.attempts, d.next_attempt_at,
    d.last_status, d.last_error, d.created_at, d.delivered_at, d.body
from webhooks w
cross join lateral (
    select * from webhook_deliveries i
    where i.webhook_id = w.webhook_id and (:status::text is null or i.status = :status)
        and i.delivery_id < :before
    order by i.delivery_id desc
    limit :limit
) d
where w.platform_id = :platform_id and w.deleted_at is null
    and (:webhook_id::text is null or w.webhook_id = :webhook_id)
order by d.delivery_id desc
limit :limit

-- name: replay_delivery^
-- From the beginning of its tries; whoever asks for it wants its webhook switched on again.
with replayed as (
    update webhook_deliveries d
    set status = 'pending', attempts = 0, next_attempt_at = now(), claimed_until = null,
        last_status = null, last_error = null, delivered_at = null
    from webhooks w
    where d.delivery_id = :delivery_id and w.webhook_id = d.webhook_id
        and w.platform_id = :platform_id and w.deleted_at is null
        and (:webhook_id::text is null or d.webhook_id = :webhook_id)
    returning d.*
),
opened as (
    update webhooks w
    set failures = 0, open_until = null, disabled_at = null, disabled_reason = null
    from replayed r where w.webhook_id = r.webhook_id
)
select delivery_id, webhook_id, type, status, attempts, next_attempt_at, last_status, last_error,
    created_at, delivered_at, body
from replayed

-- name: list_listeners
-- Who wants to hear of it and may: the platform's rights cover the item and the region.
select w.webhook_id
from webhooks w
join platforms p on p.platform_id = w.platform_id and p.disabled_at is null
where w.deleted_at is null and w.disabled_at is null and :event = any (w.events)
    and exists (select 1 from unnest(p.service_prefixes) s where starts_with(:service_code, s))
    and exists (select 1 from unnest(p.region_prefixes) r where starts_with(:region_code, r))

-- name: store_deliveries
-- One for each listener; a fact heard twice makes none the second time.
insert into webhook_deliveries (delivery_id, webhook_id, subject, type, body)
select n.delivery_id, n.webhook_id, :subject, :type, :body
from unnest(:delivery_ids::text[], :webhook_ids::text[]) as n (delivery_id, webhook_id)
on conflict (webhook_id, subject) do nothing
returning webhook_id, delivery_id

-- name: find_paid^
select p.payment_no, b.bill_no, b.case_no, p.channel, p.amount_fen, b.service_code, b.region_code,
    p.paid_at, 0::bigint as refunded_fen
from payments p join bills b on b.bill_no = p.bill_no
where p.payment_no = :payment_no and p.paid_at is not null

-- name: find_refunded^
select p.payment_no, b.bill_no, b.case_no, p.channel, p.amount_fen, b.service_code, b.region_code,
    r.succeeded_at, r.amount_fen as refunded_fen
from refunds r join payments p on p.payment_no = r.payment_no join bills b on b.bill_no = p.bill_no
where r.refund_no = :refund_no and r.succeeded_at is not null

-- name: find_case_event^
select type, occurred_at from case_events where case_no = :case_no and seq = :seq

-- name: list_changed_services
-- What the change feed last said of each.
select s.service_code, s.region_code, c.version, c.change, c.changed_at
from services s
cross join lateral (
    select version, change, changed_at from service_changes
    where service_code = s.service_code
    order by seq desc
    limit 1
) c
where s.service_code = any (:service_codes::text[])

-- name: take_slot^
-- A receiver that keeps failing is asked by one delivery at a time, and only now and then.
update webhook_slots s
set busy_until = now() + interval '30 seconds'
from (
    select t.webhook_id, t.slot
    from webhook_slots t
    join webhooks w on w.webhook_id = t.webhook_id
    join platforms p on p.platform_id = w.platform_id
    where t.webhook_id = :webhook_id and t.busy_until <= now()
        and w.deleted_at is null and w.disabled_at is null and p.disabled_at is null
        and coalesce(w.open_until <= now(), true)
        and (t.slot = 1 or w.failures < :failures_most)
    order by t.slot
    limit 1
    for update of t skip locked
) free
where s.webhook_id = free.webhook_id and s.slot = free.slot
returning s.slot, s.busy_until

-- name: free_slot!
update webhook_slots set busy_until = now()
where webhook_id = :webhook_id and slot = :slot and busy_until = :busy_until

-- name: claim_delivery^
update webhook_deliveries d
set claimed_until = now() + interval '30 seconds', attempts = attempts + 1
from (
    select delivery_id from webhook_deliveries
    where webhook_id = :webhook_id and status = 'pending' and next_attempt_at <= now()
        and coalesce(claimed_until <= now(), true)
    order by next_attempt_at, delivery_id
    limit 1
    for update skip locked
) due
join webhooks w on w.webhook_id = :webhook_id
where d.delivery_id = due.delivery_id
returning d.delivery_id, d.body, d.attempts, d.claimed_until, w.url, w.secret_sealed

-- name: note_delivered!
-- A straggler whose claim was taken over changes nothing.
with done as (
    update webhook_deliveries
    set status = 'delivered', delivered_at = now(), claimed_until = null,
        last_status = :last_status, last_error = null
    where delivery_id = :delivery_id and claimed_until = :claimed_until
    returning webhook_id
)
update webhooks w set failures = 0, open_until = null
from done where w.webhook_id = done.webhook_id and w.failures > 0

-- name: note_failed!
with failed as (
    update webhook_deliveries
    set status = case when :dead then 'dead' else 'pending' end, claimed_until = null,
        next_attempt_at = now() + make_interval(secs => :wait_seconds),
        last_status = :last_status, last_error = :last_error
    where delivery_id = :delivery_id and claimed_until = :claimed_until
    returning webhook_id
)
update webhooks w
set failures = w.failures + 1,
    open_until = case
        when w.failures + 1 >= :failures_most
            then now() + make_interval(secs => least(900, 30 * 2 ^ least(w.failures + 1 - :failures_most, 5)))
    end
from failed where w.webhook_id = failed.webhook_id

-- name: disable_webhook!
-- The receiver said that it is gone: what waits for it is dead, and can be replayed.
with disabled as (
    update webhooks set disabled_at = now(), disabled_reason = :reason
    where webhook_id = :webhook_id and disabled_at is null
    returning webhook_id
)
update webhook_deliveries d
set status = 'dead', claimed_until = null, last_status = 410, last_error = :reason
from disabled
where d.webhook_id = disabled.webhook_id and d.status = 'pending'

-- name: list_due
-- Of every receiver with something due, its longest waiting delivery.
select w.webhook_id, d.delivery_id
from webhooks w
cross join lateral (
    select delivery_id from webhook_deliveries
    where webhook_id = w.webhook_id and status = 'pending' and next_attempt_at <= now()
        and coalesce(claimed_until <= now(), true)
    order by next_attempt_at
    limit 1
) d
where w.deleted_at is null and w.disabled_at is null and coalesce(w.open_until <= now(), true)
    and exists (
        select 1 from webhook_slots s where s.webhook_id = w.webhook_id and s.busy_until <= now()
    )
order by d.delivery_id
limit :limit

-- name: find_receiver$
select webhook_id from webhook_deliveries where delivery_id = :delivery_id

-- name: forget_deliveries!
delete from webhook_deliveries
where delivery_id = any (array(
    select delivery_id from webhook_deliveries
    where status <> 'pending' and created_at < now() - interval '30 days'
        and (status = 'delivered' or created_at < now() - interval '90 days')
    limit :limit
))
