-- name: count_pickups$
-- How often a worker has begun this job, deaths of workers included.
select count(*) from pgqueuer_log where job_id = :job_id and status = 'picked'

-- name: take_job$
-- Take a job out of the queue for good; no row where another worker has done so.
delete from pgqueuer where id = :job_id returning id

-- name: bury_job!
with dead as (
    delete from pgqueuer where id = :job_id returning entrypoint, payload
)
insert into dead_jobs (entrypoint, payload, error, attempts)
select entrypoint, payload, :error::text, :attempts::integer from dead

-- name: find_unknown_entrypoints$
select coalesce(array_agg(distinct entrypoint), '{}') from pgqueuer
where status = 'queued' and not (entrypoint = any(:known::text[]))

-- name: bury_unknown_jobs!
-- A newer version of this code may know them, but not for ever.
with dead as (
    delete from pgqueuer
    where status = 'queued' and not (entrypoint = any(:known::text[]))
        and created < now() - interval '24 hours'
    returning entrypoint, payload, attempts
)
insert into dead_jobs (entrypoint, payload, error, attempts)
select entrypoint, payload, 'UnknownEntrypoint', attempts from dead

-- name: mark_replayed^
-- No row: there is none, or it has been replayed.
update dead_jobs set replayed_at = now()
where dead_job_id = :dead_job_id and replayed_at is null
returning entrypoint, payload

-- name: forget_finished!
with forgotten_log as (
    delete from pgqueuer_log where created < now() - interval '7 days'
), forgotten_statistics as (
    delete from pgqueuer_statistics where created < now() - interval '90 days'
)
delete from dead_jobs where replayed_at < now() - interval '180 days'
