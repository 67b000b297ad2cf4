-- name: find_seed$
select digest from seeds where name = :name

-- name: note_seed!
insert into seeds (name, digest) values (:name, :digest)
on conflict (name) do update set digest = excluded.digest, planted_at = now()
