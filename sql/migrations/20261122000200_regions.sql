-- migrate:up
-- 行政区划: five levels, 12-digit codes (GB/T 2260 zero-padded to the statistical 12 digits).

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table regions (
    code text primary key check (code ~ '^[0-9]{12}$'),
    name text not null,
    level smallint not null check (level between 1 and 5),
    parent_code text,
    statistical_parent_code text,
    pseudo boolean not null default false,
    ancestors text[] not null default '{}',
    children_count integer not null default 0
);
comment on column regions.level is '1 province, 2 city, 3 county, 4 township, 5 village';
comment on column regions.parent_code is 'the parent a person knows: pseudo-cities such as 市辖区 are skipped';
comment on column regions.statistical_parent_code is 'the parent of the statistical code tree, pseudo-cities included';
comment on column regions.ancestors is 'codes from the province down to the parent, pseudo-cities left out';

create index regions_parent_code on regions (parent_code, code);
create index regions_name on regions (name text_pattern_ops, level);
create index regions_upper_names on regions (level, name, code) where level <= 3;

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
