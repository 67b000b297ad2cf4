--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: pgqueuer_status; Type: TYPE; Schema: public; Owner: -
--

CREATE TYPE public.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

--
-- Name: demand_no_more_red_than_blue(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.demand_no_more_red_than_blue() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

--
-- Name: demand_whole_entry(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.demand_whole_entry() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    lines bigint;
    total numeric;
begin
    select count(*), coalesce(sum(amount_fen), 0) into lines, total
    from ledger_lines where entry_id = new.entry_id;
    if lines <> new.line_count or total <> 0 then
        raise exception 'a ledger entry has % of % lines and does not balance by % fen',
            lines, new.line_count, total using errcode = 'check_violation';
    end if;
    if new.reverses is not null and (
        exists (select from ledger_entries where entry_id = new.reverses and reverses is not null)
        or exists (
            select from ledger_lines
            where entry_id in (new.entry_id, new.reverses)
            group by account_id, subject
            having sum(amount_fen) <> 0
        )
    ) then
        raise exception 'a reversal compensates an entry that is none itself, line by line'
            using errcode = 'check_violation';
    end if;
    return null;
end
$$;

--
-- Name: fn_pgqueuer_changed(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;

--
-- Name: project_ledger_lines(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.project_ledger_lines() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    broken bigint;
begin
    -- Subqueries, not joins: of the new rows nothing is known to the planner, and a join may read
    -- the whole of the other table.
    -- One currency an entry: its lines and their accounts all carry the entry's. Foreign keys would
    -- lock every busy account's row once a line; entries and accounts never change nor go.
    if exists (
        select from added l
        where (select e.currency from ledger_entries e where e.entry_id = l.entry_id)
                is distinct from l.currency
            or (select a.currency from ledger_accounts a where a.account_id = l.account_id)
                is distinct from l.currency
    ) then
        raise exception 'a line has an entry and an account of its currency'
            using errcode = 'foreign_key_violation';
    end if;
    if exists (
        select from (select distinct entry_id from added) a
        where (select e.line_count from ledger_entries e where e.entry_id = a.entry_id)
            < (select count(*) from ledger_lines l where l.entry_id = a.entry_id)
    ) then
        raise exception 'the entry is complete' using errcode = 'restrict_violation';
    end if;
    -- Always in the same order, so that two entries do not wait for each other in a circle.
    insert into ledger_balances as b (account_id, shard, balance_fen)
    select account_id, pg_backend_pid() & 31, sum(amount_fen)::bigint
    from added
    group by account_id
    order by account_id
    on conflict (account_id, shard) do update set balance_fen = b.balance_fen + excluded.balance_fen;
    with floors as materialized (
        select a.account_id, a.floor from ledger_accounts a
        where a.account_id in (select account_id from added) and a.floor <> 0
    ), changed as (
        insert into ledger_subject_balances as b (account_id, subject, floor, balance_fen)
        select l.account_id, l.subject, f.floor, sum(l.amount_fen)::bigint
        from added l
        join floors f on f.account_id = l.account_id
        group by l.account_id, l.subject, f.floor
        order by l.account_id, l.subject
        on conflict (account_id, subject) do update set balance_fen = b.balance_fen + excluded.balance_fen
        returning b.floor, b.balance_fen
    )
    select count(*) into broken from changed where sign(balance_fen) * floor < 0;
    -- No check constraint: an upsert would hold it against the addend before it finds the row.
    if broken > 0 then
        raise exception 'a subject''s balance would cross its floor' using errcode = 'check_violation';
    end if;
    return null;
end
$$;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end
$$;

--
-- Name: tell_of_case(); Type: FUNCTION; Schema: public; Owner: -
--

CREATE FUNCTION public.tell_of_case() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'DELETE' then
        perform pg_notify('case_changed', json_build_array(old.case_no, old.version + 1)::text);
    else
        perform pg_notify('case_changed', json_build_array(new.case_no, new.version)::text);
    end if;
    return null;
end
$$;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: access_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.access_log (
    access_id bigint NOT NULL,
    citizen_id text NOT NULL,
    actor text NOT NULL,
    purpose text NOT NULL,
    what text NOT NULL,
    accessed_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE access_log; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.access_log IS 'Who read whose personal data, for what; kept 180 days at least.';

--
-- Name: access_log_access_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.access_log ALTER COLUMN access_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.access_log_access_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: agent_authorities; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.agent_authorities (
    authority_id text NOT NULL,
    principal_id text NOT NULL,
    agent_id text NOT NULL,
    scopes text[] NOT NULL,
    service_codes text[] NOT NULL,
    state text NOT NULL,
    until date NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT agent_authorities_state_check CHECK ((state = ANY (ARRAY['offered'::text, 'accepted'::text, 'ended'::text])))
);

--
-- Name: TABLE agent_authorities; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.agent_authorities IS 'Written authority 代办授权: in force when accepted, not ended and the day not past.';

--
-- Name: agent_invitations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.agent_invitations (
    code_hash bytea NOT NULL,
    citizen_id text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

--
-- Name: TABLE agent_invitations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.agent_invitations IS 'An agent gives the code to whoever wants to authorise them; it works once.';

--
-- Name: audit_chain; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_chain (
    seal_no bigint NOT NULL,
    entry_id bigint NOT NULL,
    seal bytea NOT NULL
);

--
-- Name: TABLE audit_chain; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.audit_chain IS 'in the order of sealing: seal = SHA-256(seal before, entry); a changed, missing or inserted entry breaks it';

--
-- Name: audit_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_entries (
    entry_id bigint NOT NULL,
    noted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details text NOT NULL
);

--
-- Name: COLUMN audit_entries.details; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.audit_entries.details IS 'JSON as text, because the chain is made over these very bytes; no personal values';

--
-- Name: audit_entries_entry_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.audit_entries ALTER COLUMN entry_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_entries_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: audit_waiting; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.audit_waiting (
    entry_id bigint NOT NULL
);

--
-- Name: TABLE audit_waiting; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.audit_waiting IS 'entries not yet in the chain; a worker takes them out within seconds';

--
-- Name: bill_claims; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bill_claims (
    citizen_id text NOT NULL,
    bill_no text NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE bill_claims; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.bill_claims IS 'who typed a bill''s payment notice code: they may see and pay it, whoever owes it';

--
-- Name: bills; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.bills (
    bill_no text NOT NULL,
    bill_id bigint NOT NULL,
    origin text NOT NULL,
    citizen_id text,
    case_no text,
    case_seq integer,
    platform_id text,
    reference text,
    service_code text NOT NULL,
    service_name text NOT NULL,
    region_code text NOT NULL,
    department_code text NOT NULL,
    amount_fen bigint NOT NULL,
    basis text,
    standard text,
    status text DEFAULT 'unpaid'::text NOT NULL,
    due_on date NOT NULL,
    payment_no text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    paid_at timestamp with time zone,
    cancel_reason text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT bills_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT bills_bill_no_check CHECK ((bill_no ~ '^[0-9]{20}$'::text)),
    CONSTRAINT bills_origin_check CHECK ((origin = ANY (ARRAY['case'::text, 'platform'::text, 'citizen'::text]))),
    CONSTRAINT bills_status_check CHECK ((status = ANY (ARRAY['unpaid'::text, 'paid'::text, 'cancelled'::text, 'partially_refunded'::text, 'refunded'::text])))
)
WITH (fillfactor='80');

--
-- Name: COLUMN bills.bill_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.bill_no IS 'payment notice code 缴款码: 20 random digits that say nothing';

--
-- Name: COLUMN bills.case_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.case_no IS 'none: an item that is only paid, or a fine decided elsewhere';

--
-- Name: COLUMN bills.case_seq; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.case_seq IS 'the event of the case that asked for the payment: it is billed once';

--
-- Name: COLUMN bills.reference; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.reference IS 'the platform''s own number: the same again is the same bill';

--
-- Name: COLUMN bills.payment_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.payment_no IS 'the one payment that paid it';

--
-- Name: COLUMN bills.cancel_reason; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.bills.cancel_reason IS 'why whoever raised it took it back, for the person who owed it';

--
-- Name: bills_bill_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.bills ALTER COLUMN bill_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.bills_bill_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: case_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.case_events (
    case_no text NOT NULL,
    seq integer NOT NULL,
    type text NOT NULL,
    applied boolean NOT NULL,
    from_status text,
    to_status text,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    platform_id text,
    event_id text,
    fingerprint bytea,
    note text,
    details json
);

--
-- Name: TABLE case_events; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.case_events IS 'append-only: a trigger refuses changes and deletions';

--
-- Name: COLUMN case_events.fingerprint; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.case_events.fingerprint IS 'SHA-256 of what was pushed: the same event_id with other words is refused';

--
-- Name: case_serials; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.case_serials
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 999999999
    CACHE 1
    CYCLE;

--
-- Name: SEQUENCE case_serials; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON SEQUENCE public.case_serials IS 'the last nine digits of a case number; gaps are of no matter';

--
-- Name: cases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.cases (
    case_no text NOT NULL,
    origin text NOT NULL,
    citizen_id text,
    organisation_id text,
    agent_id text,
    platform_id text,
    channel text,
    service_code text NOT NULL,
    service_version integer NOT NULL,
    service_name text NOT NULL,
    department_code text NOT NULL,
    region_code text NOT NULL,
    status text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    last_seq integer DEFAULT 0 NOT NULL,
    form_sealed bytea,
    applicant_sealed bytea,
    materials json DEFAULT '[]'::json NOT NULL,
    completeness_percent smallint DEFAULT 0 NOT NULL,
    query_password_hash bytea NOT NULL,
    limit_days integer,
    clock text DEFAULT 'stopped'::text NOT NULL,
    clock_from date,
    clock_days_left integer,
    due_on date,
    due_provisional boolean DEFAULT false NOT NULL,
    warn_on date,
    warned text,
    correction json,
    corrections_count smallint DEFAULT 0 NOT NULL,
    suspension json,
    resume_status text,
    result_code text,
    result_reason text,
    result json,
    fee_fen bigint,
    fee_basis text,
    paid_at timestamp with time zone,
    evaluated_at timestamp with time zone,
    pushed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    submitted_at timestamp with time zone,
    received_on date,
    accepted_on date,
    decided_on date,
    extended_days smallint DEFAULT 0 NOT NULL,
    completed_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cases_clock_check CHECK ((clock = ANY (ARRAY['running'::text, 'paused'::text, 'stopped'::text]))),
    CONSTRAINT cases_fee_fen_check CHECK ((fee_fen >= 0)),
    CONSTRAINT cases_origin_check CHECK ((origin = ANY (ARRAY['online'::text, 'counter'::text]))),
    CONSTRAINT cases_warned_check CHECK ((warned = ANY (ARRAY['yellow'::text, 'red'::text])))
)
WITH (fillfactor='80');

--
-- Name: COLUMN cases.version; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.version IS 'grows with every change; the If-Match of clerks';

--
-- Name: COLUMN cases.warn_on; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.warn_on IS 'from this day on the department is warned; red once due_on is over';

--
-- Name: COLUMN cases.resume_status; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.resume_status IS 'where a paused case goes on from';

--
-- Name: COLUMN cases.fee_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.fee_fen IS 'integer fen; what the process says is due';

--
-- Name: COLUMN cases.pushed_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.pushed_at IS 'occurred_at of the newest event from outside that was applied: older ones are only recorded';

--
-- Name: COLUMN cases.received_on; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.received_on IS 'the day the materials last became complete, as far as we know';

--
-- Name: COLUMN cases.accepted_on; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.cases.accepted_on IS 'received_on of an accepted case: the clock counts from the day after';

--
-- Name: channel_bill_lines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.channel_bill_lines (
    load_id bigint NOT NULL,
    line_no integer NOT NULL,
    kind text NOT NULL,
    payment_no text NOT NULL,
    refund_no text NOT NULL,
    channel_payment_id text NOT NULL,
    channel_refund_id text,
    amount_fen bigint NOT NULL,
    fee_fen bigint NOT NULL,
    state text NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    CONSTRAINT channel_bill_lines_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text])))
);

--
-- Name: TABLE channel_bill_lines; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.channel_bill_lines IS 'the channels'' own words, but for whom they name: no buyer is kept';

--
-- Name: COLUMN channel_bill_lines.refund_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.channel_bill_lines.refund_no IS 'empty for a payment';

--
-- Name: channel_links; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.channel_links (
    link_id text NOT NULL,
    citizen_id text NOT NULL,
    channel text NOT NULL,
    app_id text NOT NULL,
    open_id_index bytea NOT NULL,
    open_id_sealed bytea NOT NULL,
    union_id_sealed bytea,
    linked_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE channel_links; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.channel_links IS 'Accounts by which a citizen comes: open_id_sealed is what messages are sent to.';

--
-- Name: channel_tokens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.channel_tokens (
    name text NOT NULL,
    sealed bytea,
    digest bytea,
    refresh_at timestamp with time zone,
    expires_at timestamp with time zone,
    lease text,
    leased_until timestamp with time zone,
    CONSTRAINT channel_tokens_check CHECK (((sealed IS NULL) = (digest IS NULL))),
    CONSTRAINT channel_tokens_check1 CHECK (((sealed IS NULL) = (expires_at IS NULL))),
    CONSTRAINT channel_tokens_check2 CHECK (((sealed IS NULL) = (refresh_at IS NULL))),
    CONSTRAINT channel_tokens_check3 CHECK (((lease IS NULL) = (leased_until IS NULL)))
);

--
-- Name: TABLE channel_tokens; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.channel_tokens IS 'Access tokens of channels, sealed; whoever holds the lease refreshes.';

--
-- Name: COLUMN channel_tokens.digest; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.channel_tokens.digest IS 'Keyed digest of the token, to drop this very value and no newer one.';

--
-- Name: citizens; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.citizens (
    citizen_id text NOT NULL,
    name_sealed bytea,
    id_number_sealed bytea,
    id_number_index bytea,
    phone_sealed bytea,
    assurance_level text DEFAULT 'basic'::text NOT NULL,
    verified_at timestamp with time zone,
    elder_view boolean DEFAULT false NOT NULL,
    preferences json DEFAULT '{}'::json NOT NULL,
    merged_into text,
    erased_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT citizens_assurance_level_check CHECK ((assurance_level = ANY (ARRAY['basic'::text, 'verified'::text, 'face'::text])))
);

--
-- Name: COLUMN citizens.id_number_index; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.citizens.id_number_index IS 'blind index; only of a number that a channel has confirmed';

--
-- Name: COLUMN citizens.merged_into; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.citizens.merged_into IS 'the record that this one turned out to be a second of';

--
-- Name: clerk_sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.clerk_sessions (
    session_id text NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='80');

--
-- Name: TABLE clerk_sessions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.clerk_sessions IS 'when a signed-in clerk last did anything: idle ones are signed out';

--
-- Name: clerks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.clerks (
    user_name text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    totp_sealed bytea NOT NULL,
    totp_step bigint DEFAULT 0 NOT NULL,
    roles text[] NOT NULL,
    service_prefixes text[] NOT NULL,
    region_prefixes text[] NOT NULL,
    failures smallint DEFAULT 0 NOT NULL,
    locked_until timestamp with time zone,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: COLUMN clerks.totp_step; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.clerks.totp_step IS 'the newest 30-second step whose code was used: a code counts once';

--
-- Name: COLUMN clerks.service_prefixes; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.clerks.service_prefixes IS 'beginnings of service codes, such as a department; an empty one is everything';

--
-- Name: data_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.data_keys (
    key_id integer NOT NULL,
    purpose text NOT NULL,
    algorithm text NOT NULL,
    wrapped_by text NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    CONSTRAINT data_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['aes-256-gcm'::text, 'sm4-gcm'::text, 'hmac-sha256'::text, 'hmac-sm3'::text]))),
    CONSTRAINT data_keys_purpose_check CHECK ((purpose = ANY (ARRAY['seal'::text, 'index'::text])))
);

--
-- Name: TABLE data_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.data_keys IS 'Keys of sealed columns and blind indexes, wrapped by a key-encryption key that is not here.';

--
-- Name: COLUMN data_keys.retired_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.data_keys.retired_at IS 'when nothing used it any more; a later rotation destroys it';

--
-- Name: data_keys_key_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.data_keys ALTER COLUMN key_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.data_keys_key_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: dead_jobs; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.dead_jobs (
    dead_job_id bigint NOT NULL,
    entrypoint text NOT NULL,
    payload bytea,
    error text NOT NULL,
    attempts integer NOT NULL,
    died_at timestamp with time zone DEFAULT now() NOT NULL,
    replayed_at timestamp with time zone
);

--
-- Name: TABLE dead_jobs; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.dead_jobs IS 'Jobs that failed their last try; error is a class name, never a message with values.';

--
-- Name: dead_jobs_dead_job_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.dead_jobs ALTER COLUMN dead_job_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dead_jobs_dead_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: departments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.departments (
    code text NOT NULL,
    name text NOT NULL,
    region_code text NOT NULL,
    demonstration boolean DEFAULT false NOT NULL
);

--
-- Name: fiscal_numbers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.fiscal_numbers (
    code text NOT NULL,
    number bigint NOT NULL,
    subject text NOT NULL,
    minted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT fiscal_numbers_number_check CHECK (((number >= 1) AND (number <= '9999999999'::bigint))),
    CONSTRAINT fiscal_numbers_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 200)))
);

