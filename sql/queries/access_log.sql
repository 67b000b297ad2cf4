-- name: add_access!
insert into access_log (citizen_id, actor, purpose, what)
values (:citizen_id, :actor, :purpose, :what);

-- name: forget_access!
delete from access_log where accessed_at < now() - make_interval(days => :days::integer);
