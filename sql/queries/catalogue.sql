-- name: allow_waiting$
-- A publisher may wait for its turn longer than a reader for a row.
select set_config('lock_timeout', '1900', true)

-- name: lock_catalogue!
-- Publishers take turns: versions and the feed's numbers then follow the order of commits,
-- so that a reader of the feed never passes over a number that appears later.
select pg_advisory_xact_lock(8201)

-- name: create_staging!
create temporary table if not exists staged_services (
    service_code text not null,
    basic_code text,
    local_code text,
    region_code text not null,
    department_code text not null,
    department_name text not null,
    title_id bigint not null,
    name text not null,
    item_type text not null,
    exercise_level smallint not null,
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
    demonstration boolean not null,
    source text,
    assured_on date,
    guide json not null,
    digest bytea not null,
    rules smallint[] not null,
    findings json not null,
    position integer not null
) on commit delete rows

-- name: store_departments!
insert into departments (code, name, region_code, demonstration)
select distinct on (department_code) department_code, department_name, region_code, demonstration
from staged_services
order by department_code, position
on conflict (code) do update set name = excluded.name
where departments.name is distinct from excluded.name

-- name: store_versions
-- A new version where the guide differs from the latest one, or comes back from withdrawal.
with latest as (
    select s.*, l.version as latest_version, l.digest as latest_digest, current.withdrawn_at
    from staged_services s
    left join services current on current.service_code = s.service_code
    left join lateral (
        select v.version, v.digest from service_versions v
        where v.service_code = s.service_code
        order by v.version desc
        limit 1
    ) l on true
),
changed as (
    select * from latest
    where latest_digest is distinct from digest or withdrawn_at is not null
),
versions as (
    insert into service_versions (service_code, version, guide, digest, publisher, effective_on)
    select service_code, coalesce(latest_version, 0) + 1, guide, digest, :publisher, effective_on
    from changed
),
feed as (
    insert into service_changes (service_code, version, change)
    select service_code, coalesce(latest_version, 0) + 1,
        case when latest_version is null then 'created' else 'updated' end
    from changed
    order by position
)
select service_code, coalesce(latest_version, 0) + 1 as version, latest_version is null as created
from changed
order by position

-- name: store_findings!
insert into service_findings (service_code, version, rules, findings)
select s.service_code, v.version, s.rules, s.findings
from staged_services s
cross join lateral (
    select max(version) as version from service_versions where service_code = s.service_code
) v
on conflict (service_code) do update
set version = excluded.version, rules = excluded.rules, findings = excluded.findings,
    checked_at = now()
where (service_findings.version, service_findings.findings::text)
    is distinct from (excluded.version, excluded.findings::text)

-- name: bring_into_force
-- What a staged guide says becomes the item's current row. A version planned for a later day
-- waits, unless the item has no version in force yet.
insert into services (
    service_code, basic_code, local_code, region_code, department_code, title_id, name, item_type,
    exercise_level, version, effective_on, ends_on, audience, themes, handling_type,
    statutory_days, promised_days, visits, online_depth, charged, material_keys, demonstration,
    source, assured_on
)
select s.service_code, s.basic_code, s.local_code, s.region_code, s.department_code, s.title_id,
    s.name, s.item_type, s.exercise_level, v.version, s.effective_on, s.ends_on, s.audience,
    s.themes, s.handling_type, s.statutory_days, s.promised_days, s.visits, s.online_depth,
    s.charged, s.material_keys, s.demonstration, s.source, s.assured_on
from staged_services s
join service_versions v on v.service_code = s.service_code and v.digest = s.digest
    and v.version = (
        select max(version) from service_versions
        where service_code = s.service_code and digest = s.digest
    )
left join services current on current.service_code = s.service_code
where current.service_code is null or s.effective_on is null or s.effective_on <= :today
order by s.position
on conflict (service_code) do update
set basic_code = excluded.basic_code, local_code = excluded.local_code,
    region_code = excluded.region_code, department_code = excluded.department_code,
    title_id = excluded.title_id, name = excluded.name, item_type = excluded.item_type,
    exercise_level = excluded.exercise_level, version = excluded.version, withdrawn_at = null,
    effective_on = excluded.effective_on, ends_on = excluded.ends_on,
    audience = excluded.audience, themes = excluded.themes,
    handling_type = excluded.handling_type, statutory_days = excluded.statutory_days,
    promised_days = excluded.promised_days, visits = excluded.visits,
    online_depth = excluded.online_depth, charged = excluded.charged,
    material_keys = excluded.material_keys, demonstration = excluded.demonstration,
    source = excluded.source, assured_on = excluded.assured_on, updated_at = now()
