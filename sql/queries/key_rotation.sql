-- name: list_keys
select key_id, purpose, algorithm, wrapped_by, wrapped, retired_at is not null as retired
from data_keys
order by key_id;

-- name: lock_keys!
select pg_advisory_xact_lock(7262);

-- name: rewrap_key!
update data_keys set wrapped_by = :wrapped_by, wrapped = :wrapped where key_id = :key_id;

-- name: retire_keys!
update data_keys set retired_at = now()
where retired_at is null and not (key_id = any(:used::integer[]));

-- name: revive_keys!
update data_keys set retired_at = null
where retired_at is not null and key_id = any(:used::integer[]);

-- name: destroy_keys!
-- A day is longer than any process goes without looking at the list of keys.
delete from data_keys
where retired_at < now() - interval '1 day' and not (key_id = any(:used::integer[]));

-- name: find_rotation^
select rotation_id, seal_key_id, index_key_id from key_rotations where finished_at is null;

-- name: start_rotation^
insert into key_rotations (seal_key_id, index_key_id)
values (:seal_key_id, :index_key_id)
returning rotation_id, seal_key_id, index_key_id;

-- name: finish_rotation!
update key_rotations set finished_at = now() where rotation_id = :rotation_id;

-- name: find_rotation_column^
insert into key_rotation_columns (rotation_id, table_name, column_name)
values (:rotation_id, :table_name, :column_name)
on conflict (rotation_id, table_name, column_name)
do update set rows_done = key_rotation_columns.rows_done
returning after_row, rows_done, finished_at is not null as finished;

-- name: advance_rotation_column!
update key_rotation_columns
set after_row = :after_row, rows_done = rows_done + :rows,
    finished_at = case when :finished::boolean then now() end
where rotation_id = :rotation_id and table_name = :table_name and column_name = :column_name;

-- name: try_rotation$
-- Held by the connection, so that a killed rotation lets go.
select pg_try_advisory_lock(7263);