--
-- Name: TABLE fiscal_numbers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.fiscal_numbers IS 'numbers of fiscal receipts, given out once each and never again; subject: what the receipt is for';

--
-- Name: fiscal_sequences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.fiscal_sequences (
    code text NOT NULL,
    last_number bigint DEFAULT 0 NOT NULL,
    CONSTRAINT fiscal_sequences_code_check CHECK ((code ~ '^[0-9]{8}$'::text)),
    CONSTRAINT fiscal_sequences_last_number_check CHECK (((last_number >= 0) AND (last_number <= '9999999999'::bigint)))
)
WITH (fillfactor='50');

--
-- Name: home_notices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.home_notices (
    notice_id bigint NOT NULL,
    region_code text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    published_on date NOT NULL,
    ends_on date,
    demonstration boolean DEFAULT false NOT NULL
);

--
-- Name: home_notices_notice_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.home_notices ALTER COLUMN notice_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.home_notices_notice_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: idempotency_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_keys (
    owner text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

--
-- Name: TABLE idempotency_keys; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.idempotency_keys IS 'Answers kept for repeats; status is null while the first request still runs.';

--
-- Name: identity_checks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.identity_checks (
    check_id text NOT NULL,
    citizen_id text NOT NULL,
    channel text NOT NULL,
    link_id text NOT NULL,
    state text NOT NULL,
    level text,
    reason text,
    channel_check_id text,
    client_parameters json,
    name_sealed bytea,
    id_number_sealed bytea,
    expires_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT identity_checks_level_check CHECK ((level = ANY (ARRAY['verified'::text, 'face'::text]))),
    CONSTRAINT identity_checks_state_check CHECK ((state = ANY (ARRAY['begun'::text, 'pending'::text, 'passed'::text, 'failed'::text])))
);

--
-- Name: COLUMN identity_checks.name_sealed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.identity_checks.name_sealed IS 'emptied when the check ends';

--
-- Name: import_faults; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.import_faults (
    import_id bigint NOT NULL,
    line_number bigint NOT NULL,
    field text NOT NULL,
    reason text NOT NULL
);

--
-- Name: imports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.imports (
    import_id bigint NOT NULL,
    file_name text NOT NULL,
    file_digest bytea NOT NULL,
    bytes_done bigint DEFAULT 0 NOT NULL,
    lines_done bigint DEFAULT 0 NOT NULL,
    items_kept bigint DEFAULT 0 NOT NULL,
    lines_refused bigint DEFAULT 0 NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone
);

--
-- Name: TABLE imports; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.imports IS 'how far each import came: a killed import goes on after its last committed batch';

--
-- Name: imports_import_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.imports ALTER COLUMN import_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.imports_import_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: item_links; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.item_links (
    service_code text NOT NULL,
    channel text NOT NULL,
    url_link text,
    url_made_at timestamp with time zone,
    code_sha256 text,
    code_media_type text
);

--
-- Name: TABLE item_links; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.item_links IS 'channels count how many links and codes are made a day: each is asked for once';

--
-- Name: COLUMN item_links.code_sha256; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.item_links.code_sha256 IS 'the picture in the file store; codes do not expire';

--
-- Name: key_rotation_columns; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_rotation_columns (
    rotation_id integer NOT NULL,
    table_name text NOT NULL,
    column_name text NOT NULL,
    after_row text DEFAULT ''::text NOT NULL,
    rows_done bigint DEFAULT 0 NOT NULL,
    finished_at timestamp with time zone
);

--
-- Name: TABLE key_rotation_columns; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.key_rotation_columns IS 'How far a rotation came: one that was killed goes on from here.';

--
-- Name: key_rotations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.key_rotations (
    rotation_id integer NOT NULL,
    seal_key_id integer NOT NULL,
    index_key_id integer NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone
);

--
-- Name: key_rotations_rotation_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.key_rotations ALTER COLUMN rotation_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.key_rotations_rotation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: known_certificates; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.known_certificates (
    certificate_id text NOT NULL,
    citizen_id text NOT NULL,
    type text NOT NULL,
    status text DEFAULT 'valid'::text NOT NULL,
    valid_until date,
    issued_by text NOT NULL,
    issued_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT known_certificates_status_check CHECK ((status = ANY (ARRAY['valid'::text, 'revoked'::text])))
);

--
-- Name: COLUMN known_certificates.type; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.known_certificates.type IS 'the name that guides give as a material''s certificate_type';

--
-- Name: COLUMN known_certificates.valid_until; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.known_certificates.valid_until IS 'the last day on which it is good; null: for ever';

--
-- Name: COLUMN known_certificates.issued_by; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.known_certificates.issued_by IS 'who told us: platform:<id>, case:<case_no>';

--
-- Name: ledger_accounts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_accounts (
    account_id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    currency text DEFAULT 'CNY'::text NOT NULL,
    floor smallint GENERATED ALWAYS AS (
CASE
    WHEN (kind = 'receivable'::text) THEN 1
    WHEN (kind = ANY (ARRAY['assessed'::text, 'treasury'::text, 'refunds_payable'::text, 'suspense'::text])) THEN '-1'::integer
    ELSE 0
END) STORED NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ledger_accounts_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT ledger_accounts_kind_check CHECK ((kind = ANY (ARRAY['receivable'::text, 'assessed'::text, 'clearing'::text, 'treasury'::text, 'refunds_payable'::text, 'suspense'::text, 'bank'::text, 'fees'::text]))),
    CONSTRAINT ledger_accounts_name_check CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

--
-- Name: COLUMN ledger_accounts.floor; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ledger_accounts.floor IS '1: no subject''s balance below zero; -1: none above zero; 0: either';

--
-- Name: ledger_accounts_account_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_accounts ALTER COLUMN account_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_accounts_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: ledger_balances; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_balances (
    account_id bigint NOT NULL,
    shard smallint NOT NULL,
    balance_fen bigint NOT NULL
)
WITH (fillfactor='50');

--
-- Name: TABLE ledger_balances; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.ledger_balances IS 'an account''s balance is the sum of its shards; a session adds to one shard, so that sessions do not wait for each other';

--
-- Name: ledger_entries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_entries (
    entry_id bigint NOT NULL,
    kind text NOT NULL,
    reference text NOT NULL,
    currency text NOT NULL,
    line_count smallint NOT NULL,
    reverses bigint,
    occurred_at timestamp with time zone NOT NULL,
    posted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ledger_entries_check CHECK ((reverses < entry_id)),
    CONSTRAINT ledger_entries_kind_check CHECK (((length(kind) >= 1) AND (length(kind) <= 60))),
    CONSTRAINT ledger_entries_line_count_check CHECK (((line_count >= 2) AND (line_count <= 100))),
    CONSTRAINT ledger_entries_reference_check CHECK (((length(reference) >= 1) AND (length(reference) <= 200)))
);

--
-- Name: COLUMN ledger_entries.line_count; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ledger_entries.line_count IS 'how many lines belong to it: fewer fail at commit, a later one at once';

--
-- Name: COLUMN ledger_entries.reverses; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ledger_entries.reverses IS 'the entry that this one compensates, line by line; each at most once';

--
-- Name: ledger_entries_entry_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.ledger_entries ALTER COLUMN entry_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_entries_entry_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: ledger_lines; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_lines (
    entry_id bigint NOT NULL,
    line_no smallint NOT NULL,
    account_id bigint NOT NULL,
    currency text NOT NULL,
    subject text NOT NULL,
    amount_fen bigint NOT NULL,
    CONSTRAINT ledger_lines_amount_fen_check CHECK (((amount_fen <> 0) AND (abs(amount_fen) <= '10000000000000'::bigint))),
    CONSTRAINT ledger_lines_line_no_check CHECK ((line_no >= 1)),
    CONSTRAINT ledger_lines_subject_check CHECK (((length(subject) >= 1) AND (length(subject) <= 200)))
);

--
-- Name: COLUMN ledger_lines.subject; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ledger_lines.subject IS 'what the money is about, such as a bill: floors hold for each subject';

--
-- Name: COLUMN ledger_lines.amount_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.ledger_lines.amount_fen IS 'above zero: debit; below zero: credit';

--
-- Name: ledger_subject_balances; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.ledger_subject_balances (
    account_id bigint NOT NULL,
    subject text NOT NULL,
    floor smallint NOT NULL,
    balance_fen bigint NOT NULL
)
WITH (fillfactor='80');

--
-- Name: lexemes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.lexemes (
    lexeme text NOT NULL COLLATE pg_catalog."C",
    titles_count integer NOT NULL,
    pinyin text NOT NULL COLLATE pg_catalog."C"
);

--
-- Name: TABLE lexemes; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.lexemes IS 'in how many titles a word stands, the ground of its weight; the empty word stands in all';

--
-- Name: life_event_services; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.life_event_services (
    slug text NOT NULL,
    "position" smallint NOT NULL,
    basic_code text NOT NULL,
    after_basic_codes text[] DEFAULT '{}'::text[] NOT NULL,
    required boolean DEFAULT true NOT NULL
);

--
-- Name: life_events; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.life_events (
    slug text NOT NULL,
    name text NOT NULL,
    summary text NOT NULL,
    audience text NOT NULL,
    "position" smallint NOT NULL,
    demonstration boolean DEFAULT false NOT NULL,
    CONSTRAINT life_events_slug_check CHECK ((slug ~ '^[a-z][a-z0-9-]{1,40}$'::text))
);

--
-- Name: message_consents; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_consents (
    citizen_id text NOT NULL,
    channel text NOT NULL,
    kind text NOT NULL,
    wanted boolean NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE message_consents; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.message_consents IS 'what somebody agreed to be told, or not, as the app reported it';

--
-- Name: message_reports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.message_reports (
    channel text NOT NULL,
    channel_message_id text NOT NULL,
    status text NOT NULL,
    reason text,
    reported_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE message_reports; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.message_reports IS 'reports that overtook the answer they are about; taken up when it comes';

--
-- Name: messages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.messages (
    message_id text NOT NULL,
    citizen_id text NOT NULL,
    kind text NOT NULL,
    case_no text NOT NULL,
    seq integer NOT NULL,
    channel text,
    status text NOT NULL,
    reason text,
    attempts smallint DEFAULT 0 NOT NULL,
    not_before timestamp with time zone DEFAULT now() NOT NULL,
    channel_message_id text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    sent_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='80');

--
-- Name: TABLE messages; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.messages IS 'one per move of a case; the words are made from the event when they are needed';

--
-- Name: minted_case_nos; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.minted_case_nos (
    case_no text NOT NULL,
    service_code text NOT NULL,
    platform_id text NOT NULL,
    minted_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE minted_case_nos; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.minted_case_nos IS 'numbers handed out to platforms for cases they take at counters';

--
-- Name: offices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.offices (
    office_id text NOT NULL,
    name text NOT NULL,
    region_code text NOT NULL,
    address text NOT NULL,
    latitude double precision NOT NULL,
    longitude double precision NOT NULL,
    hours text NOT NULL,
    phone text NOT NULL,
    windows jsonb NOT NULL,
    demonstration boolean DEFAULT false NOT NULL
);

--
-- Name: organisation_members; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organisation_members (
    organisation_id text NOT NULL,
    citizen_id text NOT NULL,
    role text NOT NULL,
    state text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    accepted_at timestamp with time zone,
    CONSTRAINT organisation_members_role_check CHECK ((role = ANY (ARRAY['legal_representative'::text, 'handler'::text]))),
    CONSTRAINT organisation_members_state_check CHECK ((state = ANY (ARRAY['invited'::text, 'active'::text, 'ended'::text])))
);

--
-- Name: organisations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.organisations (
    organisation_id text NOT NULL,
    credit_code text NOT NULL,
    name text NOT NULL,
    state text DEFAULT 'unverified'::text NOT NULL,
    decided_by text,
    decided_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organisations_state_check CHECK ((state = ANY (ARRAY['unverified'::text, 'verified'::text, 'refused'::text])))
);

--
-- Name: TABLE organisations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.organisations IS 'Organisations 法人 as claimed: several may claim a code, one is confirmed.';

--
-- Name: payment_resolutions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment_resolutions (
    payment_no text NOT NULL,
    matter text NOT NULL,
    action text NOT NULL,
    note text NOT NULL,
    reference text,
    amount_fen bigint,
    refund_no text,
    new_refund_no text,
    clerk text NOT NULL,
    resolved_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT payment_resolutions_action_check CHECK ((action = ANY (ARRAY['refund_again'::text, 'settled_outside'::text, 'seen'::text]))),
    CONSTRAINT payment_resolutions_amount_fen_check CHECK ((amount_fen > 0))
);

--
-- Name: TABLE payment_resolutions; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.payment_resolutions IS 'each matter is settled once, by one clerk';

--
-- Name: COLUMN payment_resolutions.matter; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payment_resolutions.matter IS 'a flag of the payment, long_unknown, or the number of a refund, with its round';

--
-- Name: COLUMN payment_resolutions.new_refund_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payment_resolutions.new_refund_no IS 'the refund instead of it: under a new number, or by hand';

--
-- Name: payments; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payments (
    payment_no text NOT NULL,
    bill_no text NOT NULL,
    citizen_id text NOT NULL,
    channel text NOT NULL,
    merchant_id text DEFAULT ''::text NOT NULL,
    notice_base text,
    link_id text NOT NULL,
    description text NOT NULL,
    amount_fen bigint NOT NULL,
    taken_fen bigint,
    refunded_fen bigint DEFAULT 0 NOT NULL,
    doubted_fen bigint,
    status text DEFAULT 'pending'::text NOT NULL,
    cancel_asked boolean DEFAULT false NOT NULL,
    flag text,
    expires_at timestamp with time zone NOT NULL,
    client_parameters json,
    channel_order_id text,
    channel_payment_id text,
    paid_at timestamp with time zone,
    query_at timestamp with time zone,
    queries integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT payments_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT payments_check CHECK (((refunded_fen >= 0) AND (refunded_fen <= COALESCE(taken_fen, amount_fen)))),
    CONSTRAINT payments_taken_fen_check CHECK ((taken_fen > 0))
)
WITH (fillfactor='70');

--
-- Name: COLUMN payments.merchant_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.merchant_id IS 'the number at the channel that the money is taken under';

--
-- Name: COLUMN payments.notice_base; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.notice_base IS 'the public address when it was ordered: a repeat of the order names the same';

--
-- Name: COLUMN payments.link_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.link_id IS 'the account that pays: channels take money from one person only';

--
-- Name: COLUMN payments.taken_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.taken_fen IS 'what the channel took, where that is not the amount asked';

--
-- Name: COLUMN payments.doubted_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.doubted_fen IS 'another amount that a notice named; the channel is asked until it says what it has';

--
-- Name: COLUMN payments.flag; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.flag IS 'why somebody should look at it, whatever became of it';

--
-- Name: COLUMN payments.query_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payments.query_at IS 'when the channel is asked next, while the payment is not finished';

--
-- Name: refunds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.refunds (
    refund_no text NOT NULL,
    payment_no text NOT NULL,
    platform_id text,
    amount_fen bigint NOT NULL,
    reason text NOT NULL,
    status text DEFAULT 'asked'::text NOT NULL,
    channel_refund_id text,
    round smallint DEFAULT 1 NOT NULL,
    query_at timestamp with time zone DEFAULT now() NOT NULL,
    queries integer DEFAULT 0 NOT NULL,
    by_hand boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    succeeded_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT refunds_amount_fen_check CHECK ((amount_fen > 0)),
    CONSTRAINT refunds_status_check CHECK ((status = ANY (ARRAY['asked'::text, 'processing'::text, 'succeeded'::text, 'failed'::text])))
)
WITH (fillfactor='70');

--
-- Name: TABLE refunds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.refunds IS 'number and amount never change: every repeat carries the same';

--
-- Name: COLUMN refunds.round; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.refunds.round IS 'how many times it was promised: once more after each failure';

--
-- Name: COLUMN refunds.by_hand; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.refunds.by_hand IS 'the payer has it another way: no channel knows of it';

--
-- Name: payment_matters; Type: VIEW; Schema: public; Owner: -
--

CREATE VIEW public.payment_matters AS
 WITH every AS (
         SELECT payments.payment_no,
            payments.flag AS matter,
            payments.flag AS kind,
            NULL::text AS refund_no,
            NULL::bigint AS amount_fen,
            payments.updated_at AS since
           FROM public.payments
          WHERE ((payments.flag IS NOT NULL) AND (payments.flag <> 'refund_failed'::text))
        UNION ALL
         SELECT payments.payment_no,
            'long_unknown'::text,
            'long_unknown'::text,
            NULL::text,
            NULL::bigint,
            payments.created_at
           FROM public.payments
          WHERE ((payments.status = 'unknown'::text) AND (payments.created_at < (now() - '1 day'::interval)))
        UNION ALL
         SELECT refunds.payment_no,
                CASE refunds.round
                    WHEN 1 THEN refunds.refund_no
                    ELSE ((refunds.refund_no || '/'::text) || refunds.round)
                END AS "case",
            'refund_failed'::text,
            refunds.refund_no,
            refunds.amount_fen,
            refunds.updated_at
           FROM public.refunds
          WHERE (refunds.status = 'failed'::text)
        UNION ALL
         SELECT refunds.payment_no,
            ('late/'::text || refunds.refund_no),
            'refund_late'::text,
            refunds.refund_no,
            refunds.amount_fen,
            refunds.created_at
           FROM public.refunds
          WHERE ((refunds.status = ANY (ARRAY['asked'::text, 'processing'::text])) AND (refunds.created_at < (now() - '1 day'::interval)))
        UNION ALL
         SELECT f.payment_no,
            ('twice/'::text || f.refund_no),
            'refunded_twice'::text,
            f.refund_no,
            f.amount_fen,
            f.updated_at
           FROM (public.payment_resolutions s
             JOIN public.refunds f ON ((f.refund_no = s.refund_no)))
          WHERE ((s.action = 'settled_outside'::text) AND (f.status = 'succeeded'::text))
        )
 SELECT payment_no,
    matter,
    kind,
    refund_no,
    amount_fen,
    since
   FROM every e
  WHERE (NOT (EXISTS ( SELECT
           FROM public.payment_resolutions r
          WHERE ((r.payment_no = e.payment_no) AND (r.matter = e.matter)))));

--
-- Name: VIEW payment_matters; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON VIEW public.payment_matters IS 'what waits for a person, one row for each thing that has to be settled';

--
-- Name: payment_notices; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment_notices (
    notice_key text NOT NULL,
    channel text NOT NULL,
    notice_id text NOT NULL,
    payment_no text NOT NULL,
    refund_no text,
    said text NOT NULL,
    outcome text NOT NULL,
    content_sealed bytea,
    times integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT now() NOT NULL,
    last_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE payment_notices; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.payment_notices IS 'every proven notice, also those about orders that we do not know';

--
-- Name: COLUMN payment_notices.notice_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payment_notices.notice_key IS 'channel/notice_id: the same in every repeat';

--
-- Name: COLUMN payment_notices.content_sealed; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.payment_notices.content_sealed IS 'what was proven, whole; it names persons';

--
-- Name: pgqueuer; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

--
-- Name: pgqueuer_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: pgqueuer_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.pgqueuer_id_seq OWNED BY public.pgqueuer.id;

--
-- Name: pgqueuer_log; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status public.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

--
-- Name: pgqueuer_log_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: pgqueuer_schedules; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status public.pgqueuer_status DEFAULT 'queued'::public.pgqueuer_status
);

--
-- Name: pgqueuer_schedules_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: pgqueuer_schedules_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.pgqueuer_schedules_id_seq OWNED BY public.pgqueuer_schedules.id;

--
-- Name: pgqueuer_statistics; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

--
-- Name: pgqueuer_statistics_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

CREATE SEQUENCE public.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

--
-- Name: pgqueuer_statistics_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: -
--

ALTER SEQUENCE public.pgqueuer_statistics_id_seq OWNED BY public.pgqueuer_statistics.id;

--
-- Name: platform_keys; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.platform_keys (
    key_id text NOT NULL,
    platform_id text NOT NULL,
    algorithm text NOT NULL,
    secret_sealed bytea,
    public_key bytea,
    not_before timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platform_keys_algorithm_check CHECK ((algorithm = ANY (ARRAY['hmac-sha256'::text, 'ed25519'::text]))),
    CONSTRAINT platform_keys_check CHECK (((algorithm = 'hmac-sha256'::text) = (secret_sealed IS NOT NULL))),
    CONSTRAINT platform_keys_check1 CHECK (((algorithm = 'ed25519'::text) = (public_key IS NOT NULL)))
);

--
-- Name: COLUMN platform_keys.public_key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.platform_keys.public_key IS 'the 32 bytes of an Ed25519 public key (RFC 8032)';

--
-- Name: platform_nonces; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.platform_nonces (
    digest bytea NOT NULL,
    used_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='100');

--
-- Name: TABLE platform_nonces; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.platform_nonces IS 'every nonce of the last hour, as a digest of key and nonce; logged, so that a crash of the server forgets none';

--
-- Name: platform_usage; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.platform_usage (
    platform_id text NOT NULL,
    day date NOT NULL,
    calls bigint NOT NULL
)
WITH (fillfactor='50');

--
-- Name: COLUMN platform_usage.calls; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.platform_usage.calls IS 'calls handed out to processes, in batches: at most a batch a process above what was made';

--
-- Name: platforms; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.platforms (
    platform_id text NOT NULL,
    name text NOT NULL,
    service_prefixes text[] NOT NULL,
    region_prefixes text[] NOT NULL,
    calls_per_day bigint NOT NULL,
    calls_per_second integer NOT NULL,
    disabled_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platforms_calls_per_day_check CHECK ((calls_per_day > 0)),
    CONSTRAINT platforms_calls_per_second_check CHECK ((calls_per_second > 0))
);

--
-- Name: COLUMN platforms.service_prefixes; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.platforms.service_prefixes IS 'beginnings of service codes, such as a department; an empty one is everything';

--
-- Name: receipt_payers; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.receipt_payers (
    receipt_id text NOT NULL,
    payer_sealed bytea NOT NULL,
    payer_code text
);

--
-- Name: TABLE receipt_payers; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.receipt_payers IS 'who paid, as they were called then; kept as long as the receipt, by law';

--
-- Name: COLUMN receipt_payers.payer_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.receipt_payers.payer_code IS 'an organisation''s credit code; none for a person';

--
-- Name: receipts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.receipts (
    receipt_id text NOT NULL,
    code text NOT NULL,
    number bigint NOT NULL,
    check_characters text NOT NULL,
    kind text NOT NULL,
    payment_no text NOT NULL,
    bill_no text NOT NULL,
    refund_no text,
    reverses text,
    title text NOT NULL,
    issuer_code text NOT NULL,
    issuer_name text NOT NULL,
    service_code text NOT NULL,
    item_name text NOT NULL,
    basis text,
    standard text,
    quantity integer DEFAULT 1 NOT NULL,
    amount_fen bigint NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    CONSTRAINT receipts_check CHECK ((((kind = 'receipt'::text) = (amount_fen > 0)) AND (amount_fen <> 0))),
    CONSTRAINT receipts_check1 CHECK (((kind = 'receipt'::text) = (reverses IS NULL))),
    CONSTRAINT receipts_check2 CHECK (((kind = 'receipt'::text) = (refund_no IS NULL))),
    CONSTRAINT receipts_check_characters_check CHECK ((check_characters ~ '^[0-9A-Z]{6}$'::text)),
    CONSTRAINT receipts_kind_check CHECK ((kind = ANY (ARRAY['receipt'::text, 'red_letter'::text]))),
    CONSTRAINT receipts_quantity_check CHECK ((quantity > 0))
);

--
-- Name: TABLE receipts; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.receipts IS 'never changed and never deleted; no key leads to payments, which it outlives';

--
-- Name: COLUMN receipts.reverses; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.receipts.reverses IS 'of a receipt in red letters the one that it answers, in whole or in part';

--
-- Name: reconciliation_differences; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reconciliation_differences (
    difference_id bigint NOT NULL,
    channel text NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    payment_no text NOT NULL,
    refund_no text NOT NULL,
    occurrence integer DEFAULT 1 NOT NULL,
    cause text NOT NULL,
    status text NOT NULL,
    here_fen bigint,
    there_fen bigint,
    gap_fen bigint NOT NULL,
    here_state text,
    there_state text,
    here_at timestamp with time zone,
    there_at timestamp with time zone,
    channel_payment_id text,
    channel_refund_id text,
    service_code text,
    region_code text,
    run_no integer NOT NULL,
    queried_at timestamp with time zone,
    note text,
    resolved_by text,
    resolved_at timestamp with time zone,
    first_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT reconciliation_differences_cause_check CHECK ((cause = ANY (ARRAY['missing_here'::text, 'missing_there'::text, 'amount'::text, 'state'::text, 'duplicate'::text, 'date_cut_off'::text]))),
    CONSTRAINT reconciliation_differences_check CHECK (((status <> 'resolved'::text) OR (note IS NOT NULL))),
    CONSTRAINT reconciliation_differences_check1 CHECK (((note IS NULL) = (resolved_by IS NULL))),
    CONSTRAINT reconciliation_differences_kind_check CHECK ((kind = ANY (ARRAY['payment'::text, 'refund'::text]))),
    CONSTRAINT reconciliation_differences_status_check CHECK ((status = ANY (ARRAY['open'::text, 'explained'::text, 'repaired'::text, 'closed'::text, 'resolved'::text])))
)
WITH (fillfactor='80');

--
-- Name: COLUMN reconciliation_differences.occurrence; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliation_differences.occurrence IS 'from 2 on: the same number again in one bill';

--
-- Name: COLUMN reconciliation_differences.gap_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliation_differences.gap_fen IS 'what we count of that day less what the bill counts; money back is negative';

--
-- Name: COLUMN reconciliation_differences.service_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliation_differences.service_code IS 'of the bill that was paid; none: the money belongs to nobody we know';

--
-- Name: COLUMN reconciliation_differences.run_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliation_differences.run_no IS 'the run that saw it last';

--
-- Name: reconciliation_differences_difference_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.reconciliation_differences ALTER COLUMN difference_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reconciliation_differences_difference_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: reconciliation_leases; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reconciliation_leases (
    channel text NOT NULL,
    day date NOT NULL,
    token text NOT NULL,
    leased_until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

--
-- Name: TABLE reconciliation_leases; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.reconciliation_leases IS 'who runs a day: one at a time, and only while it says that it lives';

--
-- Name: reconciliation_loads; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reconciliation_loads (
    load_id bigint NOT NULL,
    channel text NOT NULL,
    day date NOT NULL
);

--
-- Name: TABLE reconciliation_loads; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.reconciliation_loads IS 'each time that a bill was fetched; what does not count any more goes with its lines';

--
-- Name: reconciliation_loads_load_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.reconciliation_loads ALTER COLUMN load_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.reconciliation_loads_load_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: reconciliation_reports; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reconciliation_reports (
    day date NOT NULL,
    page_sha256 text NOT NULL,
    table_sha256 text NOT NULL,
    drawn_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE reconciliation_reports; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.reconciliation_reports IS 'the last report of a day: a page for people and a table, in the file store';

--
-- Name: reconciliations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reconciliations (
    channel text NOT NULL,
    day date NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text,
    load_id bigint,
    run_no integer DEFAULT 0 NOT NULL,
    lines integer,
    payments_here integer,
    payments_here_fen bigint,
    payments_there integer,
    payments_there_fen bigint,
    refunds_here integer,
    refunds_here_fen bigint,
    refunds_there integer,
    refunds_there_fen bigint,
    fees_fen bigint,
    ledger_fen bigint,
    ledger_wrong integer,
    finished_at timestamp with time zone,
    CONSTRAINT reconciliations_check CHECK (((state = ANY (ARRAY['waiting'::text, 'failed'::text])) OR ((finished_at IS NOT NULL) AND (ledger_fen IS NOT NULL)))),
    CONSTRAINT reconciliations_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'clean'::text, 'open'::text, 'failed'::text])))
)
WITH (fillfactor='70');

--
-- Name: TABLE reconciliations; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.reconciliations IS 'one row a channel and day, however often it is run; waiting: there is no bill yet';

--
-- Name: COLUMN reconciliations.load_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliations.load_id IS 'the lines of the bill that count; others are left over from a run that ended';

--
-- Name: COLUMN reconciliations.ledger_fen; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliations.ledger_fen IS 'what the ledger says came in, less what went back, at the channel that day';

--
-- Name: COLUMN reconciliations.ledger_wrong; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.reconciliations.ledger_wrong IS 'balances of the ledger that are not the sum of their lines';

--
-- Name: regions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.regions (
    code text NOT NULL,
    name text NOT NULL,
    level smallint NOT NULL,
    parent_code text,
    statistical_parent_code text,
    pseudo boolean DEFAULT false NOT NULL,
    ancestors text[] DEFAULT '{}'::text[] NOT NULL,
    children_count integer DEFAULT 0 NOT NULL,
    CONSTRAINT regions_code_check CHECK ((code ~ '^[0-9]{12}$'::text)),
    CONSTRAINT regions_level_check CHECK (((level >= 1) AND (level <= 5)))
);

--
-- Name: COLUMN regions.level; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.regions.level IS '1 province, 2 city, 3 county, 4 township, 5 village';

--
-- Name: COLUMN regions.parent_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.regions.parent_code IS 'the parent a person knows: pseudo-cities such as 市辖区 are skipped';

--
-- Name: COLUMN regions.statistical_parent_code; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.regions.statistical_parent_code IS 'the parent of the statistical code tree, pseudo-cities included';

--
-- Name: COLUMN regions.ancestors; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.regions.ancestors IS 'codes from the province down to the parent, pseudo-cities left out';

--
-- Name: schema_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.schema_migrations (
    version character varying NOT NULL
);

--
-- Name: seeds; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seeds (
    name text NOT NULL,
    digest bytea NOT NULL,
    planted_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: TABLE seeds; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.seeds IS 'What was planted, by the digest of its files: an unchanged seed is not planted twice.';

--
-- Name: service_changes; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.service_changes (
    seq bigint NOT NULL,
    service_code text NOT NULL,
    version integer NOT NULL,
    change text NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT service_changes_change_check CHECK ((change = ANY (ARRAY['created'::text, 'updated'::text, 'withdrawn'::text])))
);

--
-- Name: service_changes_seq_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.service_changes ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.service_changes_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: service_findings; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.service_findings (
    service_code text NOT NULL,
    version integer NOT NULL,
    rules smallint[] NOT NULL,
    findings json NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: COLUMN service_findings.rules; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_findings.rules IS 'the rule numbers broken, each once, for counting';

--
-- Name: service_versions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.service_versions (
    service_code text NOT NULL,
    version integer NOT NULL,
    guide json NOT NULL,
    digest bytea NOT NULL,
    publisher text NOT NULL,
    effective_on date,
    published_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: COLUMN service_versions.guide; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_versions.guide IS 'json, not jsonb: written and read whole, as the text it came in';

--
-- Name: COLUMN service_versions.digest; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_versions.digest IS 'SHA-256 of the guide as given: an unchanged guide makes no new version';

--
-- Name: COLUMN service_versions.publisher; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.service_versions.publisher IS 'who published: import:<source>, demonstration, platform:<key id>, clerk:<name>';

--
-- Name: service_views; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.service_views (
    service_code text NOT NULL,
    views bigint NOT NULL
)
WITH (fillfactor='70');

--
-- Name: TABLE service_views; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.service_views IS 'how often a guide was opened; apart from services because it changes all day';

--
-- Name: services; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.services (
    service_code text NOT NULL,
    basic_code text,
    local_code text,
    region_code text NOT NULL,
    department_code text NOT NULL,
    title_id bigint NOT NULL,
    name text NOT NULL,
    item_type text NOT NULL,
    exercise_level smallint NOT NULL,
    version integer NOT NULL,
    withdrawn_at timestamp with time zone,
    effective_on date,
    ends_on date,
    audience text[] NOT NULL,
    themes text[] NOT NULL,
    handling_type text,
    statutory_days integer,
    promised_days integer,
    visits smallint,
    online_depth text,
    charged boolean NOT NULL,
    material_keys text[] NOT NULL,
    demonstration boolean DEFAULT false NOT NULL,
    source text,
    assured_on date,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: sessions; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.sessions (
    session_id text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    channel text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT sessions_kind_check CHECK ((kind = ANY (ARRAY['citizen'::text, 'clerk'::text])))
);

--
-- Name: synonyms; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.synonyms (
    phrase text NOT NULL,
    means text[] NOT NULL,
    note text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT synonyms_means_check CHECK ((cardinality(means) > 0))
);

--
-- Name: TABLE synonyms; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.synonyms IS 'what people say, and the words of the catalogue it stands for; edited by hand';

--
-- Name: title_starts; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.title_starts (
    start text NOT NULL COLLATE pg_catalog."C",
    title_id bigint NOT NULL
);

--
-- Name: titles; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.titles (
    title_id bigint NOT NULL,
    key bytea NOT NULL,
    name text NOT NULL,
    aliases text NOT NULL,
    weight real NOT NULL,
    length real NOT NULL,
    search tsvector NOT NULL
);

--
-- Name: COLUMN titles.key; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.titles.key IS 'SHA-256 of name and aliases, which are too long for an index';

--
-- Name: COLUMN titles.aliases; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.titles.aliases IS 'the keywords, sorted, separated by spaces';

--
-- Name: COLUMN titles.weight; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.titles.weight IS 'how likely people look for such a name: acts before information about acts';

--
-- Name: COLUMN titles.length; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.titles.length IS 'characters of the name, those in brackets by half';

--
-- Name: COLUMN titles.search; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.titles.search IS 'words, pairs of characters, and in:… initials from each word on';

--
-- Name: titles_title_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.titles ALTER COLUMN title_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.titles_title_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

--
-- Name: uploads; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.uploads (
    upload_id text NOT NULL,
    citizen_id text NOT NULL,
    sha256 text NOT NULL,
    size_bytes integer NOT NULL,
    media_type text NOT NULL,
    scan text NOT NULL,
    case_no text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    stored text,
    content_key_sealed bytea,
    CONSTRAINT uploads_scan_check CHECK ((scan = ANY (ARRAY['clean'::text, 'unscanned'::text])))
);

--
-- Name: COLUMN uploads.sha256; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.uploads.sha256 IS 'of the file as it was sent';

--
-- Name: COLUMN uploads.case_no; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.uploads.case_no IS 'the case it was handed in with; unused uploads are forgotten after a day';

--
-- Name: COLUMN uploads.stored; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.uploads.stored IS 'SHA-256 of what is kept: the file encrypted under a key of its own, so no two are one';

--
-- Name: webhook_deliveries; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_deliveries (
    delivery_id text NOT NULL,
    webhook_id text NOT NULL,
    subject text NOT NULL,
    type text NOT NULL,
    body bytea NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    claimed_until timestamp with time zone,
    last_status smallint,
    last_error text,
    delivered_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_deliveries_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'dead'::text])))
)
WITH (fillfactor='80');

--
-- Name: COLUMN webhook_deliveries.subject; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.webhook_deliveries.subject IS 'what it tells of, such as case.moved:<case_no>:<seq>: a fact that comes twice is told once';

--
-- Name: COLUMN webhook_deliveries.body; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.webhook_deliveries.body IS 'the bytes that are signed and sent, without personal data';

--
-- Name: webhook_slots; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhook_slots (
    webhook_id text NOT NULL,
    slot smallint NOT NULL,
    busy_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT webhook_slots_slot_check CHECK ((slot = ANY (ARRAY[1, 2])))
)
WITH (fillfactor='50');

--
-- Name: TABLE webhook_slots; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.webhook_slots IS 'at most two deliveries to one receiver at a time, over all workers; a dead worker''s slot frees itself';

--
-- Name: webhooks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.webhooks (
    webhook_id text NOT NULL,
    platform_id text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    secret_sealed bytea NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    deleted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

--
-- Name: COLUMN webhooks.failures; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.webhooks.failures IS 'failures in a row; from five on the receiver is left alone until open_until';

--
-- Name: pgqueuer id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_id_seq'::regclass);

--
-- Name: pgqueuer_schedules id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_schedules_id_seq'::regclass);

--
-- Name: pgqueuer_statistics id; Type: DEFAULT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_statistics_id_seq'::regclass);

--
-- Name: access_log access_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_pkey PRIMARY KEY (access_id);

--
-- Name: agent_authorities agent_authorities_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_authorities
    ADD CONSTRAINT agent_authorities_pkey PRIMARY KEY (authority_id);

--
-- Name: agent_invitations agent_invitations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_invitations
    ADD CONSTRAINT agent_invitations_pkey PRIMARY KEY (code_hash);

--
-- Name: audit_chain audit_chain_entry_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_entry_id_key UNIQUE (entry_id);

--
-- Name: audit_chain audit_chain_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_chain
    ADD CONSTRAINT audit_chain_pkey PRIMARY KEY (seal_no);

--
-- Name: audit_entries audit_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_entries
    ADD CONSTRAINT audit_entries_pkey PRIMARY KEY (entry_id);

--
-- Name: audit_waiting audit_waiting_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.audit_waiting
    ADD CONSTRAINT audit_waiting_pkey PRIMARY KEY (entry_id);

--
-- Name: bill_claims bill_claims_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bill_claims
    ADD CONSTRAINT bill_claims_pkey PRIMARY KEY (citizen_id, bill_no);

--
-- Name: bills bills_bill_id_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bills
    ADD CONSTRAINT bills_bill_id_key UNIQUE (bill_id);

--
-- Name: bills bills_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bills
    ADD CONSTRAINT bills_pkey PRIMARY KEY (bill_no);

--
-- Name: case_events case_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.case_events
    ADD CONSTRAINT case_events_pkey PRIMARY KEY (case_no, seq);

--
-- Name: cases cases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (case_no);

--
-- Name: channel_bill_lines channel_bill_lines_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_bill_lines
    ADD CONSTRAINT channel_bill_lines_pkey PRIMARY KEY (load_id, line_no);

--
-- Name: channel_links channel_links_channel_app_id_open_id_index_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_channel_app_id_open_id_index_key UNIQUE (channel, app_id, open_id_index);

--
-- Name: channel_links channel_links_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_pkey PRIMARY KEY (link_id);

--
-- Name: channel_tokens channel_tokens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_tokens
    ADD CONSTRAINT channel_tokens_pkey PRIMARY KEY (name);

--
-- Name: citizens citizens_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.citizens
    ADD CONSTRAINT citizens_pkey PRIMARY KEY (citizen_id);

--
-- Name: clerk_sessions clerk_sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.clerk_sessions
    ADD CONSTRAINT clerk_sessions_pkey PRIMARY KEY (session_id);

--
-- Name: clerks clerks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.clerks
    ADD CONSTRAINT clerks_pkey PRIMARY KEY (user_name);

--
-- Name: data_keys data_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.data_keys
    ADD CONSTRAINT data_keys_pkey PRIMARY KEY (key_id);

--
-- Name: dead_jobs dead_jobs_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.dead_jobs
    ADD CONSTRAINT dead_jobs_pkey PRIMARY KEY (dead_job_id);

--
-- Name: departments departments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.departments
    ADD CONSTRAINT departments_pkey PRIMARY KEY (code);

--
-- Name: fiscal_numbers fiscal_numbers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fiscal_numbers
    ADD CONSTRAINT fiscal_numbers_pkey PRIMARY KEY (code, number);

--
-- Name: fiscal_numbers fiscal_numbers_subject_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fiscal_numbers
    ADD CONSTRAINT fiscal_numbers_subject_key UNIQUE (subject);

--
-- Name: fiscal_sequences fiscal_sequences_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fiscal_sequences
    ADD CONSTRAINT fiscal_sequences_pkey PRIMARY KEY (code);

--
-- Name: home_notices home_notices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.home_notices
    ADD CONSTRAINT home_notices_pkey PRIMARY KEY (notice_id);

--
-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (owner, key);

--
-- Name: identity_checks identity_checks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.identity_checks
    ADD CONSTRAINT identity_checks_pkey PRIMARY KEY (check_id);

--
-- Name: import_faults import_faults_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_faults
    ADD CONSTRAINT import_faults_pkey PRIMARY KEY (import_id, line_number);

--
-- Name: imports imports_file_digest_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_file_digest_key UNIQUE (file_digest);

--
-- Name: imports imports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.imports
    ADD CONSTRAINT imports_pkey PRIMARY KEY (import_id);

--
-- Name: item_links item_links_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.item_links
    ADD CONSTRAINT item_links_pkey PRIMARY KEY (service_code, channel);

--
-- Name: key_rotation_columns key_rotation_columns_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_rotation_columns
    ADD CONSTRAINT key_rotation_columns_pkey PRIMARY KEY (rotation_id, table_name, column_name);

--
-- Name: key_rotations key_rotations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_rotations
    ADD CONSTRAINT key_rotations_pkey PRIMARY KEY (rotation_id);

--
-- Name: known_certificates known_certificates_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.known_certificates
    ADD CONSTRAINT known_certificates_pkey PRIMARY KEY (certificate_id);

--
-- Name: ledger_accounts ledger_accounts_account_id_currency_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_accounts
    ADD CONSTRAINT ledger_accounts_account_id_currency_key UNIQUE (account_id, currency);

--
-- Name: ledger_accounts ledger_accounts_kind_name_currency_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_accounts
    ADD CONSTRAINT ledger_accounts_kind_name_currency_key UNIQUE (kind, name, currency);

--
-- Name: ledger_accounts ledger_accounts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_accounts
    ADD CONSTRAINT ledger_accounts_pkey PRIMARY KEY (account_id);

--
-- Name: ledger_balances ledger_balances_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_balances
    ADD CONSTRAINT ledger_balances_pkey PRIMARY KEY (account_id, shard);

--
-- Name: ledger_entries ledger_entries_entry_id_currency_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_entry_id_currency_key UNIQUE (entry_id, currency);

--
-- Name: ledger_entries ledger_entries_kind_reference_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_kind_reference_key UNIQUE (kind, reference);

--
-- Name: ledger_entries ledger_entries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (entry_id);

--
-- Name: ledger_entries ledger_entries_reverses_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_reverses_key UNIQUE (reverses);

--
-- Name: ledger_lines ledger_lines_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_lines
    ADD CONSTRAINT ledger_lines_pkey PRIMARY KEY (entry_id, line_no);

--
-- Name: ledger_subject_balances ledger_subject_balances_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_subject_balances
    ADD CONSTRAINT ledger_subject_balances_pkey PRIMARY KEY (account_id, subject);

--
-- Name: lexemes lexemes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.lexemes
    ADD CONSTRAINT lexemes_pkey PRIMARY KEY (lexeme);

--
-- Name: life_event_services life_event_services_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.life_event_services
    ADD CONSTRAINT life_event_services_pkey PRIMARY KEY (slug, "position");

--
-- Name: life_event_services life_event_services_slug_basic_code_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.life_event_services
    ADD CONSTRAINT life_event_services_slug_basic_code_key UNIQUE (slug, basic_code);

--
-- Name: life_events life_events_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.life_events
    ADD CONSTRAINT life_events_pkey PRIMARY KEY (slug);

--
-- Name: message_consents message_consents_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_consents
    ADD CONSTRAINT message_consents_pkey PRIMARY KEY (citizen_id, channel, kind);

--
-- Name: message_reports message_reports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.message_reports
    ADD CONSTRAINT message_reports_pkey PRIMARY KEY (channel, channel_message_id);

--
-- Name: messages messages_case_no_seq_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_case_no_seq_key UNIQUE (case_no, seq);

--
-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (message_id);

--
-- Name: minted_case_nos minted_case_nos_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.minted_case_nos
    ADD CONSTRAINT minted_case_nos_pkey PRIMARY KEY (case_no);

--
-- Name: offices offices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.offices
    ADD CONSTRAINT offices_pkey PRIMARY KEY (office_id);

--
-- Name: organisation_members organisation_members_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organisation_members
    ADD CONSTRAINT organisation_members_pkey PRIMARY KEY (organisation_id, citizen_id);

--
-- Name: organisations organisations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organisations
    ADD CONSTRAINT organisations_pkey PRIMARY KEY (organisation_id);

--
-- Name: payment_notices payment_notices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment_notices
    ADD CONSTRAINT payment_notices_pkey PRIMARY KEY (notice_key);

--
-- Name: payment_resolutions payment_resolutions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment_resolutions
    ADD CONSTRAINT payment_resolutions_pkey PRIMARY KEY (payment_no, matter);

--
-- Name: payments payments_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (payment_no);

--
-- Name: pgqueuer_log pgqueuer_log_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);

--
-- Name: pgqueuer pgqueuer_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);

--
-- Name: pgqueuer_schedules pgqueuer_schedules_expression_entrypoint_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);

--
-- Name: pgqueuer_schedules pgqueuer_schedules_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);