where services.version < excluded.version or services.withdrawn_at is not null
returning service_code

-- name: list_due_versions
-- Planned versions whose day has come and that are newer than what is in force.
select v.guide, v.service_code, v.version
from service_versions v
join services s on s.service_code = v.service_code
where v.effective_on between :since and :today and v.version > s.version
    and s.withdrawn_at is null
order by v.service_code, v.version

-- name: withdraw_service$
with gone as (
    update services set withdrawn_at = now(), updated_at = now()
    where service_code = :service_code and withdrawn_at is null
    returning service_code, version
), feed as (
    insert into service_changes (service_code, version, change)
    select service_code, version, 'withdrawn' from gone
)
select version from gone

-- name: list_current_items
-- Whose the items are now, and the number of their newest version.
select s.service_code, s.region_code, s.department_code, v.version
from services s
cross join lateral (
    select max(version) as version from service_versions where service_code = s.service_code
) v
where s.service_code = any (:service_codes::text[])

-- name: list_local_codes_of
-- Whose local code each service code already carries.
select service_code, coalesce(local_code, '') from services
where service_code = any (:service_codes::text[])

-- name: find_guide^
select v.guide, v.version, s.version as current_version, s.title_id, s.withdrawn_at, s.updated_at,
    v.published_at, s.effective_on, s.ends_on,
    coalesce(r.name, '全国') as region_name, coalesce(r.ancestors, '{}') as ancestor_codes,
    array(select a.name from unnest(r.ancestors) with ordinality as u (code, position)
        join regions a on a.code = u.code order by u.position) as ancestor_names,
    array(select e.slug || ' ' || e.name from life_event_services m
        join life_events e on e.slug = m.slug where m.basic_code = s.basic_code
        order by e.position) as life_events
from services s
join service_versions v on v.service_code = s.service_code
    and v.version = coalesce(:version, s.version)
left join regions r on r.code = s.region_code
where s.service_code = :service_code

-- name: list_related
-- Items of the same place: first those that ask for the same papers, then the same theme, then
-- the same department. 其他 is no theme to be related by.
with own as (
    select service_code, region_code, department_code, material_keys,
        array_remove(themes, '其他') as themes
    from services
    where service_code = :service_code
)
select r.service_code, r.name,
    case
        when r.materials > 0 then 'shared_materials'
        when r.themes > 0 then 'same_theme'
        else 'same_department'
    end as reason
from (
    select o.service_code, o.name, o.department_code = own.department_code as department,
        (select count(*) from unnest(o.material_keys) as key where key = any (own.material_keys))
            as materials,
        (select count(*) from unnest(o.themes) as theme where theme = any (own.themes)) as themes
    from own
    join services o on o.region_code = own.region_code and o.withdrawn_at is null
        and o.service_code <> own.service_code
        and (o.department_code = own.department_code or o.themes && own.themes
            or o.material_keys && own.material_keys)
) r
order by r.materials * 2 + r.themes + r.department::integer desc, r.service_code
limit 8

-- name: find_scope$
-- Whose items serve a place: itself, its ancestors upwards, the nation. Nearest first.
select array[r.code] || array(
    select a from unnest(r.ancestors) with ordinality as u (a, position) order by position desc
) || array['000000000000']
from regions r
where r.code = :region_code

-- name: find_region_name$
select name from regions where code = :region_code

-- name: find_implementing$
-- The item with that basic code that serves the place: the nearest body up the tree.
select s.service_code
from unnest(:scope::text[]) with ordinality as place (region_code, closeness)
join services s on s.basic_code = :basic_code and s.region_code = place.region_code
    and s.withdrawn_at is null
where coalesce(s.effective_on <= :today, true) and coalesce(s.ends_on >= :today, true)
order by place.closeness, s.service_code
limit 1

