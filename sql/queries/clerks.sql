-- name: find_for_sign_in^
select user_name, name, password_hash, totp_sealed, totp_step, roles, service_prefixes,
    region_prefixes, coalesce(locked_until > now(), false), disabled_at is not null
from clerks where user_name = :user_name

-- name: note_failure$
-- Gives how many failures there are now; the fifth locks for a while.
update clerks set
    failures = case when locked_until < now() then 1 else failures + 1 end,
    locked_until = case
        when (case when locked_until < now() then 1 else failures + 1 end) >= :most
        then now() + make_interval(mins => :minutes)
        when locked_until < now() then null
        else locked_until
    end
where user_name = :user_name
returning failures

-- name: note_success$
-- A code counts once: of two sign-ins with the same one only the first finds its step unused.
update clerks set failures = 0, locked_until = null, totp_step = :step
where user_name = :user_name and totp_step < :step and disabled_at is null
returning user_name

-- name: start_session!
insert into clerk_sessions (session_id) values (:session_id)

-- name: find_session^
select c.user_name, c.name, c.roles, c.service_prefixes, c.region_prefixes,
    k.seen_at < now() - interval '30 seconds'
from sessions s
join clerk_sessions k on k.session_id = s.session_id
join clerks c on c.user_name = s.subject
where s.session_id = :session_id and s.kind = 'clerk' and s.revoked_at is null
    and s.expires_at > now() and k.seen_at > now() - make_interval(mins => :idle_minutes)
    and c.disabled_at is null

-- name: see_session!
update clerk_sessions set seen_at = now() where session_id = :session_id

-- name: store_clerk$
insert into clerks
    (user_name, name, password_hash, totp_sealed, roles, service_prefixes, region_prefixes)
values
    (:user_name, :name, :password_hash, :totp_sealed, :roles, :service_prefixes, :region_prefixes)
on conflict (user_name) do nothing
returning user_name

-- name: list_clerks
select user_name, name, roles, service_prefixes, region_prefixes,
    disabled_at is null, coalesce(locked_until > now(), false)
from clerks
where user_name > :after
order by user_name
limit :limit

-- name: disable_clerk$
update clerks set disabled_at = now()
where user_name = :user_name and disabled_at is null
returning user_name

-- name: forget_sessions!
delete from clerk_sessions where seen_at < now() - interval '2 days'
