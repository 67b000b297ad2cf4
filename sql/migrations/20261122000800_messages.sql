-- migrate:up
-- Messages: what people are told, through which channel, and whether it arrived.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table messages (
    message_id text primary key,
    citizen_id text not null,
    kind text not null,
    case_no text not null,
    seq integer not null,
    channel text,
    status text not null,
    reason text,
    attempts smallint not null default 0,
    not_before timestamptz not null default now(),
    channel_message_id text,
    created_at timestamptz not null default now(),
    sent_at timestamptz,
    updated_at timestamptz not null default now(),
    unique (case_no, seq)
) with (fillfactor = 80);
create index messages_citizen on messages (citizen_id, message_id desc);
create index messages_waiting on messages (not_before) where status = 'waiting';
create index messages_sending on messages (updated_at) where status = 'sending';
create index messages_channel on messages (channel, channel_message_id) where channel_message_id is not null;
comment on table messages is 'one per move of a case; the words are made from the event when they are needed';

create table message_consents (
    citizen_id text not null,
    channel text not null,
    kind text not null,
    wanted boolean not null,
    noted_at timestamptz not null default now(),
    primary key (citizen_id, channel, kind)
);
comment on table message_consents is 'what somebody agreed to be told, or not, as the app reported it';

create table message_reports (
    channel text not null,
    channel_message_id text not null,
    status text not null,
    reason text,
    reported_at timestamptz not null default now(),
    primary key (channel, channel_message_id)
);
comment on table message_reports is 'reports that overtook the answer they are about; taken up when it comes';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
