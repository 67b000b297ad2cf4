-- name: lock_person!
-- Whoever looks for a person by a unique value, to make or join them, does so one at a time.
select pg_advisory_xact_lock(:number);

-- name: find_link^
select link_id, citizen_id from channel_links
where channel = :channel and app_id = :app_id and open_id_index = any(:indexes::bytea[])
for share;

-- name: add_citizen!
insert into citizens (citizen_id) values (:citizen_id);

-- name: add_link!
insert into channel_links
    (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed, union_id_sealed)
values
    (:link_id, :citizen_id, :channel, :app_id, :open_id_index, :open_id_sealed, :union_id_sealed);

-- name: find_citizen^
select c.citizen_id, c.name_sealed, c.id_number_sealed, c.phone_sealed, c.assurance_level,
    c.verified_at, c.elder_view, c.preferences::text, c.created_at,
    array(
        select distinct channel from channel_links l where l.citizen_id = c.citizen_id
        order by channel
    ) as channels
from citizens c
where c.citizen_id = :citizen_id and c.merged_into is null and c.erased_at is null;

-- name: lock_citizens
-- In the order of their keys, so that two who do this at once do not wait for each other.
select citizen_id, name_sealed, id_number_sealed, phone_sealed, assurance_level, verified_at
from citizens
where citizen_id = any(:citizen_ids::text[]) and merged_into is null and erased_at is null
order by citizen_id
for update;

-- name: share_citizen$
-- Keeps merging and erasing away until this transaction ends.
select citizen_id from citizens
where citizen_id = :citizen_id and merged_into is null and erased_at is null
for share;

-- name: list_links
select link_id, channel, linked_at, open_id_sealed from channel_links
where citizen_id = :citizen_id
order by linked_at, link_id;

-- name: find_session_channel$
select channel from sessions where session_id = :session_id;

-- name: list_sessions
select channel, created_at, expires_at, revoked_at from sessions
where kind = 'citizen' and subject = :citizen_id
order by created_at;

-- name: store_preferences!
update citizens
set elder_view = coalesce(:elder_view, elder_view),
    preferences = coalesce(:preferences::text::json, preferences), updated_at = now()
where citizen_id = :citizen_id;

-- name: find_preferences$
select preferences::text from citizens
where citizen_id = :citizen_id and merged_into is null and erased_at is null
for update;

-- name: store_phone!
update citizens set phone_sealed = :phone_sealed, updated_at = now()
where citizen_id = :citizen_id and merged_into is null and erased_at is null;

-- name: remove_links!
delete from channel_links where citizen_id = :citizen_id and channel = :channel;

-- name: count_checks_today$
select count(*) from identity_checks
where citizen_id = :citizen_id and created_at > now() - interval '1 day';

-- name: add_check!
insert into identity_checks
    (check_id, citizen_id, channel, link_id, state, name_sealed, id_number_sealed)
values
    (:check_id, :citizen_id, :channel, :link_id, 'begun', :name_sealed, :id_number_sealed);

-- name: start_check!
update identity_checks
set state = 'pending', channel_check_id = :channel_check_id,
    client_parameters = :client_parameters::text::json, expires_at = :expires_at
where check_id = :check_id and state = 'begun';

-- name: finish_check!
update identity_checks
set state = :state, level = :level, reason = :reason, finished_at = now(),
    name_sealed = null, id_number_sealed = null, client_parameters = null
where check_id = :check_id and state in ('begun', 'pending');

-- name: find_check^
select k.check_id, k.citizen_id, k.channel, k.link_id, l.open_id_sealed, k.state, k.level, k.reason,
    k.channel_check_id, k.client_parameters::text, k.name_sealed, k.id_number_sealed, k.expires_at
from identity_checks k
left join channel_links l on l.link_id = k.link_id and l.citizen_id = k.citizen_id
where k.check_id = :check_id and k.citizen_id = :citizen_id;

-- name: list_checks
select channel, state, level, reason, created_at, finished_at from identity_checks
where citizen_id = :citizen_id
order by created_at;

-- name: find_citizen_by_number$
select citizen_id from citizens
where id_number_index = any(:indexes::bytea[]) and citizen_id <> :citizen_id
    and merged_into is null and erased_at is null;

-- name: store_identity!
update citizens
set name_sealed = :name_sealed, id_number_sealed = :id_number_sealed,
    id_number_index = :id_number_index, assurance_level = :assurance_level,
    verified_at = coalesce(:verified_at::timestamptz, now()), updated_at = now()
where citizen_id = :citizen_id;

-- name: retire_citizen!
update citizens
set name_sealed = null, id_number_sealed = null, id_number_index = null, phone_sealed = null,
    preferences = '{}', merged_into = :kept, updated_at = now()
where citizen_id = :gone;

-- name: follow_merged!
update citizens set merged_into = :kept where merged_into = :gone;

-- name: move_links!
update channel_links set citizen_id = :kept where citizen_id = :gone;

-- name: move_checks!
update identity_checks set citizen_id = :kept where citizen_id = :gone;

-- name: move_access_log!
update access_log set citizen_id = :kept where citizen_id = :gone;

-- name: erase_citizen!
update citizens
set name_sealed = null, id_number_sealed = null, id_number_index = null, phone_sealed = null,
    preferences = '{}', elder_view = false, assurance_level = 'basic', verified_at = null,
    erased_at = now(), updated_at = now()
where citizen_id = :citizen_id;

-- name: erase_links!
delete from channel_links where citizen_id = :citizen_id;

-- name: erase_checks!
delete from identity_checks where citizen_id = :citizen_id;

-- name: count_open_cases$
select count(*) from cases
where citizen_id = :citizen_id
    and status not in ('draft', 'completed', 'delivered', 'withdrawn');

-- name: see_one_moment!
-- All that this transaction reads is of one moment.
set transaction isolation level repeatable read;

-- name: list_access
select access_id, actor, purpose, what, accessed_at from access_log
where citizen_id = :citizen_id and access_id < :before
order by access_id desc
limit :limit;

-- name: list_own_cases
select case_no, service_code, service_name, department_code, status, channel, materials::text,
    form_sealed, applicant_sealed, created_at, submitted_at, completed_at, result_code
from cases
where citizen_id = :citizen_id
order by created_at, case_no
limit :limit;

-- name: list_own_case_events
select e.case_no, e.seq, e.type, e.occurred_at, e.note
from case_events e
join cases c on c.case_no = e.case_no
where c.citizen_id = :citizen_id
order by e.case_no, e.seq
limit :limit;

-- name: list_own_uploads
select upload_id, sha256, size_bytes, media_type, case_no, created_at from uploads
where citizen_id = :citizen_id
order by created_at
limit :limit;

-- name: list_own_messages
select kind, case_no, channel, status, created_at, sent_at from messages
where citizen_id = :citizen_id
order by created_at
limit :limit;
