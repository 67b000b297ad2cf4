-- name: take_lease$
-- The token, where nobody else runs this day or whoever did has died.
insert into reconciliation_leases as k (channel, day, token, leased_until)
values (:channel, :day, :token, now() + make_interval(secs => :seconds))
on conflict (channel, day) do update set token = excluded.token, leased_until = excluded.leased_until
where k.leased_until < now()
returning token

-- name: keep_lease!
update reconciliation_leases set leased_until = now() + make_interval(secs => :seconds)
where channel = :channel and day = :day and token = :token

-- name: drop_lease!
delete from reconciliation_leases where channel = :channel and day = :day and token = :token

-- name: begin_load$
insert into reconciliation_loads (channel, day) values (:channel, :day)
returning load_id

-- name: forget_other_loads!
-- What was fetched before, or left by a run that died, with all its lines.
delete from reconciliation_loads k
where k.channel = :channel and k.day = :day and not exists (
    select from reconciliations r where r.load_id = k.load_id
)

-- name: begin_day!
insert into reconciliations (channel, day) values (:channel, :day)
on conflict (channel, day) do nothing

-- name: say_why_not!
-- There is no bill, or none that can be read: a day that was reconciled before stays so.
update reconciliations set reason = :reason,
    state = case when load_id is null then :state else state end
where channel = :channel and day = :day

-- name: publish_load!
-- Until it is matched the day waits: whoever dies before that has not said that it is clean.
update reconciliations set load_id = :load_id, lines = :lines, reason = null, state = 'waiting'
where channel = :channel and day = :day and exists (
    select from reconciliation_leases k
    where k.channel = :channel and k.day = :day and k.token = :token
)

-- name: hold_channel!
-- Of one session, till its end: days of a channel are matched one after the other.
select pg_advisory_lock(hashtextextended('reconciliation/' || :channel, 0))

-- name: wait_for_channel!
-- Of one transaction: nobody matches days of the channel meanwhile.
select pg_advisory_xact_lock(hashtextextended('reconciliation/' || :channel, 0))

-- name: see_one_moment!
set transaction isolation level repeatable read

-- name: count_run$
update reconciliations set run_no = run_no + 1
where channel = :channel and day = :day and load_id is not null
returning run_no

