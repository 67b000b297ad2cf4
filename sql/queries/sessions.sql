-- name: add_session$
insert into sessions (session_id, kind, subject, channel, expires_at)
values (:session_id, :kind, :subject, :channel, now() + make_interval(secs => :seconds::float8))
returning expires_at;

-- name: revoke_session
update sessions set revoked_at = now()
where session_id = :session_id and revoked_at is null
returning session_id, expires_at;

-- name: revoke_sessions_of
update sessions set revoked_at = now()
where kind = :kind and subject = :subject and revoked_at is null
    and (:channel::text is null or channel = :channel)
returning session_id, expires_at;

-- name: tell_revoked!
select pg_notify('session_revoked', :payload);

-- name: list_revoked
select session_id, expires_at from sessions
where revoked_at is not null and expires_at > now();

-- name: is_live$
-- Nothing: there is no such session.
select revoked_at is null and expires_at > now() from sessions where session_id = :session_id;

-- name: forget_sessions!
-- They end by themselves; who was signed in when stays known for the time logs are kept.
delete from sessions
where expires_at < now() - interval '180 days';