-- name: list_services_in_scope
-- Items that serve a place, its own first, then its city's, its province's, the nation's.
select s.service_code, s.name, s.department_code, d.name as department_name, s.region_code,
    coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at, s.closeness
from (
    select found.*, place.closeness
    from unnest(:scope::text[]) with ordinality as place (region_code, closeness)
    cross join lateral (
        select * from services i
        where i.region_code = place.region_code and i.withdrawn_at is null
            and (place.closeness, i.service_code) > (:after_closeness::bigint, :after_code::text)
            and coalesce(i.effective_on <= :today, true) and coalesce(i.ends_on >= :today, true)
            and (:audience::text is null or i.audience @> array[:audience])
            and (:department::text is null or i.department_code = :department)
            and (:theme::text is null or i.themes @> array[:theme])
            and (:item_type::text is null or i.item_type = :item_type)
            and (:online::text[] is null or i.online_depth = any (:online))
        order by i.service_code
        limit :limit
    ) found
    order by place.closeness, found.service_code
    limit :limit
) s
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by s.closeness, s.service_code

-- name: list_services
-- All places. The filters that an index serves stand alone, so that the planner may choose it.
select s.service_code, s.name, s.department_code, d.name as department_name, s.region_code,
    coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at, 0::bigint
from (
    select * from services i
    where i.withdrawn_at is null and i.service_code > :after_code
        and coalesce(i.effective_on <= :today, true) and coalesce(i.ends_on >= :today, true)
        and (:audience::text is null or i.audience @> array[:audience])
        and (:department::text is null or i.department_code = :department)
        and (:theme::text is null or i.themes @> array[:theme])
        and (:item_type::text is null or i.item_type = :item_type)
        and (:online::text[] is null or i.online_depth = any (:online))
    order by i.service_code
    limit :limit
) s
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by s.service_code

-- name: list_services_updated
-- For a platform that keeps a copy: oldest change first.
select s.service_code, s.name, s.department_code, d.name as department_name, s.region_code,
    coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at, 0::bigint
from (
    select * from services i
    where i.withdrawn_at is null and i.updated_at >= :updated_since
        and (i.updated_at, i.service_code) > (:after_updated_at::timestamptz, :after_code::text)
        and coalesce(i.effective_on <= :today, true) and coalesce(i.ends_on >= :today, true)
        and (:scope::text[] is null or i.region_code = any (:scope))
        and (:audience::text is null or i.audience @> array[:audience])
        and (:department::text is null or i.department_code = :department)
        and (:theme::text is null or i.themes @> array[:theme])
        and (:item_type::text is null or i.item_type = :item_type)
        and (:online::text[] is null or i.online_depth = any (:online))
    order by i.updated_at, i.service_code
    limit :limit
) s
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by s.updated_at, s.service_code

-- name: list_changes
select seq, service_code, version, change, changed_at
from service_changes
where seq > :after
order by seq
limit :limit

-- name: list_departments_in_scope
select d.code, d.name, d.region_code,
    (select count(*) from services s
    where s.department_code = d.code and s.withdrawn_at is null) as services_count,
    place.closeness
from unnest(:scope::text[]) with ordinality as place (region_code, closeness)
cross join lateral (
    select * from departments i
    where i.region_code = place.region_code
        and (place.closeness, i.code) > (:after_closeness::bigint, :after_code::text)
    order by i.code
    limit :limit
) d
order by place.closeness, d.code
limit :limit

-- name: list_departments
select d.code, d.name, d.region_code,
    (select count(*) from services s
    where s.department_code = d.code and s.withdrawn_at is null) as services_count,
    0::bigint
from departments d
where d.code > :after_code
order by d.code
limit :limit

-- name: list_hot_services
-- The most opened items that serve the place.
select s.service_code, s.name, s.department_code, d.name as department_name, s.region_code,
    coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at,
    0::bigint
from (
    select i.service_code as code, coalesce(w.views, 0) as views,
        array_position(:scope::text[], i.region_code) as closeness
    from services i
    left join service_views w on w.service_code = i.service_code
    where i.region_code = any (:scope::text[]) and i.withdrawn_at is null
        and coalesce(i.effective_on <= :today, true) and coalesce(i.ends_on >= :today, true)
    order by views desc, closeness, i.service_code
    limit :limit
) hot
join services s on s.service_code = hot.code
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by hot.views desc, hot.closeness, s.service_code

