-- migrate:up
-- Fiscal e-receipts: what was printed of each payment and, in red letters, of each refund.

set local lock_timeout = '2s';
set local statement_timeout = '5min';

create table receipts (
    receipt_id text primary key,
    code text not null,
    number bigint not null,
    check_characters text not null check (check_characters ~ '^[0-9A-Z]{6}$'),
    kind text not null check (kind in ('receipt', 'red_letter')),
    payment_no text not null,
    bill_no text not null,
    refund_no text unique,
    reverses text references receipts (receipt_id),
    title text not null,
    issuer_code text not null,
    issuer_name text not null,
    service_code text not null,
    item_name text not null,
    basis text,
    standard text,
    quantity integer not null default 1 check (quantity > 0),
    amount_fen bigint not null,
    issued_at timestamptz not null,
    unique (code, number),
    foreign key (code, number) references fiscal_numbers (code, number),
    check ((kind = 'receipt') = (amount_fen > 0) and amount_fen <> 0),
    check ((kind = 'receipt') = (reverses is null)),
    check ((kind = 'receipt') = (refund_no is null))
);
create unique index receipts_payment on receipts (payment_no) where kind = 'receipt';
create index receipts_reverses on receipts (reverses) where reverses is not null;
comment on table receipts is 'never changed and never deleted; no key leads to payments, which it outlives';
comment on column receipts.reverses is 'of a receipt in red letters the one that it answers, in whole or in part';

-- Beside what is never changed: sealed names are sealed anew when keys are.
create table receipt_payers (
    receipt_id text primary key references receipts (receipt_id),
    payer_sealed bytea not null,
    payer_code text
);
comment on table receipt_payers is 'who paid, as they were called then; kept as long as the receipt, by law';
comment on column receipt_payers.payer_code is 'an organisation''s credit code; none for a person';

create function demand_no_more_red_than_blue() returns trigger language plpgsql as $$
declare
    rest_fen bigint;
begin
    -- Two that answer the same receipt wait for each other here.
    perform from receipts
    where receipt_id = new.reverses and kind = 'receipt' and payment_no = new.payment_no
    for no key update;
    if not found then
        raise exception 'red letters answer a receipt of the same payment' using errcode = 'check_violation';
    end if;
    select sum(amount_fen) into rest_fen
    from receipts where receipt_id = new.reverses or reverses = new.reverses;
    if rest_fen + new.amount_fen < 0 then
        raise exception 'more in red letters than was received' using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger receipts_red_within_blue before insert on receipts
    for each row when (new.kind = 'red_letter') execute function demand_no_more_red_than_blue();

create trigger receipts_append_only before update or delete on receipts
    for each row execute function refuse_change();
create trigger receipts_never_truncated before truncate on receipts
    for each statement execute function refuse_change();
create trigger receipt_payers_kept before delete or update of receipt_id, payer_code on receipt_payers
    for each row execute function refuse_change();
create trigger receipt_payers_never_truncated before truncate on receipt_payers
    for each statement execute function refuse_change();

-- migrate:down
-- Going back is a restore from backup: migrations are expand, migrate, contract.
