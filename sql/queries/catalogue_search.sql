-- name: count_lexemes
select lexeme, titles_count, pinyin from lexemes where lexeme = any(:words::text[]);

-- name: find_homophones
select lexeme, titles_count, pinyin
from lexemes
where pinyin = any(:pinyins::text[])
order by titles_count desc, lexeme
limit 200;

-- name: find_longer_pinyins
select lexeme, titles_count, pinyin
from lexemes
where pinyin >= :first and pinyin < :last
order by titles_count desc, lexeme
limit 8;

-- name: find_lookalikes
select found.lexeme, found.titles_count, found.pinyin
from unnest(:patterns::text[]) as pattern
cross join lateral (
    select lexeme, titles_count, pinyin
    from lexemes
    -- The range lets the index find the first character; LIKE alone would read the whole table.
    where lexeme >= left(pattern, 1) and lexeme < left(pattern, 1) || U&'\+10FFFF'
        and lexeme like pattern and pinyin <> ''
    order by titles_count desc, lexeme
    limit 5
) as found;

-- name: version_synonyms^
select count(*), max(updated_at) from synonyms;

-- name: list_synonyms
select phrase, means from synonyms order by phrase;

-- name: find_department_regions$
select coalesce(array_agg(distinct region_code), '{}')
from services
where department_code = :department_code and withdrawn_at is null;

-- name: search_in_scope
with term as materialized (
    select *
    from unnest(
        :term_concepts::integer[], :term_queries::text[]::tsquery[], :term_weights::float8[],
        :term_lengths::float8[]
    ) as u (concept, query, weight, length)
),
candidate as materialized (
    select title_id, name, weight, length, search
    from titles
    where search @@ :candidates::text::tsquery
),
item as (
    -- Each row carries its title: joined again later, wrong guesses of its size would be dear.
    select
        s.service_code, array_position(:scope::text[], s.region_code) as closeness,
        c.name, c.weight, c.length, c.search
    from candidate c
    join services s using (title_id)
    where s.withdrawn_at is null
        and s.region_code = any(:scope::text[])
        and (s.effective_on is null or s.effective_on <= current_date)
        and (s.ends_on is null or s.ends_on >= current_date)
        and (:audience::text is null or :audience = any(s.audience))
        and (:department::text is null or s.department_code = :department)
        and (:theme::text is null or :theme = any(s.themes))
        and (:item_type::text is null or s.item_type = :item_type)
        and (:online::text[] is null or s.online_depth = any(:online))
        and (:updated_since::timestamptz is null or s.updated_at >= :updated_since)
),
ranked as (
    select
        c.service_code, c.closeness,
        (case when :information::boolean then 1 else c.weight end) * (
            o.weight / :total_weight::float8 * (0.6 + 0.4 * least(1, o.length / c.length))
            + case
                when lower(c.name) = :phrase::text then 0.5::float8
                when starts_with(lower(c.name), :phrase) then 0.12
                when strpos(lower(c.name), :phrase) > 0 then 0.08
                else 0
            end
        ) as score
    from item c
    cross join lateral (
        -- Of the words for one concept the best that stands in the title counts.
        select sum(m.weight) as weight, sum(m.length) as length
        from (
            select max(term.weight) as weight, max(term.length) as length
            from term
            where c.search @@ term.query
            group by term.concept
        ) as m
    ) as o
),
scored as (
    select
        r.service_code, r.closeness,
        round((r.score + 0.02 * least(1, ln(1 + coalesce(
            (select views from service_views v where v.service_code = r.service_code), 0
        )) / 14))::numeric, 6)::float8 as score
    from ranked r
),
page as materialized (
    select *
    from scored
    where :after_score::float8 is null
        or (-score, closeness, service_code)
            > (-:after_score, :after_closeness::integer, :after_service_code::text)
    order by score desc, closeness, service_code
    limit :limit::integer
)
select
    s.service_code, s.name, d.code as department_code, d.name as department_name,
    s.region_code, coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at,
    p.closeness, p.score