-- name: classify_day!
-- Every line of the bill and everything that we count of that day meets its other half, and is in
-- exactly one class: no difference, or one cause.
with span as (
    select :day::date::timestamp at time zone 'Asia/Shanghai' as begins,
        (:day::date + 1)::timestamp at time zone 'Asia/Shanghai' as ends
), there as (
    select l.kind, l.payment_no, l.refund_no,
        row_number() over (partition by l.kind, l.payment_no, l.refund_no order by l.line_no)::integer as occurrence,
        l.amount_fen, l.state, l.state <> 'failed' as counts, l.happened_at as at, l.channel_payment_id,
        l.channel_refund_id,
        exists (
            select from channel_bill_lines e join reconciliations o on o.load_id = e.load_id
            where e.payment_no = l.payment_no and e.refund_no = l.refund_no and e.kind = l.kind
                and o.channel = :channel and o.day < :day
        ) as is_repeated
    from reconciliations r
    join channel_bill_lines l on l.load_id = r.load_id
    where r.channel = :channel and r.day = :day
), payment_numbers as (
    select payment_no from there where kind = 'payment'
    union
    select p.payment_no
    from span s
    join payments p on p.channel = :channel and p.paid_at >= s.begins and p.paid_at < s.ends
    where p.status in ('succeeded', 'refunding', 'partially_refunded', 'refunded')
), refund_numbers as (
    select refund_no from there where kind = 'refund'
    union
    select f.refund_no
    from span s
    join refunds f on f.succeeded_at >= s.begins and f.succeeded_at < s.ends
    where f.status = 'succeeded' and not f.by_hand
), here as (
    select 'payment' as kind, p.payment_no, '' as refund_no, 1 as occurrence,
        coalesce(p.taken_fen, p.amount_fen) as amount_fen, p.status as state,
        p.status in ('succeeded', 'refunding', 'partially_refunded', 'refunded') as counts, p.paid_at as at
    from payment_numbers n
    join payments p on p.payment_no = n.payment_no and p.channel = :channel
    union all
    select 'refund', f.payment_no, f.refund_no, 1, f.amount_fen, f.status, f.status = 'succeeded', f.succeeded_at
    from refund_numbers n
    join refunds f on f.refund_no = n.refund_no
    join payments p on p.payment_no = f.payment_no and p.channel = :channel
), met as (
    select kind, payment_no, refund_no, occurrence, h.amount_fen as here_fen, t.amount_fen as there_fen,
        h.state as here_state, t.state as there_state, h.at as here_at, t.at as there_at,
        t.channel_payment_id, t.channel_refund_id, t.kind is not null as is_there, h.kind is not null as is_here,
        coalesce(t.is_repeated, false) as is_repeated, coalesce(t.counts, false) as counts_there,
        coalesce(h.counts, false) as counts_here,
        coalesce(h.counts and h.at >= s.begins and h.at < s.ends, false) as counts_today,
        case when t.kind is null then (
            select o.day
            from channel_bill_lines e join reconciliations o on o.load_id = e.load_id
            where e.payment_no = h.payment_no and e.refund_no = h.refund_no and e.kind = h.kind
                and o.channel = :channel and o.day <> :day
            order by abs(o.day - :day::date)
            limit 1
        ) else (h.at at time zone 'Asia/Shanghai')::date end as other_day
    from there t
    full join here h using (kind, payment_no, refund_no, occurrence)
    cross join span s
), judged as (
    select m.*,
        case
            when is_there and (occurrence > 1 or is_repeated) then 'duplicate'
            when not is_here then 'missing_here'
            when not is_there and other_day is null then 'missing_there'
            when not is_there then 'date_cut_off'
            when here_fen <> there_fen then 'amount'
            when counts_here <> counts_there and not (
                kind = 'refund' and there_state = 'processing' and here_state in ('asked', 'processing')
            ) then 'state'
            when counts_there and not counts_today then 'date_cut_off'
        end as cause,
        -- Midnight lies between neighbours; a refund takes the days it takes.
        case when kind = 'refund' or abs(other_day - :day::date) <= 1 then 'explained' else 'open' end as if_dated,
        (case when kind = 'refund' then -1 else 1 end) * (
            case when counts_today then here_fen else 0 end - case when counts_there then there_fen else 0 end
        ) as gap_fen
    from met m
)
insert into reconciliation_differences as d (channel, day, kind, payment_no, refund_no, occurrence, cause, status,
    here_fen, there_fen, gap_fen, here_state, there_state, here_at, there_at, channel_payment_id,
    channel_refund_id, service_code, region_code, run_no)
select :channel, :day, j.kind, j.payment_no, j.refund_no, j.occurrence, j.cause,
    case when j.cause = 'date_cut_off' then j.if_dated else 'open' end,
    j.here_fen, j.there_fen, j.gap_fen, j.here_state, j.there_state, j.here_at, j.there_at,
    j.channel_payment_id, j.channel_refund_id, b.service_code, b.region_code, :run_no
from judged j
left join payments p on p.payment_no = j.payment_no and p.channel = :channel
left join bills b on b.bill_no = p.bill_no
where j.cause is not null
order by j.kind, j.payment_no, j.refund_no, j.occurrence
on conflict (channel, day, kind, payment_no, refund_no, occurrence) do update set
    status = case
        -- What a clerk has settled stays settled as long as it is the same thing.
        when d.status = 'resolved' and d.cause = excluded.cause and d.gap_fen = excluded.gap_fen then 'resolved'
        else excluded.status
    end,
    queried_at = case when d.status in ('closed', 'repaired') then null else d.queried_at end,
    cause = excluded.cause, here_fen = excluded.here_fen, there_fen = excluded.there_fen,
    gap_fen = excluded.gap_fen, here_state = excluded.here_state, there_state = excluded.there_state,
    here_at = excluded.here_at, there_at = excluded.there_at,
    channel_payment_id = excluded.channel_payment_id, channel_refund_id = excluded.channel_refund_id,
    service_code = excluded.service_code, region_code = excluded.region_code, run_no = excluded.run_no,
    last_seen_at = now()

-- name: close_unseen!
-- What is there no longer: asked about and so repaired, or gone by itself.
update reconciliation_differences
set status = case when queried_at is null then 'closed' else 'repaired' end
where channel = :channel and day = :day and run_no <> :run_no and status in ('open', 'explained')

