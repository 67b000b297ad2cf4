-- migrate:up
-- Catalogue: departments, items with immutable versions, findings, change feed, search, life events.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table departments (
    code text primary key,
    name text not null,
    region_code text not null,
    demonstration boolean not null default false
);
create index departments_region_code on departments (region_code, code);

-- Search documents are distinct names, not items: a million items share a few thousand names.
create table titles (
    title_id bigint generated always as identity primary key,
    key bytea not null unique,
    name text not null,
    aliases text not null,
    weight real not null,
    length real not null,
    search tsvector not null
);
create index titles_search on titles using gin (search) with (fastupdate = off);
comment on column titles.key is 'SHA-256 of name and aliases, which are too long for an index';
comment on column titles.aliases is 'the keywords, sorted, separated by spaces';
comment on column titles.weight is 'how likely people look for such a name: acts before information about acts';
comment on column titles.length is 'characters of the name, those in brackets by half';
comment on column titles.search is 'words, pairs of characters, and in:… initials from each word on';

-- For suggestions: what stands at each word of a name or alias, in characters, pinyin and initials.
create table title_starts (
    start text collate "C" not null,
    title_id bigint not null
);
create index title_starts_start on title_starts (start, title_id);

create table lexemes (
    lexeme text collate "C" primary key,
    titles_count integer not null,
    pinyin text collate "C" not null
);
create index lexemes_pinyin on lexemes (pinyin);
comment on table lexemes is 'in how many titles a word stands, the ground of its weight; the empty word stands in all';

create table synonyms (
    phrase text primary key,
    means text[] not null check (cardinality(means) > 0),
    note text,
    updated_at timestamptz not null default now()
);
comment on table synonyms is 'what people say, and the words of the catalogue it stands for; edited by hand';

create table services (
    service_code text primary key,
    basic_code text,
    local_code text,
    region_code text not null,
    department_code text not null references departments (code),
    title_id bigint not null references titles (title_id),
    name text not null,
    item_type text not null,
    exercise_level smallint not null,
    version integer not null,
    withdrawn_at timestamptz,
    effective_on date,
    ends_on date,
    audience text[] not null,
    themes text[] not null,
    handling_type text,
    statutory_days integer,
    promised_days integer,
    visits smallint,
    online_depth text,
    charged boolean not null,
    material_keys text[] not null,
    demonstration boolean not null default false,
    source text,
    assured_on date,
    updated_at timestamptz not null default now()
);
create index services_region on services (region_code, service_code) where withdrawn_at is null;
create index services_title on services (title_id, exercise_level, service_code) where withdrawn_at is null;
create index services_title_region on services (title_id, region_code) where withdrawn_at is null;
create index services_basic on services (basic_code, region_code) where withdrawn_at is null;
create index services_department on services (department_code, service_code) where withdrawn_at is null;
create index services_item_type on services (item_type, service_code) where withdrawn_at is null;
create index services_online on services (online_depth, service_code) where withdrawn_at is null;
create index services_themes on services using gin (themes) with (fastupdate = off);
create index services_updated_at on services (updated_at, service_code);
create index services_local_code on services (source, local_code);

create table service_versions (
    service_code text not null,
    version integer not null,
    guide json not null,
    digest bytea not null,
    publisher text not null,
    effective_on date,
    published_at timestamptz not null default now(),
    primary key (service_code, version)
);
create index service_versions_effective_on on service_versions (effective_on)
    where effective_on is not null;
comment on column service_versions.guide is 'json, not jsonb: written and read whole, as the text it came in';
comment on column service_versions.digest is 'SHA-256 of the guide as given: an unchanged guide makes no new version';
comment on column service_versions.publisher is 'who published: import:<source>, demonstration, platform:<key id>, clerk:<name>';

create table service_views (
    service_code text primary key,
    views bigint not null
) with (fillfactor = 70);
comment on table service_views is 'how often a guide was opened; apart from services because it changes all day';

create table service_changes (
    seq bigint generated always as identity primary key,
    service_code text not null,
    version integer not null,
    change text not null check (change in ('created', 'updated', 'withdrawn')),
    changed_at timestamptz not null default now()
);
create index service_changes_service on service_changes (service_code, seq);

create table service_findings (
    service_code text primary key,
    version integer not null,
    rules smallint[] not null,
    findings json not null,
    checked_at timestamptz not null default now()
);
comment on column service_findings.rules is 'the rule numbers broken, each once, for counting';

create table imports (
    import_id bigint generated always as identity primary key,
    file_name text not null,
    file_digest bytea not null unique,
    bytes_done bigint not null default 0,
    lines_done bigint not null default 0,
    items_kept bigint not null default 0,
    lines_refused bigint not null default 0,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
comment on table imports is 'how far each import came: a killed import goes on after its last committed batch';

create table import_faults (
    import_id bigint not null references imports (import_id),
    line_number bigint not null,
    field text not null,
    reason text not null,
    primary key (import_id, line_number)
);

create table life_events (
    slug text primary key check (slug ~ '^[a-z][a-z0-9-]{1,40}$'),
    name text not null,
    summary text not null,
    audience text not null,
    position smallint not null,
    demonstration boolean not null default false
);

create table life_event_services (
    slug text not null references life_events (slug),
    position smallint not null,
    basic_code text not null,
    after_basic_codes text[] not null default '{}',
    required boolean not null default true,
    primary key (slug, position),
    unique (slug, basic_code)
);
create index life_event_services_basic_code on life_event_services (basic_code);

create table home_notices (
    notice_id bigint generated always as identity primary key,
    region_code text not null,
    title text not null,
    body text not null,
    published_on date not null,
    ends_on date,
    demonstration boolean not null default false
);
create index home_notices_region_code on home_notices (region_code, published_on desc);

create table offices (
    office_id text primary key,
    name text not null,
    region_code text not null,
    address text not null,
    latitude double precision not null,
    longitude double precision not null,
    hours text not null,
    phone text not null,
    windows jsonb not null,
    demonstration boolean not null default false
);
create index offices_region_code on offices (region_code, office_id);

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