--
-- Name: pgqueuer_statistics pgqueuer_statistics_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);

--
-- Name: platform_keys platform_keys_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platform_keys
    ADD CONSTRAINT platform_keys_pkey PRIMARY KEY (key_id);

--
-- Name: platform_nonces platform_nonces_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platform_nonces
    ADD CONSTRAINT platform_nonces_pkey PRIMARY KEY (digest);

--
-- Name: platform_usage platform_usage_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platform_usage
    ADD CONSTRAINT platform_usage_pkey PRIMARY KEY (platform_id, day);

--
-- Name: platforms platforms_name_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platforms
    ADD CONSTRAINT platforms_name_key UNIQUE (name);

--
-- Name: platforms platforms_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platforms
    ADD CONSTRAINT platforms_pkey PRIMARY KEY (platform_id);

--
-- Name: receipt_payers receipt_payers_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipt_payers
    ADD CONSTRAINT receipt_payers_pkey PRIMARY KEY (receipt_id);

--
-- Name: receipts receipts_code_number_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_code_number_key UNIQUE (code, number);

--
-- Name: receipts receipts_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (receipt_id);

--
-- Name: receipts receipts_refund_no_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_refund_no_key UNIQUE (refund_no);

--
-- Name: reconciliation_differences reconciliation_differences_channel_day_kind_payment_no_refu_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_differences
    ADD CONSTRAINT reconciliation_differences_channel_day_kind_payment_no_refu_key UNIQUE (channel, day, kind, payment_no, refund_no, occurrence);

