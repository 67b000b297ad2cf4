-- name: open_sequence!
insert into fiscal_sequences (code) values (:code) on conflict do nothing

-- name: lock_sequence$
select last_number from fiscal_sequences where code = :code for update

-- name: find_minted^
select code, number from fiscal_numbers where subject = :subject

-- name: take_number!
with taken as (
    update fiscal_sequences set last_number = :number
    where code = :code
    returning code, last_number
)
insert into fiscal_numbers (code, number, subject)
select code, last_number, :subject from taken
