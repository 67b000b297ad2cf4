-- name: find_move^
-- A move with whom to tell: the channel the case began in where it is still linked, else the newest.
select c.citizen_id, e.type, t.preferences::text,
    (
        select l.channel from channel_links l
        where l.citizen_id = c.citizen_id
        order by (l.channel = c.channel) desc nulls last, l.linked_at desc
        limit 1
    )
from cases c
join case_events e on e.case_no = c.case_no and e.seq = :seq
join citizens t on t.citizen_id = c.citizen_id
where c.case_no = :case_no and t.erased_at is null

-- name: find_refused_kind$
select not wanted from message_consents
where citizen_id = :citizen_id and channel = :channel and kind = :kind

-- name: add_message$
insert into messages (message_id, citizen_id, kind, case_no, seq, channel, status, reason, not_before)
values (:message_id, :citizen_id, :kind, :case_no, :seq, :channel, :status, :reason, :not_before)
on conflict (case_no, seq) do nothing
returning message_id

-- name: take_message^
-- Whoever takes it sends it; nobody else finds it waiting.
update messages m set status = 'sending', attempts = attempts + 1, updated_at = now()
from cases c, case_events e, channel_links l
where m.message_id = :message_id and m.status = 'waiting' and m.not_before <= now()
    and c.case_no = m.case_no and e.case_no = m.case_no and e.seq = m.seq
    and l.link_id = (
        select k.link_id from channel_links k
        where k.citizen_id = m.citizen_id and k.channel = m.channel
        order by k.linked_at desc limit 1
    )
returning m.message_id, m.channel, m.kind, m.case_no, m.attempts, m.created_at, c.service_name,
    e.type, e.occurred_at, e.note, l.link_id, l.open_id_sealed

-- name: unlink_message!
-- Nothing to send it to any more.
update messages m set status = 'withheld', reason = 'not_linked', updated_at = now()
where m.message_id = :message_id and m.status = 'waiting' and m.not_before <= now()
    and not exists (
        select 1 from channel_links k where k.citizen_id = m.citizen_id and k.channel = m.channel
    )

-- name: hold_report$
-- A report and the answer it is about may come at once: one of them waits.
select pg_advisory_xact_lock(hashtextextended(:channel || ' ' || :channel_message_id, 0))::text

-- name: keep_report!
insert into message_reports (channel, channel_message_id, status, reason)
values (:channel, :channel_message_id, :status, :reason)
on conflict (channel, channel_message_id) do nothing

-- name: take_report!
with taken as (
    delete from message_reports
    where channel = :channel and channel_message_id = :channel_message_id
    returning status, reason
)
update messages m set status = t.status, reason = t.reason, updated_at = now()
from taken t
where m.message_id = :message_id and m.status in ('accepted', 'unknown')

-- name: forget_reports!
delete from message_reports where reported_at < now() - interval '1 day'

-- name: note_outcome!
update messages set status = :status, reason = :reason, not_before = coalesce(:not_before, not_before),
    channel_message_id = coalesce(:channel_message_id, channel_message_id),
    sent_at = case when :status in ('accepted', 'delivered') then coalesce(sent_at, now()) else sent_at end,
    updated_at = now()
where message_id = :message_id and status = 'sending'

-- name: note_delivery$
-- What the channel told later; only about what it had accepted.
update messages set status = :status, reason = :reason, updated_at = now()
where channel = :channel and channel_message_id = :channel_message_id
    and status in ('accepted', 'sending', 'unknown')
returning message_id

-- name: give_up_lost!
-- A sender died between sending and noting: whether it arrived is unknown, and it is not sent twice.
update messages set status = 'unknown', reason = 'sender_lost', updated_at = now()
where status = 'sending' and updated_at < now() - interval '2 minutes'

-- name: list_due
select message_id from messages
where status = 'waiting' and not_before <= now() - make_interval(secs => :seconds)
order by not_before
limit :limit

-- name: list_messages
select m.message_id, m.kind, m.case_no, c.service_name, e.type, e.note, m.channel, m.status, m.reason,
    m.created_at, m.sent_at
from messages m
join cases c on c.case_no = m.case_no
join case_events e on e.case_no = m.case_no and e.seq = m.seq
where m.citizen_id = :citizen_id and m.message_id < :before
order by m.message_id desc
limit :limit

-- name: store_consents!
insert into message_consents (citizen_id, channel, kind, wanted)
select :citizen_id, :channel, k, w from unnest(:kinds::text[], :wanted::boolean[]) as g (k, w)
on conflict (citizen_id, channel, kind) do update set wanted = excluded.wanted, noted_at = now()

-- name: list_consents
select channel, kind, wanted from message_consents
where citizen_id = :citizen_id
order by channel, kind

-- name: store_consent_of_person!
insert into message_consents (citizen_id, channel, kind, wanted)
select l.citizen_id, l.channel, :kind, :wanted
from channel_links l
where l.channel = :channel and l.open_id_index = any(:open_id_indexes::bytea[])
on conflict (citizen_id, channel, kind) do update set wanted = excluded.wanted, noted_at = now()

-- name: move_messages!
update messages set citizen_id = :kept where citizen_id = :gone

-- name: move_consents!
update message_consents m set citizen_id = :kept
where citizen_id = :gone and not exists (
    select 1 from message_consents o
    where o.citizen_id = :kept and o.channel = m.channel and o.kind = m.kind
)

-- name: forget_messages!
delete from messages where citizen_id = :citizen_id

-- name: forget_consents!
delete from message_consents where citizen_id = :citizen_id