--
-- Name: reconciliation_differences reconciliation_differences_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_differences
    ADD CONSTRAINT reconciliation_differences_pkey PRIMARY KEY (difference_id);

--
-- Name: reconciliation_leases reconciliation_leases_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_leases
    ADD CONSTRAINT reconciliation_leases_pkey PRIMARY KEY (channel, day);

--
-- Name: reconciliation_loads reconciliation_loads_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_loads
    ADD CONSTRAINT reconciliation_loads_pkey PRIMARY KEY (load_id);

--
-- Name: reconciliation_reports reconciliation_reports_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_reports
    ADD CONSTRAINT reconciliation_reports_pkey PRIMARY KEY (day);

--
-- Name: reconciliations reconciliations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliations
    ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (channel, day);

--
-- Name: refunds refunds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_pkey PRIMARY KEY (refund_no);

--
-- Name: regions regions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.regions
    ADD CONSTRAINT regions_pkey PRIMARY KEY (code);

--
-- Name: schema_migrations schema_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

--
-- Name: seeds seeds_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seeds
    ADD CONSTRAINT seeds_pkey PRIMARY KEY (name);

--
-- Name: service_changes service_changes_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_changes
    ADD CONSTRAINT service_changes_pkey PRIMARY KEY (seq);

--
-- Name: service_findings service_findings_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_findings
    ADD CONSTRAINT service_findings_pkey PRIMARY KEY (service_code);

