-- migrate:up
-- Certificates that are known to stand for a citizen, and uploads kept under keys of their own.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table known_certificates (
    certificate_id text primary key,
    citizen_id text not null,
    type text not null,
    status text not null default 'valid' check (status in ('valid', 'revoked')),
    valid_until date,
    issued_by text not null,
    issued_at timestamptz not null default now()
);
create index known_certificates_citizen on known_certificates (citizen_id, type);
comment on column known_certificates.type is 'the name that guides give as a material''s certificate_type';
comment on column known_certificates.valid_until is 'the last day on which it is good; null: for ever';
comment on column known_certificates.issued_by is 'who told us: platform:<id>, case:<case_no>';

alter table uploads add column stored text, add column content_key_sealed bytea;
comment on column uploads.sha256 is 'of the file as it was sent';
comment on column uploads.stored is 'SHA-256 of what is kept: the file encrypted under a key of its own, so no two are one';

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
