-- name: add_invitation!
insert into agent_invitations (code_hash, citizen_id, expires_at)
values (:code_hash, :citizen_id, now() + make_interval(hours => :hours::integer));

-- name: forget_invitations!
-- One at a time: the older ones of this citizen are worth nothing any more.
delete from agent_invitations where citizen_id = :citizen_id or expires_at < now();

-- name: use_invitation$
update agent_invitations set used_at = now()
where code_hash = :code_hash and used_at is null and expires_at > now()
returning citizen_id;

-- name: end_expired_authorities!
update agent_authorities set state = 'ended', ended_at = now()
where principal_id = :principal_id and agent_id = :agent_id and state <> 'ended'
    and until < (now() at time zone 'Asia/Shanghai')::date;

-- name: add_authority!
-- No row: there is one between these two already.
insert into agent_authorities
    (authority_id, principal_id, agent_id, scopes, service_codes, state, until)
values
    (:authority_id, :principal_id, :agent_id, :scopes, :service_codes, 'offered', :until)
on conflict (principal_id, agent_id) where state <> 'ended' do nothing;

-- name: accept_authority!
update agent_authorities set state = 'accepted', accepted_at = now()
where authority_id = :authority_id and agent_id = :citizen_id and state = 'offered'
    and until >= (now() at time zone 'Asia/Shanghai')::date;

-- name: end_authority!
update agent_authorities set state = 'ended', ended_at = now()
where authority_id = :authority_id and :citizen_id in (principal_id, agent_id)
    and state <> 'ended';

-- name: list_authorities
select a.authority_id, a.principal_id, a.agent_id, other.name_sealed as other_name_sealed,
    a.scopes, a.service_codes, a.state,
    a.state = 'accepted' and a.until >= (now() at time zone 'Asia/Shanghai')::date as in_force,
    a.until, a.created_at, a.accepted_at
from agent_authorities a
join citizens other
    on other.citizen_id = case when a.agent_id = :citizen_id then a.principal_id else a.agent_id end
where :citizen_id in (a.principal_id, a.agent_id) and a.authority_id < :before
    and (:authority_id::text is null or a.authority_id = :authority_id)
order by a.authority_id desc
limit :limit;

-- name: find_authority_in_force^
select a.authority_id, a.agent_id, a.scopes, a.service_codes
from agent_authorities a
join citizens p on p.citizen_id = a.principal_id and p.merged_into is null and p.erased_at is null
where a.principal_id = :principal_id and a.agent_id = :agent_id and a.state = 'accepted'
    and a.until >= (now() at time zone 'Asia/Shanghai')::date;

-- name: end_authorities_between!
update agent_authorities set state = 'ended', ended_at = now()
where principal_id in (:kept, :gone) and agent_id in (:kept, :gone) and state <> 'ended';

-- name: end_double_authorities!
-- Where both records had one with the same person, the kept record's stands.
update agent_authorities doubled set state = 'ended', ended_at = now()
where doubled.state <> 'ended' and :gone in (doubled.principal_id, doubled.agent_id)
    and exists (
        select from agent_authorities own
        where own.state <> 'ended'
            and (own.principal_id, own.agent_id) in (
                (case when doubled.principal_id = :gone then :kept else doubled.principal_id end,
                case when doubled.agent_id = :gone then :kept else doubled.agent_id end)
            )
    );

-- name: move_authorities!
update agent_authorities
set principal_id = case when principal_id = :gone then :kept else principal_id end,
    agent_id = case when agent_id = :gone then :kept else agent_id end
where :gone in (principal_id, agent_id);

-- name: end_authorities_of!
update agent_authorities set state = 'ended', ended_at = now()
where :citizen_id in (principal_id, agent_id) and state <> 'ended';

-- name: add_organisation!
insert into organisations (organisation_id, credit_code, name)
values (:organisation_id, :credit_code, :name);

-- name: count_claims$
select count(*) from organisation_members m
join organisations o on o.organisation_id = m.organisation_id
where m.citizen_id = :citizen_id and o.state = 'unverified';

-- name: add_member!
insert into organisation_members (organisation_id, citizen_id, role, state, accepted_at)
values (:organisation_id, :citizen_id, :role, :state, case when :state = 'active' then now() end)
on conflict (organisation_id, citizen_id)
do update set role = excluded.role, state = excluded.state, accepted_at = excluded.accepted_at
where organisation_members.state = 'ended';

-- name: find_membership^
select m.role, m.state from organisation_members m
where m.organisation_id = :organisation_id and m.citizen_id = :citizen_id and m.state <> 'ended';

-- name: lock_organisation$
select state from organisations where organisation_id = :organisation_id for update;

-- name: accept_membership!
update organisation_members set state = 'active', accepted_at = now()
where organisation_id = :organisation_id and citizen_id = :citizen_id and state = 'invited';

-- name: end_membership!
update organisation_members set state = 'ended'
where organisation_id = :organisation_id and citizen_id = :citizen_id and state <> 'ended';

-- name: count_other_representatives$
select count(*) from organisation_members
where organisation_id = :organisation_id and citizen_id <> :citizen_id
    and role = 'legal_representative' and state = 'active';

-- name: list_members
select m.citizen_id, c.name_sealed, m.role, m.state
from organisation_members m
join citizens c on c.citizen_id = m.citizen_id
where m.organisation_id = :organisation_id and m.state <> 'ended'
order by m.created_at, m.citizen_id
limit 200;

-- name: list_organisations
select o.organisation_id, o.credit_code, o.name, o.state, m.role, m.state as membership, o.created_at
from organisation_members m
join organisations o on o.organisation_id = m.organisation_id
where m.citizen_id = :citizen_id and m.state <> 'ended' and o.organisation_id < :before
    and (:organisation_id::text is null or o.organisation_id = :organisation_id)
order by o.organisation_id desc
limit :limit;

-- name: list_claims
select organisation_id, credit_code, name, state, created_at from organisations
where state = :state and organisation_id > :after
order by organisation_id
limit :limit;

-- name: decide_claim^
update organisations
set state = :state, decided_by = :decided_by, decided_at = now()
where organisation_id = :organisation_id and state = 'unverified'
returning organisation_id, credit_code, name, state, created_at;

-- name: lock_claims
-- Every claim to the same code waits, so that two are not confirmed at once.
select organisation_id, credit_code, name, state, created_at from organisations
where credit_code = (
    select credit_code from organisations where organisation_id = :organisation_id
)
order by organisation_id
for update;

-- name: move_memberships!
update organisation_members moved set citizen_id = :kept
where moved.citizen_id = :gone and not exists (
    select from organisation_members own
    where own.organisation_id = moved.organisation_id and own.citizen_id = :kept
);

-- name: end_memberships_of!
update organisation_members set state = 'ended' where citizen_id = :citizen_id and state <> 'ended';