--
-- Name: service_versions service_versions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_versions
    ADD CONSTRAINT service_versions_pkey PRIMARY KEY (service_code, version);

--
-- Name: service_views service_views_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.service_views
    ADD CONSTRAINT service_views_pkey PRIMARY KEY (service_code);

--
-- Name: services services_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (service_code);

--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (session_id);

--
-- Name: synonyms synonyms_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.synonyms
    ADD CONSTRAINT synonyms_pkey PRIMARY KEY (phrase);

--
-- Name: titles titles_key_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.titles
    ADD CONSTRAINT titles_key_key UNIQUE (key);

--
-- Name: titles titles_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.titles
    ADD CONSTRAINT titles_pkey PRIMARY KEY (title_id);

--
-- Name: uploads uploads_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (upload_id);

--
-- Name: webhook_deliveries webhook_deliveries_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (delivery_id);

--
-- Name: webhook_deliveries webhook_deliveries_webhook_id_subject_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_webhook_id_subject_key UNIQUE (webhook_id, subject);

--
-- Name: webhook_slots webhook_slots_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_slots
    ADD CONSTRAINT webhook_slots_pkey PRIMARY KEY (webhook_id, slot);

--
-- Name: webhooks webhooks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (webhook_id);

--
-- Name: access_log_accessed_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX access_log_accessed_at ON public.access_log USING btree (accessed_at);