-- name: sum_day^
with span as (
    select :day::date::timestamp at time zone 'Asia/Shanghai' as begins,
        (:day::date + 1)::timestamp at time zone 'Asia/Shanghai' as ends
), there as (
    select count(*) filter (where l.kind = 'payment') as payments,
        coalesce(sum(l.amount_fen) filter (where l.kind = 'payment'), 0) as payments_fen,
        count(*) filter (where l.kind = 'refund') as refunds,
        coalesce(sum(l.amount_fen) filter (where l.kind = 'refund'), 0) as refunds_fen
    from reconciliations r
    join channel_bill_lines l on l.load_id = r.load_id
    where r.channel = :channel and r.day = :day and l.state <> 'failed'
), fees as (
    select coalesce(sum(l.fee_fen), 0) as fees_fen
    from reconciliations r
    join channel_bill_lines l on l.load_id = r.load_id
    where r.channel = :channel and r.day = :day
), paid as (
    select count(*) as payments, coalesce(sum(coalesce(p.taken_fen, p.amount_fen)), 0) as payments_fen
    from span s
    join payments p on p.channel = :channel and p.paid_at >= s.begins and p.paid_at < s.ends
    where p.status in ('succeeded', 'refunding', 'partially_refunded', 'refunded')
), returned as (
    select count(*) as refunds, coalesce(sum(f.amount_fen), 0) as refunds_fen
    from span s
    join refunds f on f.succeeded_at >= s.begins and f.succeeded_at < s.ends
    join payments p on p.payment_no = f.payment_no and p.channel = :channel
    where f.status = 'succeeded' and not f.by_hand
), gaps as (
    select coalesce(sum(d.gap_fen), 0) as gap_fen, count(*) filter (where d.status = 'open') as open
    from reconciliation_differences d
    where d.channel = :channel and d.day = :day and d.run_no = :run_no
        and d.status in ('open', 'explained', 'resolved')
), booked as (
    select coalesce(sum(l.amount_fen), 0) as ledger_fen
    from span s
    join ledger_entries e on e.occurred_at >= s.begins and e.occurred_at < s.ends
    join ledger_lines l on l.entry_id = e.entry_id
    join ledger_accounts a on a.account_id = l.account_id
    where a.kind = 'clearing' and starts_with(a.name, :channel || '/') and not exists (
        -- The channel handing over what it holds is no payment and no refund.
        select from ledger_lines o join ledger_accounts b on b.account_id = o.account_id
        where o.entry_id = e.entry_id and b.kind in ('bank', 'fees')
    )
)
select p.payments::integer as payments_here, p.payments_fen::bigint as payments_here_fen,
    t.payments::integer as payments_there, t.payments_fen::bigint as payments_there_fen,
    r.refunds::integer as refunds_here, r.refunds_fen::bigint as refunds_here_fen,
    t.refunds::integer as refunds_there, t.refunds_fen::bigint as refunds_there_fen,
    f.fees_fen::bigint as fees_fen, g.gap_fen::bigint as gap_fen, g.open::integer as open,
    k.ledger_fen::bigint as ledger_fen
from there t, fees f, paid p, returned r, gaps g, booked k

-- name: finish_day!
update reconciliations set state = :state, payments_here = :payments_here,
    payments_here_fen = :payments_here_fen, payments_there = :payments_there,
    payments_there_fen = :payments_there_fen, refunds_here = :refunds_here,
    refunds_here_fen = :refunds_here_fen, refunds_there = :refunds_there,
    refunds_there_fen = :refunds_there_fen, fees_fen = :fees_fen, ledger_fen = :ledger_fen,
    ledger_wrong = :ledger_wrong, finished_at = now()
where channel = :channel and day = :day

-- name: list_repairable
-- What a question to the channel can prove: it has the money, or gave it back, and we do not know.
select difference_id, kind, payment_no, refund_no
from reconciliation_differences
where channel = :channel and day = :day and run_no = :run_no and status = 'open' and difference_id > :after
    and (
        cause = 'state' or cause = 'amount' and kind = 'payment'
        -- Given back without our asking, of a payment that we know.
        or cause = 'missing_here' and refund_no <> '' and service_code is not null
    )
order by difference_id
limit :limit

-- name: count_repairable$
select count(*) from reconciliation_differences
where channel = :channel and day = :day and run_no = :run_no and status = 'open'
    and (
        cause = 'state' or cause = 'amount' and kind = 'payment'
        -- Given back without our asking, of a payment that we know.
        or cause = 'missing_here' and refund_no <> '' and service_code is not null
    )

-- name: note_queried!
update reconciliation_differences set queried_at = now() where difference_id = any (:difference_ids::bigint[])

