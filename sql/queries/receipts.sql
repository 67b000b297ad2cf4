-- name: find_settled^
-- A payment that paid its bill, with what a receipt says of it; nothing for money that came in vain.
select p.payment_no, p.bill_no, p.amount_fen, b.region_code, province.name as province_name,
    b.department_code, d.name as department_name, b.service_code, b.service_name, b.basis, b.standard,
    coalesce(k.citizen_id, c.citizen_id) as payer_id, coalesce(k.name_sealed, c.name_sealed) as name_sealed,
    o.name as organisation_name, o.credit_code as organisation_code
from payments p
join bills b on b.bill_no = p.bill_no and b.payment_no = p.payment_no
left join departments d on d.code = b.department_code
left join regions province on province.code = rpad(left(b.region_code, 2), 12, '0')
left join citizens c on c.citizen_id = p.citizen_id
left join citizens k on k.citizen_id = c.merged_into
left join cases s on s.case_no = b.case_no
left join organisations o on o.organisation_id = s.organisation_id
where p.payment_no = :payment_no

-- name: find_blue^
select r.receipt_id, r.code, r.number, r.title, r.issuer_code, r.issuer_name, r.service_code, r.item_name,
    r.basis, r.standard, r.quantity, r.amount_fen, w.payer_sealed, w.payer_code
from receipts r
join receipt_payers w on w.receipt_id = r.receipt_id
where r.payment_no = :payment_no and r.kind = 'receipt'

-- name: list_unanswered_refunds
-- Money that went back, and no receipt in red letters says so yet.
select f.refund_no, f.amount_fen
from refunds f
where f.payment_no = :payment_no and f.status = 'succeeded'
    and not exists (select from receipts r where r.refund_no = f.refund_no)
order by f.succeeded_at, f.refund_no

-- name: add_receipt!
with added as (
    insert into receipts (receipt_id, code, number, check_characters, kind, payment_no, bill_no, refund_no,
        reverses, title, issuer_code, issuer_name, service_code, item_name, basis, standard, quantity,
        amount_fen, issued_at)
    values (:receipt_id, :code, :number, :check_characters, :kind, :payment_no, :bill_no, :refund_no,
        :reverses, :title, :issuer_code, :issuer_name, :service_code, :item_name, :basis, :standard,
        :quantity, :amount_fen, :issued_at)
    returning receipt_id
)
insert into receipt_payers (receipt_id, payer_sealed, payer_code)
select receipt_id, :payer_sealed, :payer_code from added

-- name: find_own_payment^
select p.status, b.service_code, coalesce(b.payment_no = p.payment_no, false) as has_settled
from payments p
join bills b on b.bill_no = p.bill_no
where p.payment_no = :payment_no and p.citizen_id = :citizen_id

-- name: list_own_receipts
-- The receipt first, then what answers it in red letters, as issued.
select r.receipt_id, r.code, r.number, r.check_characters, r.kind, r.payment_no, r.bill_no, r.refund_no,
    answered.code as answered_code, answered.number as answered_number, r.title, r.issuer_code,
    r.issuer_name, r.service_code, r.item_name, r.basis, r.standard, r.quantity, r.amount_fen, r.issued_at,
    w.payer_sealed, w.payer_code
from receipts r
join receipt_payers w on w.receipt_id = r.receipt_id
join payments p on p.payment_no = r.payment_no
left join receipts answered on answered.receipt_id = r.reverses
where r.payment_no = :payment_no and p.citizen_id = :citizen_id
order by r.kind = 'red_letter', r.issued_at, r.code, r.number

-- name: find_named^
-- For whoever holds the paper.
select r.check_characters, r.kind, r.issuer_name, r.amount_fen, r.issued_at,
    coalesce((select -sum(red.amount_fen) from receipts red where red.reverses = r.receipt_id), 0)::bigint
        as reversed_fen
from receipts r
where r.code = :code and r.number = :number