--
-- Name: access_log_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX access_log_citizen ON public.access_log USING btree (citizen_id, access_id DESC);

--
-- Name: agent_authorities_agent; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_authorities_agent ON public.agent_authorities USING btree (agent_id, authority_id DESC);

--
-- Name: agent_authorities_pair; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX agent_authorities_pair ON public.agent_authorities USING btree (principal_id, agent_id) WHERE (state <> 'ended'::text);

--
-- Name: agent_authorities_principal; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_authorities_principal ON public.agent_authorities USING btree (principal_id, authority_id DESC);

--
-- Name: agent_invitations_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX agent_invitations_citizen ON public.agent_invitations USING btree (citizen_id);

--
-- Name: audit_entries_actor; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_entries_actor ON public.audit_entries USING btree (actor, entry_id);

--
-- Name: audit_entries_subject; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX audit_entries_subject ON public.audit_entries USING btree (subject, entry_id);

--
-- Name: bill_claims_bill; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bill_claims_bill ON public.bill_claims USING btree (bill_no);

--
-- Name: bills_case; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bills_case ON public.bills USING btree (case_no, bill_id DESC);

--
-- Name: bills_case_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX bills_case_open ON public.bills USING btree (case_no) WHERE (status = 'unpaid'::text);

--
-- Name: bills_case_seq; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX bills_case_seq ON public.bills USING btree (case_no, case_seq) WHERE (case_seq IS NOT NULL);

