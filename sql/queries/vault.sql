-- name: list_keys
select key_id, purpose, algorithm, wrapped_by, wrapped, retired_at is not null as retired
from data_keys
order by key_id;

-- name: measure_keys$
-- Keys are only ever added at the end and taken away: these two tell one set from another.
select array[coalesce(max(key_id), 0), count(*)::integer] from data_keys;

-- name: hold_keys!
-- Until the transaction ends nobody adds a key.
select pg_advisory_xact_lock_shared(7262);

-- name: lock_keys!
select pg_advisory_xact_lock(7262);

-- name: reserve_key$
select nextval(pg_get_serial_sequence('data_keys', 'key_id'))::integer;

-- name: add_key!
insert into data_keys (key_id, purpose, algorithm, wrapped_by, wrapped)
overriding system value
values (:key_id, :purpose, :algorithm, :wrapped_by, :wrapped);
