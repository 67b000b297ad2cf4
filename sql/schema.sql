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

SET default_tablespace = '';

SET default_table_access_method = heap;

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
-- Name: offices offices_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.offices
    ADD CONSTRAINT offices_pkey PRIMARY KEY (office_id);

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
-- Name: lexemes_pinyin; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX lexemes_pinyin ON public.lexemes USING btree (pinyin);

--
-- Name: life_event_services_basic_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX life_event_services_basic_code ON public.life_event_services USING btree (basic_code);

--
-- Name: offices_region_code; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX offices_region_code ON public.offices USING btree (region_code, office_id);

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
-- Name: title_starts_start; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX title_starts_start ON public.title_starts USING btree (start, title_id);

--
-- Name: titles_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX titles_search ON public.titles USING gin (search) WITH (fastupdate=off);

--
-- Name: pgqueuer tg_pgqueuer_changed; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();

--
-- Name: import_faults import_faults_import_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.import_faults
    ADD CONSTRAINT import_faults_import_id_fkey FOREIGN KEY (import_id) REFERENCES public.imports(import_id);

--
-- Name: life_event_services life_event_services_slug_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.life_event_services
    ADD CONSTRAINT life_event_services_slug_fkey FOREIGN KEY (slug) REFERENCES public.life_events(slug);

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
-- PostgreSQL database dump complete
--

-- Applied migrations

INSERT INTO public.schema_migrations VALUES ('20261122000100');
INSERT INTO public.schema_migrations VALUES ('20261122000200');
INSERT INTO public.schema_migrations VALUES ('20261122000300');
