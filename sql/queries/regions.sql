-- name: find_region^
select r.code, r.name, r.level, r.parent_code, r.children_count, r.pseudo,
    array(select a.name from unnest(r.ancestors) with ordinality as u (code, position)
        join regions a on a.code = u.code order by u.position) as ancestor_names,
    r.ancestors as ancestor_codes
from regions r
where r.code = :code

-- name: list_children
-- A null parent asks for the provinces.
select code, name, level, parent_code, children_count, pseudo, array[]::text[], ancestors
from regions
where parent_code is not distinct from :parent and not pseudo and code > :after
order by code
limit :limit

-- name: search_regions
-- Names that begin with the words, larger places first; counties and above also by any part.
select distinct r.code, r.name, r.level, r.parent_code, r.children_count, r.pseudo,
    array(select a.name from unnest(r.ancestors) with ordinality as u (code, position)
        join regions a on a.code = u.code order by u.position) as ancestor_names,
    r.ancestors as ancestor_codes
from (
    (select code from regions
    where name like :prefix and not pseudo and (:within::text is null or :within = any (ancestors))
        and (level, code) > (:after_level, :after_code)
    order by level, code
    limit :limit)
    union
    (select code from regions
    where level <= 3 and name like :part and not pseudo
        and (:within::text is null or :within = any (ancestors))
        and (level, code) > (:after_level, :after_code)
    order by level, code
    limit :limit)
) found
join regions r on r.code = found.code
order by r.level, r.code
limit :limit

-- name: count_regions$
select count(*) from regions
