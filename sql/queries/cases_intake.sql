-- name: find_service^
select
    s.service_code, s.version, v.digest, s.name, s.department_code, s.region_code,
    case when s.handling_type = 'instant' then 0 else coalesce(s.promised_days, s.statutory_days) end,
    s.withdrawn_at is not null as withdrawn,
    coalesce(s.effective_on <= :today, true) and coalesce(s.ends_on >= :today, true) as in_force
from services s
join service_versions v on v.service_code = s.service_code and v.version = s.version
where s.service_code = :service_code

-- name: find_guide$
select guide::text from service_versions where service_code = :service_code and version = :version

-- name: find_applicant^
select citizen_id, name_sealed, id_number_sealed, phone_sealed, assurance_level
from citizens
where citizen_id = :citizen_id and erased_at is null

-- name: may_act_for_organisation$
select exists (
    select from organisation_members m
    join organisations o on o.organisation_id = m.organisation_id
    where m.organisation_id = :organisation_id and m.citizen_id = :citizen_id
        and m.state = 'active' and o.state = 'verified'
)

-- name: list_known_regions
select code from regions where code = any (:codes::text[])

-- name: add_case!
insert into cases (
    case_no, origin, channel, citizen_id, organisation_id, agent_id, service_code, service_version,
    service_name, department_code, region_code, status, form_sealed, applicant_sealed, materials,
    completeness_percent, query_password_hash, limit_days
)
values (
    :case_no, 'online', :channel, :citizen_id, :organisation_id, :agent_id, :service_code,
    :service_version, :service_name, :department_code, :region_code, 'draft', :form_sealed, :applicant_sealed,
    :materials, :completeness_percent, :query_password_hash, :limit_days
)

-- name: store_draft!
update cases
set form_sealed = :form_sealed, materials = :materials, organisation_id = :organisation_id,
    completeness_percent = :completeness_percent, version = version + 1, updated_at = now()
where case_no = :case_no and citizen_id = :citizen_id

-- name: store_handed_in!
-- What a submission or correction settles; the move that follows counts the version.
update cases
set form_sealed = :form_sealed, applicant_sealed = :applicant_sealed, materials = :materials,
    completeness_percent = :completeness_percent, fee_fen = :fee_fen, fee_basis = :fee_basis
where case_no = :case_no and citizen_id = :citizen_id

-- name: delete_draft!
delete from cases
where case_no = :case_no and citizen_id = :citizen_id and status = 'draft'

-- name: find_own_case^
select
    c.case_no, c.citizen_id, c.agent_id, c.organisation_id, c.service_code, c.service_version,
    v.digest, c.service_name, c.region_code, c.status, c.version, c.form_sealed,
    c.applicant_sealed, c.materials::text, c.completeness_percent, c.correction::text,
    c.result::text, c.fee_fen, c.fee_basis, c.paid_at, c.due_on, c.due_provisional, c.created_at,
    c.submitted_at, c.updated_at, c.evaluated_at
from cases c
join service_versions v on v.service_code = c.service_code and v.version = c.service_version
where c.case_no = :case_no and c.citizen_id = :citizen_id

-- name: lock_own_case^
select
    c.case_no, c.citizen_id, c.agent_id, c.organisation_id, c.service_code, c.service_version,
    v.digest, c.service_name, c.region_code, c.status, c.version, c.form_sealed,
    c.applicant_sealed, c.materials::text, c.completeness_percent, c.correction::text,
    c.result::text, c.fee_fen, c.fee_basis, c.paid_at, c.due_on, c.due_provisional, c.created_at,
    c.submitted_at, c.updated_at, c.evaluated_at
from cases c
join service_versions v on v.service_code = c.service_code and v.version = c.service_version
where c.case_no = :case_no and c.citizen_id = :citizen_id
for update of c

-- name: lock_case_to_decide^
-- A case with who accepted it: only what the system began does the system end.
select
    c.case_no, c.service_code, c.service_version, v.digest, c.status, c.version,
    (
        select e.actor from case_events e
        where e.case_no = c.case_no and e.type = 'accepted' and e.applied
        order by e.seq desc
        limit 1
    ) as accepted_by
from cases c
join service_versions v on v.service_code = c.service_code and v.version = c.service_version
where c.case_no = :case_no
for update of c

-- name: list_own_cases
select
    case_no, service_code, service_name, status, version, completeness_percent, fee_fen, due_on,
    created_at, submitted_at, updated_at, evaluated_at is not null as evaluated
from cases
where citizen_id = :citizen_id
    and (created_at, case_no) < (:before_created_at::timestamptz, :before_case_no::text)
    and (:status::text is null or status = :status)
    and (:service_codes::text[] is null or service_code = any (:service_codes))
order by created_at desc, case_no desc
limit :limit

-- name: add_upload!
insert into uploads (
    upload_id, citizen_id, sha256, size_bytes, media_type, scan, stored, content_key_sealed
)
values (
    :upload_id, :citizen_id, :digest, :size_bytes, :media_type, :scan, :stored,
    :content_key_sealed
)

-- name: count_unused_uploads$
select count(*) from uploads where citizen_id = :citizen_id and case_no is null

-- name: find_own_upload^
select
    upload_id, sha256, size_bytes, media_type, scan, case_no, stored, content_key_sealed, created_at
from uploads
where upload_id = :upload_id and citizen_id = :citizen_id

-- name: list_own_uploads
-- Locked, so that none is forgotten or handed in twice meanwhile.
select
    upload_id, sha256, size_bytes, media_type, scan, case_no, stored, content_key_sealed, created_at
from uploads
where upload_id = any (:upload_ids::text[]) and citizen_id = :citizen_id
order by upload_id
for update

-- name: bind_uploads!
-- Those of the case's list are the case's, those that left it are unused again.
update uploads
set case_no = case when upload_id = any (:upload_ids::text[]) then :case_no end
where citizen_id = :citizen_id
    and (case_no = :case_no or upload_id = any (:upload_ids::text[]) and case_no is null)

-- name: forget_unused_uploads
delete from uploads
where upload_id in (
    select upload_id from uploads
    where case_no is null and created_at < now() - interval '1 day'
    order by created_at
    limit :limit
    for update skip locked
)
returning stored

-- name: list_held_certificates
select certificate_id, type, status, valid_until
from known_certificates
where certificate_id = any (:certificate_ids::text[]) and citizen_id = :citizen_id

-- name: know_issued_certificate!
-- Once, and only where something was issued (result 0) of a kind that the process names.
insert into known_certificates (certificate_id, citizen_id, type, valid_until, issued_by)
select
    c.case_no, c.citizen_id, v.guide->'process'->>'result_certificate',
    (c.result->>'valid_until')::date, 'case:' || c.case_no
from cases c
join service_versions v on v.service_code = c.service_code and v.version = c.service_version
where c.case_no = :case_no and c.result_code = '0' and c.citizen_id is not null
    and v.guide->'process'->>'result_certificate' is not null
on conflict (certificate_id) do nothing

-- name: give_certificates!
update known_certificates set citizen_id = :kept where citizen_id = :gone

-- name: forget_certificates!
delete from known_certificates where citizen_id = :citizen_id

-- name: forget_uploads_of
delete from uploads where citizen_id = :citizen_id returning stored

-- name: find_upload_of_case^
select
    upload_id, sha256, size_bytes, media_type, scan, case_no, stored, content_key_sealed, created_at
from uploads
where upload_id = :upload_id and case_no = :case_no

-- name: find_citizen_of_case$
select citizen_id from cases where case_no = :case_no