--
-- Name: bills_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX bills_citizen ON public.bills USING btree (citizen_id, bill_id DESC) WHERE (citizen_id IS NOT NULL);

--
-- Name: bills_reference; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX bills_reference ON public.bills USING btree (platform_id, reference) WHERE (reference IS NOT NULL);

--
-- Name: case_events_outside; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX case_events_outside ON public.case_events USING btree (platform_id, event_id) WHERE (event_id IS NOT NULL);

--
-- Name: cases_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_citizen ON public.cases USING btree (citizen_id, created_at DESC, case_no DESC) WHERE (citizen_id IS NOT NULL);

--
-- Name: cases_department; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_department ON public.cases USING btree (department_code, status, due_on, case_no);

--
-- Name: cases_platform; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_platform ON public.cases USING btree (platform_id, case_no) WHERE (platform_id IS NOT NULL);

--
-- Name: cases_provisional; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_provisional ON public.cases USING btree (case_no) WHERE due_provisional;

--
-- Name: cases_tasks; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_tasks ON public.cases USING btree (COALESCE(due_on, '9999-12-31'::date), case_no) WHERE (status <> ALL (ARRAY['draft'::text, 'completed'::text, 'delivered'::text, 'withdrawn'::text]));

--
-- Name: cases_unaccepted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_unaccepted ON public.cases USING btree (received_on) WHERE (status = ANY (ARRAY['submitted'::text, 'pre_checked'::text]));

--
-- Name: cases_warn; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX cases_warn ON public.cases USING btree (warn_on) WHERE ((warn_on IS NOT NULL) AND (warned IS DISTINCT FROM 'red'::text));

--
-- Name: channel_bill_lines_numbers; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX channel_bill_lines_numbers ON public.channel_bill_lines USING btree (payment_no, refund_no);

--
-- Name: channel_links_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX channel_links_citizen ON public.channel_links USING btree (citizen_id, channel);

--
-- Name: citizens_id_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX citizens_id_number ON public.citizens USING btree (id_number_index) WHERE (id_number_index IS NOT NULL);

--
-- Name: departments_region_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX departments_region_code ON public.departments USING btree (region_code, code);

--
-- Name: home_notices_region_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX home_notices_region_code ON public.home_notices USING btree (region_code, published_on DESC);

--
-- Name: idempotency_keys_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_keys_expires_at ON public.idempotency_keys USING btree (expires_at);

--
-- Name: identity_checks_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX identity_checks_citizen ON public.identity_checks USING btree (citizen_id, created_at DESC);

--
-- Name: key_rotations_one_open; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX key_rotations_one_open ON public.key_rotations USING btree ((1)) WHERE (finished_at IS NULL);

--
-- Name: known_certificates_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX known_certificates_citizen ON public.known_certificates USING btree (citizen_id, type);

--
-- Name: ledger_entries_occurred_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_entries_occurred_at ON public.ledger_entries USING btree (occurred_at);

--
-- Name: ledger_lines_account; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX ledger_lines_account ON public.ledger_lines USING btree (account_id, subject);

--
-- Name: lexemes_pinyin; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX lexemes_pinyin ON public.lexemes USING btree (pinyin);

--
-- Name: life_event_services_basic_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX life_event_services_basic_code ON public.life_event_services USING btree (basic_code);

--
-- Name: messages_channel; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_channel ON public.messages USING btree (channel, channel_message_id) WHERE (channel_message_id IS NOT NULL);

--
-- Name: messages_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_citizen ON public.messages USING btree (citizen_id, message_id DESC);

--
-- Name: messages_sending; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_sending ON public.messages USING btree (updated_at) WHERE (status = 'sending'::text);

--
-- Name: messages_waiting; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX messages_waiting ON public.messages USING btree (not_before) WHERE (status = 'waiting'::text);

--
-- Name: offices_region_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX offices_region_code ON public.offices USING btree (region_code, office_id);

--
-- Name: organisation_members_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX organisation_members_citizen ON public.organisation_members USING btree (citizen_id);

--
-- Name: organisations_credit_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX organisations_credit_code ON public.organisations USING btree (credit_code);

--
-- Name: organisations_unverified; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX organisations_unverified ON public.organisations USING btree (organisation_id) WHERE (state = 'unverified'::text);

--
-- Name: organisations_verified; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX organisations_verified ON public.organisations USING btree (credit_code) WHERE (state = 'verified'::text);

--
-- Name: payment_notices_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_notices_payment ON public.payment_notices USING btree (payment_no);

--
-- Name: payment_resolutions_refund; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_resolutions_refund ON public.payment_resolutions USING btree (refund_no) WHERE (action = 'settled_outside'::text);

--
-- Name: payments_bill; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_bill ON public.payments USING btree (bill_no);

--
-- Name: payments_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_citizen ON public.payments USING btree (citizen_id);

--
-- Name: payments_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_due ON public.payments USING btree (query_at) WHERE ((status = ANY (ARRAY['pending'::text, 'unknown'::text])) OR (doubted_fen IS NOT NULL));

--
-- Name: payments_flagged; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_flagged ON public.payments USING btree (payment_no) WHERE (flag IS NOT NULL);

--
-- Name: payments_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX payments_live ON public.payments USING btree (bill_no, channel) WHERE (status = ANY (ARRAY['pending'::text, 'unknown'::text]));

--
-- Name: payments_paid; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_paid ON public.payments USING btree (channel, paid_at) WHERE (paid_at IS NOT NULL);

--
-- Name: payments_unknown; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payments_unknown ON public.payments USING btree (created_at) WHERE (status = 'unknown'::text);

--
-- Name: pgqueuer_ep_ea_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_ep_ea_idx ON public.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::public.pgqueuer_status);

--
-- Name: pgqueuer_ep_prio_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_ep_prio_id_idx ON public.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::public.pgqueuer_status);

--
-- Name: pgqueuer_log_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_log_created ON public.pgqueuer_log USING btree (created);

--
-- Name: pgqueuer_log_job_id_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_log_job_id_status ON public.pgqueuer_log USING btree (job_id, created DESC);

--
-- Name: pgqueuer_log_not_aggregated; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_log_not_aggregated ON public.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

--
-- Name: pgqueuer_log_status; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_log_status ON public.pgqueuer_log USING btree (status);

--
-- Name: pgqueuer_picked_heartbeat_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_picked_heartbeat_idx ON public.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::public.pgqueuer_status);

--
-- Name: pgqueuer_picked_slot_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON public.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::public.pgqueuer_status) AND (slot IS NOT NULL));

--
-- Name: pgqueuer_priority_id_id1_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_priority_id_id1_idx ON public.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::public.pgqueuer_status);

--
-- Name: pgqueuer_queue_manager_id_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_queue_manager_id_idx ON public.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

--
-- Name: pgqueuer_statistics_unique_count; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON public.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

--
-- Name: pgqueuer_unique_dedupe_key; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON public.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::public.pgqueuer_status, 'picked'::public.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

--
-- Name: pgqueuer_updated_id_id1_idx; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX pgqueuer_updated_id_id1_idx ON public.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::public.pgqueuer_status);

--
-- Name: platform_keys_platform; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX platform_keys_platform ON public.platform_keys USING btree (platform_id);

--
-- Name: platform_nonces_used_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX platform_nonces_used_at ON public.platform_nonces USING brin (used_at);

--
-- Name: receipts_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX receipts_payment ON public.receipts USING btree (payment_no) WHERE (kind = 'receipt'::text);

--
-- Name: receipts_reverses; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX receipts_reverses ON public.receipts USING btree (reverses) WHERE (reverses IS NOT NULL);

--
-- Name: reconciliation_differences_day; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reconciliation_differences_day ON public.reconciliation_differences USING btree (day, difference_id);

--
-- Name: reconciliation_differences_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reconciliation_differences_open ON public.reconciliation_differences USING btree (channel, day) WHERE (status = 'open'::text);

--
-- Name: reconciliation_loads_day; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reconciliation_loads_day ON public.reconciliation_loads USING btree (channel, day);

--
-- Name: reconciliations_load; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX reconciliations_load ON public.reconciliations USING btree (load_id);

--
-- Name: refunds_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_due ON public.refunds USING btree (query_at) WHERE (status = ANY (ARRAY['asked'::text, 'processing'::text]));

--
-- Name: refunds_failed; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_failed ON public.refunds USING btree (payment_no) WHERE (status = 'failed'::text);

--
-- Name: refunds_open; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_open ON public.refunds USING btree (created_at) WHERE (status = ANY (ARRAY['asked'::text, 'processing'::text]));

--
-- Name: refunds_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_payment ON public.refunds USING btree (payment_no);

--
-- Name: refunds_succeeded; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX refunds_succeeded ON public.refunds USING btree (succeeded_at) WHERE (succeeded_at IS NOT NULL);

--
-- Name: regions_name; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX regions_name ON public.regions USING btree (name text_pattern_ops, level);

--
-- Name: regions_parent_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX regions_parent_code ON public.regions USING btree (parent_code, code);

--
-- Name: regions_upper_names; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX regions_upper_names ON public.regions USING btree (level, name, code) WHERE (level <= 3);

--
-- Name: service_changes_service; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX service_changes_service ON public.service_changes USING btree (service_code, seq);

--
-- Name: service_versions_effective_on; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX service_versions_effective_on ON public.service_versions USING btree (effective_on) WHERE (effective_on IS NOT NULL);

