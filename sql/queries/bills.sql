-- name: find_payable_service^
-- An item with its guide in force; `open`: it is in force today and was not withdrawn.
select s.service_code, s.name, s.region_code, s.department_code,
    s.withdrawn_at is null and coalesce(s.effective_on <= :today, true)
        and coalesce(s.ends_on >= :today, true) as open,
    v.guide::text as guide
from services s
join service_versions v on v.service_code = s.service_code and v.version = s.version
where s.service_code = :service_code

-- name: find_citizen_by_number$
select citizen_id from citizens
where id_number_index = any (:indexes::bytea[]) and merged_into is null and erased_at is null

-- name: find_assurance$
select assurance_level from citizens where citizen_id = :citizen_id and erased_at is null

-- name: hold_citizen$
-- Whoever counts the bills of a citizen counts them one after the other.
select citizen_id from citizens where citizen_id = :citizen_id for no key update

-- name: count_own_bills$
select count(*) from bills
where citizen_id = :citizen_id and origin = 'citizen' and status = 'unpaid'

-- name: find_bill_by_number^
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills where bill_no = :bill_no

-- name: lock_bill_by_number^
select bill_no, bill_id, citizen_id, case_no, platform_id, service_code, service_name, region_code,
    amount_fen, basis, standard, status, due_on, payment_no, created_at, paid_at
from bills where bill_no = :bill_no
for update

-- name: find_own_raised$
select bill_no from bills
where bill_no = :bill_no and citizen_id = :citizen_id and origin = 'citizen'

-- name: claim_bill!
insert into bill_claims (citizen_id, bill_no) values (:citizen_id, :bill_no)
on conflict do nothing

-- name: move_claims!
with gone as (
    delete from bill_claims where citizen_id = :gone returning bill_no
)
insert into bill_claims (citizen_id, bill_no) select :kept, bill_no from gone
on conflict do nothing

-- name: keep_cancel_reason!
update bills set cancel_reason = :reason where bill_no = :bill_no

-- name: find_cancel_reason$
select cancel_reason from bills where bill_no = :bill_no