-- name: list_days
select channel, day, state, reason, coalesce(lines, 0) as lines, coalesce(payments_here, 0) as payments_here,
    coalesce(payments_here_fen, 0) as payments_here_fen, coalesce(payments_there, 0) as payments_there,
    coalesce(payments_there_fen, 0) as payments_there_fen, coalesce(refunds_here, 0) as refunds_here,
    coalesce(refunds_here_fen, 0) as refunds_here_fen, coalesce(refunds_there, 0) as refunds_there,
    coalesce(refunds_there_fen, 0) as refunds_there_fen, coalesce(fees_fen, 0) as fees_fen,
    coalesce(ledger_fen, 0) as ledger_fen, coalesce(ledger_wrong, 0) as ledger_wrong, finished_at
from reconciliations
where day = :day and (:channel::text is null or channel = :channel)
order by channel

-- name: count_differences
select channel, cause, status, count(*)::integer as differences, coalesce(sum(gap_fen), 0)::bigint as gap_fen
from reconciliation_differences
where day = :day and (:channel::text is null or channel = :channel)
group by channel, cause, status
order by channel, cause, status

-- name: list_due_days
-- Of the last days: those that nobody has reconciled, that wait for their bill, or are still open.
select d.day::date as day
from generate_series(:first::date, :last::date, interval '1 day') as d (day)
left join reconciliations r on r.channel = :channel and r.day = d.day::date
where case
    when r.day is null then d.day::date = :last or exists (
        select from payments p
        where p.channel = :channel and p.paid_at >= d.day::date::timestamp at time zone 'Asia/Shanghai'
            and p.paid_at < (d.day::date + 1)::timestamp at time zone 'Asia/Shanghai'
    )
    when r.state = 'open' then r.finished_at < now() - case
        when r.day = :last then interval '50 minutes' else interval '20 hours'
    end
    else r.state in ('waiting', 'failed')
end
order by d.day

-- name: list_differences
select difference_id, channel, day, kind, payment_no, refund_no, occurrence, cause, status, here_fen, there_fen,
    gap_fen, here_state, there_state, here_at, there_at, channel_payment_id, channel_refund_id, service_code,
    region_code, note, resolved_by, resolved_at, first_seen_at, last_seen_at
from reconciliation_differences
where day = :day and difference_id > :after and (:channel::text is null or channel = :channel)
    and (:status::text is null and status <> 'closed' or status = :status)
    and (service_code is null and :is_everybodys or exists (
        select from unnest(:service_prefixes::text[]) as s (prefix) where starts_with(service_code, s.prefix)
    ) and exists (
        select from unnest(:region_prefixes::text[]) as s (prefix) where starts_with(region_code, s.prefix)
    ))
order by difference_id
limit :limit

-- name: find_difference^
select difference_id, channel, day, kind, payment_no, refund_no, occurrence, cause, status, here_fen, there_fen,
    gap_fen, here_state, there_state, here_at, there_at, channel_payment_id, channel_refund_id, service_code,
    region_code, note, resolved_by, resolved_at, first_seen_at, last_seen_at
from reconciliation_differences
where difference_id = :difference_id
    and (service_code is null and :is_everybodys or exists (
        select from unnest(:service_prefixes::text[]) as s (prefix) where starts_with(service_code, s.prefix)
    ) and exists (
        select from unnest(:region_prefixes::text[]) as s (prefix) where starts_with(region_code, s.prefix)
    ))

-- name: resolve_difference!
update reconciliation_differences
set status = 'resolved', note = :note, resolved_by = :resolved_by, resolved_at = now()
where difference_id = :difference_id and status in ('open', 'explained')

-- name: settle_day!
-- The last open difference of a day is settled: the day is clean where the ledger agrees.
update reconciliations r set state = 'clean'
where r.channel = :channel and r.day = :day and r.state = 'open' and r.ledger_wrong = 0
    and r.ledger_fen = r.payments_here_fen - r.refunds_here_fen
    and not exists (
        select from reconciliation_differences d
        where d.channel = r.channel and d.day = r.day and d.status = 'open'
    )

-- name: keep_report!
insert into reconciliation_reports as r (day, page_sha256, table_sha256)
values (:day, :page_digest, :table_digest)
on conflict (day) do update set page_sha256 = excluded.page_sha256, table_sha256 = excluded.table_sha256,
    drawn_at = now()

-- name: find_report^
select page_sha256, table_sha256, drawn_at from reconciliation_reports where day = :day