-- name: add_views!
insert into service_views (service_code, views)
select c.code, c.views from unnest(:service_codes::text[], :views::bigint[]) as c (code, views)
join services s on s.service_code = c.code
on conflict (service_code) do update set views = service_views.views + excluded.views

-- name: list_home_notices
select notice_id, title, body, published_on
from home_notices
where region_code = any (:scope::text[]) and published_on <= :today
    and coalesce(ends_on >= :today, true)
order by array_position(:scope::text[], region_code), published_on desc, notice_id
limit 5

-- name: list_life_events
select slug, name, summary, audience, position,
    (select count(*) from life_event_services m where m.slug = e.slug) as services_count
from life_events e
order by position

-- name: count_sitemap_parts
-- Parts of 10,000 addresses, cut at fixed codes so that a part's content is stable.
select ntile as part, min(service_code) as first_code, max(updated_at) as updated_at
from (
    select service_code, updated_at,
        ((row_number() over (order by service_code) - 1) / 10000 + 1)::integer as ntile
    from services where withdrawn_at is null
) numbered
group by ntile
order by ntile

-- name: list_sitemap_entries
select service_code, updated_at
from services
where withdrawn_at is null and service_code >= :first_code
order by service_code
limit 10000

-- name: count_services$
select count(*) from services where withdrawn_at is null

-- name: count_findings
select rule, count(*) as items
from service_findings f
join services s on s.service_code = f.service_code
cross join unnest(f.rules) as rule
where :source::text is null or s.source = :source
group by rule
order by rule

-- name: count_linted^
select count(*), count(*) filter (where cardinality(f.rules) = 0)
from service_findings f
join services s on s.service_code = f.service_code
where :source::text is null or s.source = :source

-- name: list_examples
-- Demonstration items worth trying first, one for each purpose: of those that fit, the one whose
-- process asks least. In steps, so that only the guides of these few places are opened.
with places as materialized (
    select s.service_code, s.version, s.region_code, s.charged, s.online_depth
    from services s
    where s.region_code = any (array['440106000000', '440100000000', '440000000000'])
        and s.withdrawn_at is null and s.demonstration
),
guides as materialized (
    select p.service_code, p.region_code, p.charged, p.online_depth,
        v.guide->'process' as process, v.guide->'materials' as materials,
        (v.guide->'online'->>'appointment')::boolean as appointment
    from places p
    join service_versions v on v.service_code = p.service_code and v.version = p.version
),
easy as materialized (
    select g.*, g.process->'rules' as rules, json_array_length(g.process->'form') as questions,
        json_array_length(g.materials) as papers,
        (
            select count(*) from json_array_elements(g.materials) as m
            where m->>'necessity' = 'required'
        ) as required
    from guides g
    where json_typeof(g.process) = 'object' and g.process->>'assurance_level' = 'basic'
        and json_typeof(g.process->'rules'->'eligibility') = 'null'
),
fitting as materialized (
    select e.*, p.purpose
    from easy e
    join unnest(array['free_instant', 'charged', 'needs_correction', 'appointment']) as p (purpose)
        on case p.purpose
            when 'free_instant' then not e.charged and e.online_depth = 'IV'
                and json_typeof(e.rules->'instant') = 'object' and e.required = 0 and e.papers > 0
            when 'charged' then e.charged and e.online_depth in ('III', 'IV')
                and json_typeof(e.process->'payment') = 'object' and e.required = 0
                and json_typeof(e.rules->'instant') = 'object'
            when 'needs_correction' then not e.charged and e.online_depth in ('III', 'IV')
                and e.required >= 2 and json_typeof(e.rules->'completeness') = 'object'
            else e.appointment
        end
)
select distinct on (f.purpose) f.purpose, f.service_code
from fitting f
order by f.purpose, array_position(array['440106000000', '440100000000'], f.region_code),
    f.questions, f.service_code

