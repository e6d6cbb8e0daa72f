-- What is known of studies, their objects, the work on them and what was sent.
-- Texts are '' rather than NULL where 'unknown' and 'empty' mean the same.

CREATE TABLE patient (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient_id text NOT NULL,
  issuer text NOT NULL,
  name text NOT NULL,
  birth_date text NOT NULL,
  sex text NOT NULL,
  -- One row for each spelling seen; whether two are one person is not ours to say.
  UNIQUE (patient_id, issuer, name, birth_date, sex)
);

CREATE TABLE study (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  study_uid text NOT NULL UNIQUE,
  uid_digest text NOT NULL, -- SHA-256 in hex, as the store's association files carry it
  patient bigint REFERENCES patient,
  accession_number text NOT NULL DEFAULT '',
  study_date text NOT NULL DEFAULT '',
  study_time text NOT NULL DEFAULT '',
  study_description text NOT NULL DEFAULT '',
  state text NOT NULL CHECK (state IN ('receiving', 'queued', 'working', 'delivering', 'done',
    'failed', 'not_applicable')),
  reason text NOT NULL DEFAULT '',
  held boolean NOT NULL DEFAULT false, -- failed until a person retries, whatever arrives
  generation integer NOT NULL DEFAULT 0, -- of its newest job
  first_received_at timestamptz,
  last_received_at timestamptz,
  state_since timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (NOT held OR state = 'failed')
);
CREATE INDEX study_receiving ON study (last_received_at) WHERE state = 'receiving';
CREATE INDEX study_state ON study (state, state_since);

CREATE FUNCTION study_state_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.state_since := clock_timestamp();
  RETURN NEW;
END $$;
CREATE TRIGGER study_state_since BEFORE UPDATE OF state ON study FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION study_state_changed();

CREATE TABLE series (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  study bigint NOT NULL REFERENCES study ON DELETE CASCADE,
  series_uid text NOT NULL,
  modality text NOT NULL,
  series_number integer NOT NULL,
  series_description text NOT NULL,
  body_part text NOT NULL,
  UNIQUE (study, series_uid)
);

CREATE TABLE instance (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  study bigint NOT NULL REFERENCES study ON DELETE CASCADE,
  series bigint NOT NULL REFERENCES series ON DELETE CASCADE,
  patient bigint NOT NULL REFERENCES patient,
  key text NOT NULL UNIQUE, -- the store's
  sop_uid text NOT NULL,
  sop_class text NOT NULL,
  transfer_syntax text NOT NULL,
  dataset_sha256 text NOT NULL,
  content_sha256 text NOT NULL, -- '' when not computed
  role text NOT NULL CHECK (role IN ('input', 'own', 'variant', 'other')),
  instance_number integer NOT NULL,
  frames integer NOT NULL,
  rows integer NOT NULL,
  columns integer NOT NULL,
  calling_ae text NOT NULL,
  called_ae text NOT NULL,
  peer text NOT NULL,
  association text NOT NULL,
  received_at timestamptz NOT NULL,
  indexed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX instance_sop_uid ON instance (sop_uid);
CREATE INDEX instance_study ON instance (study, role);

CREATE TABLE unreadable (
  key text PRIMARY KEY,
  reason text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE job (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  study bigint NOT NULL REFERENCES study ON DELETE CASCADE,
  generation integer NOT NULL CHECK (generation > 0),
  predecessor integer CHECK (predecessor > 0 AND predecessor < generation),
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'working', 'done', 'failed',
    'superseded')),
  attempt integer NOT NULL DEFAULT 0,
  token uuid,
  lease_until timestamptz,
  not_before timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- The time that the job's objects carry: set once, never changed.
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  finished_at timestamptz,
  worker text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  UNIQUE (study, generation),
  CHECK ((state = 'working') = (token IS NOT NULL)),
  CHECK ((state = 'working') = (lease_until IS NOT NULL))
);
CREATE INDEX job_waiting ON job (not_before, id) WHERE state IN ('pending', 'working');

CREATE TABLE job_instance (
  job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
  instance bigint NOT NULL REFERENCES instance ON DELETE CASCADE,
  PRIMARY KEY (job, instance)
);
CREATE INDEX job_instance_instance ON job_instance (instance);

CREATE TABLE result (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job bigint NOT NULL UNIQUE REFERENCES job ON DELETE CASCADE,
  outcome text NOT NULL,
  risk double precision CHECK (risk BETWEEN 0 AND 1),
  reason text NOT NULL,
  package_name text NOT NULL,
  package_version text NOT NULL,
  package_sha256 text NOT NULL,
  software_version text NOT NULL,
  content_sha256 text NOT NULL,
  content jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Names are long and the same for thousands of results: they are stored once.
CREATE TABLE feature_set (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  digest text NOT NULL UNIQUE,
  names text[] NOT NULL
);

CREATE TABLE feature (
  result bigint NOT NULL REFERENCES result ON DELETE CASCADE,
  region text NOT NULL,
  feature_set bigint NOT NULL REFERENCES feature_set,
  values double precision[] NOT NULL, -- in the order of the set's names
  PRIMARY KEY (result, region)
);

CREATE TABLE outgoing (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job bigint NOT NULL REFERENCES job ON DELETE CASCADE,
  kind text NOT NULL,
  sop_uid text NOT NULL UNIQUE,
  sop_class text NOT NULL,
  series_uid text NOT NULL,
  transfer_syntax text NOT NULL,
  key text NOT NULL UNIQUE,
  sha256 text NOT NULL,
  size bigint NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX outgoing_job ON outgoing (job);

CREATE TABLE outbox (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  outgoing bigint NOT NULL REFERENCES outgoing ON DELETE CASCADE,
  destination text NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'delivered',
    'failed', 'superseded')),
  attempts integer NOT NULL DEFAULT 0,
  lease_until timestamptz,
  next_attempt_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  possibly_sent boolean NOT NULL DEFAULT false, -- an attempt ended without an answer
  last_error text NOT NULL DEFAULT '',
  status_word integer,
  delivered_at timestamptz,
  UNIQUE (outgoing, destination),
  CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);
CREATE INDEX outbox_due ON outbox (destination, next_attempt_at, id)
  WHERE state IN ('pending', 'sending');

-- What happened, for people. No patient data in `text`.
CREATE TABLE event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  study bigint REFERENCES study ON DELETE CASCADE,
  job bigint REFERENCES job ON DELETE CASCADE,
  kind text NOT NULL,
  text text NOT NULL
);
CREATE INDEX event_study ON event (study, id);

CREATE VIEW v_study AS
SELECT s.study_uid, s.state, s.reason, s.generation, p.patient_id, p.name AS patient_name,
  s.accession_number, s.study_date, s.study_description, s.last_received_at, s.state_since,
  (SELECT count(*) FROM instance i WHERE i.study = s.id AND i.role = 'input') AS inputs,
  (SELECT count(*) FROM instance i WHERE i.study = s.id) AS objects
FROM study s LEFT JOIN patient p ON p.id = s.patient;

CREATE VIEW v_result AS
SELECT s.study_uid, j.generation, j.state AS job_state, j.attempt, r.outcome, r.risk, r.reason,
  r.package_name, r.package_version, r.created_at,
  (SELECT count(*) FROM outgoing g JOIN outbox b ON b.outgoing = g.id
   WHERE g.job = j.id AND b.state = 'delivered') AS delivered,
  (SELECT count(*) FROM outgoing g JOIN outbox b ON b.outgoing = g.id
   WHERE g.job = j.id) AS deliveries
FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study;