from page p
join services s using (service_code)
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by p.score desc, p.closeness, p.service_code;

-- name: search_everywhere
with term as materialized (
    select *
    from unnest(
        :term_concepts::integer[], :term_queries::text[]::tsquery[], :term_weights::float8[],
        :term_lengths::float8[]
    ) as u (concept, query, weight, length)
),
candidate as materialized (
    select title_id, name, weight, length, search
    from titles
    where search @@ :candidates::text::tsquery
),
ranked as (
    select
        c.title_id,
        (case when :information::boolean then 1 else c.weight end) * (
            o.weight / :total_weight::float8 * (0.6 + 0.4 * least(1, o.length / c.length))
            + case
                when lower(c.name) = :phrase::text then 0.5::float8
                when starts_with(lower(c.name), :phrase) then 0.12
                when strpos(lower(c.name), :phrase) > 0 then 0.08
                else 0
            end
        ) as score
    from candidate c
    cross join lateral (
        -- Of the words for one concept the best that stands in the title counts.
        select sum(m.weight) as weight, sum(m.length) as length
        from (
            select max(term.weight) as weight, max(term.length) as length
            from term
            where c.search @@ term.query
            group by term.concept
        ) as m
    ) as o
    order by score desc, title_id
    limit 400
),
item as (
    select copy.service_code, copy.closeness, r.score
    from ranked r
    cross join lateral (
        select near.service_code, near.exercise_level::integer as closeness
        from (
            -- A name may have thousands of copies: the highest levels' stand for the rest.
            select * from services n
            where n.title_id = r.title_id and n.withdrawn_at is null
            order by n.exercise_level, n.service_code
            limit 6
        ) as near
        where (near.effective_on is null or near.effective_on <= current_date)
            and (near.ends_on is null or near.ends_on >= current_date)
            and (:audience::text is null or :audience = any(near.audience))
            and (:theme::text is null or :theme = any(near.themes))
            and (:item_type::text is null or near.item_type = :item_type)
            and (:online::text[] is null or near.online_depth = any(:online))
            and (:updated_since::timestamptz is null or near.updated_at >= :updated_since)
        order by near.exercise_level, near.service_code
        limit 3
    ) as copy
),
scored as (
    select
        i.service_code, i.closeness,
        round((i.score + 0.02 * least(1, ln(1 + coalesce(
            (select views from service_views v where v.service_code = i.service_code), 0
        )) / 14))::numeric, 6)::float8 as score
    from item i
),
page as materialized (
    select *
    from scored
    where :after_score::float8 is null
        or (-score, closeness, service_code)
            > (-:after_score, :after_closeness::integer, :after_service_code::text)
    order by score desc, closeness, service_code
    limit :limit::integer
)
select
    s.service_code, s.name, d.code as department_code, d.name as department_name,
    s.region_code, coalesce(r.name, '全国') as region_name, s.item_type, s.audience, s.handling_type,
    s.statutory_days, s.promised_days, s.visits, s.online_depth, s.charged, s.updated_at,
    p.closeness, p.score
from page p
join services s using (service_code)
join departments d on d.code = s.department_code
left join regions r on r.code = s.region_code
order by p.score desc, p.closeness, p.service_code;

