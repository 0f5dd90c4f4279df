-- Postgres dump, schema only
CREATE TABLE public.studies (
    id bigint NOT NULL,
    title character varying(200) NOT NULL,
    status character varying(20) DEFAULT 'DRAFT',
    CONSTRAINT studies_status_check CHECK (status IN ('DRAFT', 'OPEN', 'CLOSED'))
);
ALTER TABLE public.studies OWNER TO app;
CREATE SEQUENCE public.studies_id_seq START WITH 1 INCREMENT BY 1;
CREATE TABLE public.participants (
    id bigint NOT NULL,
    study_id bigint NOT NULL,
    initials character varying(4),
    enrolled_on date
);
CREATE TABLE public.visits (
    id bigint PRIMARY KEY,
    participant_id bigint REFERENCES public.participants(id),
    visited_on date,
    notes text
);
ALTER TABLE ONLY public.participants ADD CONSTRAINT participants_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.participants ADD CONSTRAINT participants_study_fk FOREIGN KEY (study_id) REFERENCES public.studies(id);
CREATE INDEX visits_participant ON public.visits USING btree (participant_id);
REVOKE ALL ON TABLE public.visits FROM PUBLIC;
