-- migrate:up
-- Ways into each channel's mini-program per item: made once by the channel, kept for weeks.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table item_links (
    service_code text not null,
    channel text not null,
    url_link text,
    url_made_at timestamptz,
    code_sha256 text,
    code_media_type text,
    primary key (service_code, channel)
);
comment on table item_links is 'channels count how many links and codes are made a day: each is asked for once';
comment on column item_links.code_sha256 is 'the picture in the file store; codes do not expire';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