-- name: suggest_in_scope
with found as materialized (
    select u.start, u.position, f.title_id
    from unnest(:starts::text[]) with ordinality as u (start, position)
    cross join lateral (
        select title_id
        from title_starts
        where title_starts.start >= u.start and title_starts.start < u.start || U&'\+10FFFF'
        order by title_starts.start
        -- What was typed itself first; what it may mean gets fewer.
        limit 90 / u.position
    ) as f
),
nearest as (
    select
        t.name, i.service_code, f.position, t.weight, t.length, i.closeness,
        starts_with(lower(t.name), f.start) as at_start
    from (select title_id, min(position) as position, min(start) as start from found group by title_id) as f
    join titles t using (title_id)
    cross join lateral (
        select service_code, array_position(:scope::text[], region_code) as closeness
        from services
        where title_id = f.title_id and region_code = any(:scope) and withdrawn_at is null
            and (effective_on is null or effective_on <= current_date)
            and (ends_on is null or ends_on >= current_date)
        order by closeness, service_code
        limit 1
    ) as i
)
select name as text, (array_agg(service_code order by closeness, service_code))[1] as service_code
from nearest
group by name
order by min(position), bool_or(at_start and weight >= 0.8) desc, max(weight) desc, min(length), name
limit :limit::integer;

-- name: suggest_everywhere
with found as materialized (
    select u.start, u.position, f.title_id
    from unnest(:starts::text[]) with ordinality as u (start, position)
    cross join lateral (
        select title_id
        from title_starts
        where title_starts.start >= u.start and title_starts.start < u.start || U&'\+10FFFF'
        order by title_starts.start
        -- What was typed itself first; what it may mean gets fewer.
        limit 90 / u.position
    ) as f
),
nearest as (
    select
        t.name, i.service_code, f.position, t.weight, t.length, i.closeness,
        starts_with(lower(t.name), f.start) as at_start
    from (select title_id, min(position) as position, min(start) as start from found group by title_id) as f
    join titles t using (title_id)
    cross join lateral (
        select service_code, exercise_level as closeness
        from services
        where title_id = f.title_id and withdrawn_at is null
            and (effective_on is null or effective_on <= current_date)
            and (ends_on is null or ends_on >= current_date)
        order by exercise_level, service_code
        limit 1
    ) as i
)
select name as text, (array_agg(service_code order by closeness, service_code))[1] as service_code
from nearest
group by name
order by min(position), bool_or(at_start and weight >= 0.8) desc, max(weight) desc, min(length), name
limit :limit::integer;

-- name: find_titles
select key, title_id from titles where key = any(:keys::bytea[]);

-- name: add_titles
insert into titles (key, name, aliases, weight, length, search)
select key, name, aliases, weight, length, array_to_tsvector(string_to_array(lexemes, ' '))
from unnest(
    :keys::bytea[], :names::text[], :aliases::text[], :weights::real[], :lengths::real[],
    :lexemes::text[]
) as u (key, name, aliases, weight, length, lexemes)
order by key
on conflict (key) do nothing
returning key, title_id;

-- name: add_starts!
insert into title_starts (start, title_id)
select start, title_id
from unnest(:starts::text[], :title_ids::bigint[]) as u (start, title_id)
-- In the index's order its pages are touched once each.
order by start collate "C", title_id;

-- name: count_more_lexemes!
insert into lexemes (lexeme, titles_count, pinyin)
select lexeme, titles_count, pinyin
from unnest(:lexemes::text[], :counts::integer[], :pinyins::text[]) as u (lexeme, titles_count, pinyin)
-- One order for everyone: two publishers wait for each other, but never in a circle.
order by lexeme collate "C"
on conflict (lexeme) do update set titles_count = lexemes.titles_count + excluded.titles_count;

-- name: lock_index!
lock table titles, title_starts, lexemes in share row exclusive mode;

-- name: empty_lexemes!
delete from lexemes;

-- name: empty_starts!
delete from title_starts;

-- name: list_titles
select title_id, name, aliases
from titles
where title_id > :after
order by title_id
limit :limit::integer;

-- name: rewrite_titles!
update titles
set weight = u.weight, length = u.length, search = array_to_tsvector(string_to_array(u.lexemes, ' '))
from unnest(:title_ids::bigint[], :weights::real[], :lengths::real[], :lexemes::text[])
    as u (title_id, weight, length, lexemes)
where titles.title_id = u.title_id;