-- name: list_findings
select f.service_code, s.name, f.findings
from service_findings f
join services s on s.service_code = f.service_code
where cardinality(f.rules) > 0
    and (:source::text is null or s.source = :source)
    and (:rule::smallint is null or :rule = any (f.rules))
    and f.service_code > :after
order by f.service_code
limit :limit

-- name: find_import^
select import_id, bytes_done, lines_done, items_kept, lines_refused, finished_at is not null
from imports where file_digest = :digest

-- name: start_import$
insert into imports (file_name, file_digest) values (:file_name, :digest) returning import_id

-- name: advance_import!
update imports
set bytes_done = :bytes_done, lines_done = :lines_done, items_kept = :items_kept,
    lines_refused = :lines_refused,
    finished_at = case when :finished then now() else finished_at end
where import_id = :import_id

-- name: store_import_faults!
insert into import_faults (import_id, line_number, field, reason)
select :import_id, * from unnest(:line_numbers::bigint[], :fields::text[], :reasons::text[])
on conflict do nothing

-- name: list_import_faults
select line_number, field, reason from import_faults
where import_id = :import_id
order by line_number
limit :limit

-- name: list_upper_regions
-- Provinces, cities and counties below a region, itself included; pseudo-cities left out.
select code, name, (array['province', 'city', 'county'])[level], parent_code
from regions
where level <= 3 and not pseudo and (code = :code or :code = any (ancestors))
order by level, code

-- name: list_provinces
select code, name, 'province', parent_code from regions where level = 1 order by code

-- name: store_synonyms!
-- Phrases edited since are left as they are.
insert into synonyms (phrase, means, note)
select s.phrase, string_to_array(s.means, ' '), nullif(s.note, '')
from unnest(:phrases::text[], :means::text[], :notes::text[]) as s (phrase, means, note)
on conflict (phrase) do nothing

-- name: store_offices!
insert into offices (office_id, name, region_code, address, latitude, longitude, hours, phone,
    windows, demonstration)
select o->>'office_id', o->>'name', o->>'region_code', o->>'address', (o->>'latitude')::float8,
    (o->>'longitude')::float8, o->>'hours', o->>'phone', o->'windows', true
from jsonb_array_elements(:offices::jsonb) as o
on conflict (office_id) do update set name = excluded.name, address = excluded.address,
    hours = excluded.hours, phone = excluded.phone, windows = excluded.windows

-- name: store_home_notices!
-- The demonstration's notices are replaced as a whole.
with gone as (
    delete from home_notices where demonstration
)
insert into home_notices (region_code, title, body, published_on, demonstration)
select n->>'region_code', n->>'title', n->>'body', (n->>'published_on')::date, true
from jsonb_array_elements(:notices::jsonb) as n

-- name: store_life_events!
with events as (
    insert into life_events (slug, name, summary, audience, position, demonstration)
    select e->>'slug', e->>'name', e->>'summary', e->>'audience', (e->>'position')::smallint, true
    from jsonb_array_elements(:life_events::jsonb) as e
    on conflict (slug) do update set name = excluded.name, summary = excluded.summary
)
insert into life_event_services (slug, position, basic_code, after_basic_codes, required)
select e->>'slug', m.position::smallint, m.member->>'basic_code',
    array(select jsonb_array_elements_text(coalesce(m.member->'after', '[]'))),
    coalesce((m.member->>'required')::boolean, true)
from jsonb_array_elements(:life_events::jsonb) as e,
    jsonb_array_elements(e->'steps') with ordinality as m (member, position)
on conflict (slug, position) do update set basic_code = excluded.basic_code,
    after_basic_codes = excluded.after_basic_codes

-- name: find_item_link^
select url_link, url_made_at > now() - make_interval(days => :days), code_sha256, code_media_type
from item_links where service_code = :service_code and channel = :channel

-- name: store_url_link!
insert into item_links (service_code, channel, url_link, url_made_at)
values (:service_code, :channel, :url_link, now())
on conflict (service_code, channel) do update set url_link = excluded.url_link, url_made_at = now()

-- name: store_code_image!
insert into item_links (service_code, channel, code_sha256, code_media_type)
values (:service_code, :channel, :code_digest, :code_media_type)
on conflict (service_code, channel) do update set
    code_sha256 = excluded.code_sha256, code_media_type = excluded.code_media_type