--
-- Name: services_basic; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_basic ON public.services USING btree (basic_code, region_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_department; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_department ON public.services USING btree (department_code, service_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_item_type; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_item_type ON public.services USING btree (item_type, service_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_local_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_local_code ON public.services USING btree (source, local_code);

--
-- Name: services_online; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_online ON public.services USING btree (online_depth, service_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_region; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_region ON public.services USING btree (region_code, service_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_themes; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_themes ON public.services USING gin (themes) WITH (fastupdate=off);

--
-- Name: services_title; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_title ON public.services USING btree (title_id, exercise_level, service_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_title_region; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_title_region ON public.services USING btree (title_id, region_code) WHERE (withdrawn_at IS NULL);

--
-- Name: services_updated_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX services_updated_at ON public.services USING btree (updated_at, service_code);

--
-- Name: sessions_expires_at; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_expires_at ON public.sessions USING btree (expires_at);

--
-- Name: sessions_revoked; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_revoked ON public.sessions USING btree (expires_at) WHERE (revoked_at IS NOT NULL);

--
-- Name: sessions_subject; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX sessions_subject ON public.sessions USING btree (kind, subject) WHERE (revoked_at IS NULL);

--
-- Name: title_starts_start; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX title_starts_start ON public.title_starts USING btree (start, title_id);

--
-- Name: titles_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX titles_search ON public.titles USING gin (search) WITH (fastupdate=off);

--
-- Name: uploads_citizen; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX uploads_citizen ON public.uploads USING btree (citizen_id, created_at DESC);

--
-- Name: uploads_unused; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX uploads_unused ON public.uploads USING btree (created_at) WHERE (case_no IS NULL);

--
-- Name: webhook_deliveries_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (webhook_id, next_attempt_at) WHERE (status = 'pending'::text);

--
-- Name: webhook_deliveries_old; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_deliveries_old ON public.webhook_deliveries USING btree (created_at) WHERE (status <> 'pending'::text);

--
-- Name: webhook_deliveries_webhook; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhook_deliveries_webhook ON public.webhook_deliveries USING btree (webhook_id, delivery_id DESC);

--
-- Name: webhooks_platform; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX webhooks_platform ON public.webhooks USING btree (platform_id, webhook_id) WHERE (deleted_at IS NULL);

--
-- Name: audit_chain audit_chain_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_chain_append_only BEFORE DELETE OR UPDATE ON public.audit_chain FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_chain audit_chain_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_chain_never_truncated BEFORE TRUNCATE ON public.audit_chain FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_entries audit_entries_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_entries_append_only BEFORE DELETE OR UPDATE ON public.audit_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: audit_entries audit_entries_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER audit_entries_never_truncated BEFORE TRUNCATE ON public.audit_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: case_events case_events_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER case_events_append_only BEFORE DELETE OR UPDATE ON public.case_events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: case_events case_events_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER case_events_never_truncated BEFORE TRUNCATE ON public.case_events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: cases cases_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER cases_changed AFTER UPDATE ON public.cases FOR EACH ROW WHEN ((old.version IS DISTINCT FROM new.version)) EXECUTE FUNCTION public.tell_of_case();

--
-- Name: cases cases_created; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER cases_created AFTER INSERT OR DELETE ON public.cases FOR EACH ROW EXECUTE FUNCTION public.tell_of_case();

--
-- Name: fiscal_numbers fiscal_numbers_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER fiscal_numbers_append_only BEFORE DELETE OR UPDATE ON public.fiscal_numbers FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: fiscal_numbers fiscal_numbers_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER fiscal_numbers_never_truncated BEFORE TRUNCATE ON public.fiscal_numbers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_accounts ledger_accounts_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_accounts_append_only BEFORE DELETE OR UPDATE ON public.ledger_accounts FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_accounts ledger_accounts_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_accounts_never_truncated BEFORE TRUNCATE ON public.ledger_accounts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_entries ledger_entries_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_entries_append_only BEFORE DELETE OR UPDATE ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_entries ledger_entries_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_entries ledger_entries_whole; Type: TRIGGER; Schema: public; Owner: -
--

CREATE CONSTRAINT TRIGGER ledger_entries_whole AFTER INSERT ON public.ledger_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.demand_whole_entry();

--
-- Name: ledger_lines ledger_lines_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_lines_append_only BEFORE DELETE OR UPDATE ON public.ledger_lines FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_lines ledger_lines_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_lines_never_truncated BEFORE TRUNCATE ON public.ledger_lines FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: ledger_lines ledger_lines_projected; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER ledger_lines_projected AFTER INSERT ON public.ledger_lines REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION public.project_ledger_lines();

--
-- Name: receipt_payers receipt_payers_kept; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER receipt_payers_kept BEFORE DELETE OR UPDATE OF receipt_id, payer_code ON public.receipt_payers FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: receipt_payers receipt_payers_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER receipt_payers_never_truncated BEFORE TRUNCATE ON public.receipt_payers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: receipts receipts_append_only; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER receipts_append_only BEFORE DELETE OR UPDATE ON public.receipts FOR EACH ROW EXECUTE FUNCTION public.refuse_change();

--
-- Name: receipts receipts_never_truncated; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER receipts_never_truncated BEFORE TRUNCATE ON public.receipts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

--
-- Name: receipts receipts_red_within_blue; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER receipts_red_within_blue BEFORE INSERT ON public.receipts FOR EACH ROW WHEN ((new.kind = 'red_letter'::text)) EXECUTE FUNCTION public.demand_no_more_red_than_blue();

--
-- Name: pgqueuer tg_pgqueuer_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();

--
-- Name: agent_authorities agent_authorities_agent_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_authorities
    ADD CONSTRAINT agent_authorities_agent_id_fkey FOREIGN KEY (agent_id) REFERENCES public.citizens(citizen_id);

--
-- Name: agent_authorities agent_authorities_principal_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_authorities
    ADD CONSTRAINT agent_authorities_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES public.citizens(citizen_id);

--
-- Name: agent_invitations agent_invitations_citizen_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.agent_invitations
    ADD CONSTRAINT agent_invitations_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES public.citizens(citizen_id);

--
-- Name: bill_claims bill_claims_bill_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.bill_claims
    ADD CONSTRAINT bill_claims_bill_no_fkey FOREIGN KEY (bill_no) REFERENCES public.bills(bill_no);

--
-- Name: case_events case_events_case_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.case_events
    ADD CONSTRAINT case_events_case_no_fkey FOREIGN KEY (case_no) REFERENCES public.cases(case_no);

--
-- Name: channel_bill_lines channel_bill_lines_load_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_bill_lines
    ADD CONSTRAINT channel_bill_lines_load_id_fkey FOREIGN KEY (load_id) REFERENCES public.reconciliation_loads(load_id) ON DELETE CASCADE;

--
-- Name: channel_links channel_links_citizen_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.channel_links
    ADD CONSTRAINT channel_links_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES public.citizens(citizen_id);

--
-- Name: clerk_sessions clerk_sessions_session_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.clerk_sessions
    ADD CONSTRAINT clerk_sessions_session_id_fkey FOREIGN KEY (session_id) REFERENCES public.sessions(session_id);

--
-- Name: fiscal_numbers fiscal_numbers_code_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.fiscal_numbers
    ADD CONSTRAINT fiscal_numbers_code_fkey FOREIGN KEY (code) REFERENCES public.fiscal_sequences(code);

--
-- Name: identity_checks identity_checks_citizen_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.identity_checks
    ADD CONSTRAINT identity_checks_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES public.citizens(citizen_id);

--
-- Name: import_faults import_faults_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_faults
    ADD CONSTRAINT import_faults_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.imports(import_id);

--
-- Name: key_rotation_columns key_rotation_columns_rotation_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.key_rotation_columns
    ADD CONSTRAINT key_rotation_columns_rotation_id_fkey FOREIGN KEY (rotation_id) REFERENCES public.key_rotations(rotation_id);

--
-- Name: ledger_balances ledger_balances_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_balances
    ADD CONSTRAINT ledger_balances_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.ledger_accounts(account_id);

--
-- Name: ledger_entries ledger_entries_reverses_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_reverses_fkey FOREIGN KEY (reverses) REFERENCES public.ledger_entries(entry_id);

--
-- Name: ledger_subject_balances ledger_subject_balances_account_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.ledger_subject_balances
    ADD CONSTRAINT ledger_subject_balances_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.ledger_accounts(account_id);

--
-- Name: life_event_services life_event_services_slug_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.life_event_services
    ADD CONSTRAINT life_event_services_slug_fkey FOREIGN KEY (slug) REFERENCES public.life_events(slug);

--
-- Name: organisation_members organisation_members_citizen_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organisation_members
    ADD CONSTRAINT organisation_members_citizen_id_fkey FOREIGN KEY (citizen_id) REFERENCES public.citizens(citizen_id);

--
-- Name: organisation_members organisation_members_organisation_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.organisation_members
    ADD CONSTRAINT organisation_members_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES public.organisations(organisation_id);

--
-- Name: payment_resolutions payment_resolutions_payment_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment_resolutions
    ADD CONSTRAINT payment_resolutions_payment_no_fkey FOREIGN KEY (payment_no) REFERENCES public.payments(payment_no);

--
-- Name: payments payments_bill_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payments
    ADD CONSTRAINT payments_bill_no_fkey FOREIGN KEY (bill_no) REFERENCES public.bills(bill_no);

--
-- Name: platform_keys platform_keys_platform_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platform_keys
    ADD CONSTRAINT platform_keys_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(platform_id);

--
-- Name: platform_usage platform_usage_platform_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.platform_usage
    ADD CONSTRAINT platform_usage_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(platform_id);

--
-- Name: receipt_payers receipt_payers_receipt_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipt_payers
    ADD CONSTRAINT receipt_payers_receipt_id_fkey FOREIGN KEY (receipt_id) REFERENCES public.receipts(receipt_id);

--
-- Name: receipts receipts_code_number_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_code_number_fkey FOREIGN KEY (code, number) REFERENCES public.fiscal_numbers(code, number);

--
-- Name: receipts receipts_reverses_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_reverses_fkey FOREIGN KEY (reverses) REFERENCES public.receipts(receipt_id);

--
-- Name: reconciliation_differences reconciliation_differences_channel_day_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reconciliation_differences
    ADD CONSTRAINT reconciliation_differences_channel_day_fkey FOREIGN KEY (channel, day) REFERENCES public.reconciliations(channel, day);

--
-- Name: refunds refunds_payment_no_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.refunds
    ADD CONSTRAINT refunds_payment_no_fkey FOREIGN KEY (payment_no) REFERENCES public.payments(payment_no);

--
-- Name: services services_department_code_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_department_code_fkey FOREIGN KEY (department_code) REFERENCES public.departments(code);

--
-- Name: services services_title_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.services
    ADD CONSTRAINT services_title_id_fkey FOREIGN KEY (title_id) REFERENCES public.titles(title_id);

--
-- Name: webhook_deliveries webhook_deliveries_webhook_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES public.webhooks(webhook_id);

--
-- Name: webhook_slots webhook_slots_webhook_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhook_slots
    ADD CONSTRAINT webhook_slots_webhook_id_fkey FOREIGN KEY (webhook_id) REFERENCES public.webhooks(webhook_id);

--
-- Name: webhooks webhooks_platform_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.webhooks
    ADD CONSTRAINT webhooks_platform_id_fkey FOREIGN KEY (platform_id) REFERENCES public.platforms(platform_id);

--
-- PostgreSQL database dump complete
--

-- Applied migrations

INSERT INTO public.schema_migrations VALUES ('20261122000100');
INSERT INTO public.schema_migrations VALUES ('20261122000200');
INSERT INTO public.schema_migrations VALUES ('20261122000300');
INSERT INTO public.schema_migrations VALUES ('20261122000400');
INSERT INTO public.schema_migrations VALUES ('20261122000450');
INSERT INTO public.schema_migrations VALUES ('20261122000500');
INSERT INTO public.schema_migrations VALUES ('20261122000550');
INSERT INTO public.schema_migrations VALUES ('20261122000600');
INSERT INTO public.schema_migrations VALUES ('20261122000700');
INSERT INTO public.schema_migrations VALUES ('20261122000800');
INSERT INTO public.schema_migrations VALUES ('20261122000900');
INSERT INTO public.schema_migrations VALUES ('20261122001000');
INSERT INTO public.schema_migrations VALUES ('20261122001050');
INSERT INTO public.schema_migrations VALUES ('20261122001100');
INSERT INTO public.schema_migrations VALUES ('20261122001200');
INSERT INTO public.schema_migrations VALUES ('20261122001300');
