-- Clinical values of patients that somebody imported, and every change of them.

CREATE TABLE clinical (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  patient_id text NOT NULL CHECK (patient_id <> ''),
  issuer text NOT NULL,
  name text NOT NULL,
  side text NOT NULL CHECK (side IN ('', 'left', 'right')),
  observed date NOT NULL,
  -- '' when the value is not bound to one study.
  study_uid text NOT NULL,
  accession_number text NOT NULL,
  value text NOT NULL,
  source text NOT NULL, -- the importer's words: 'pathology'
  changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (patient_id, issuer, name, side, observed, study_uid, accession_number)
);

-- The key is repeated: a withdrawn value has no row any more.
CREATE TABLE clinical_audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  database_user text NOT NULL DEFAULT session_user,
  system_user text NOT NULL, -- who ran axnode; '' for a change made by other means
  patient_id text NOT NULL,
  issuer text NOT NULL,
  name text NOT NULL,
  side text NOT NULL,
  observed date NOT NULL,
  study_uid text NOT NULL,
  accession_number text NOT NULL,
  old_value text, -- NULL: there was none
  old_source text,
  new_value text, -- NULL: withdrawn
  new_source text
);
CREATE INDEX clinical_audit_patient ON clinical_audit (patient_id, issuer, id);

-- Whatever changes a value, with axnode or without.
CREATE FUNCTION clinical_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  k clinical := coalesce(NEW, OLD);
BEGIN
  INSERT INTO clinical_audit (system_user, patient_id, issuer, name, side, observed, study_uid,
    accession_number, old_value, old_source, new_value, new_source)
  VALUES (coalesce(current_setting('axnode.system_user', true), ''), k.patient_id, k.issuer,
    k.name, k.side, k.observed, k.study_uid, k.accession_number, OLD.value, OLD.source,
    NEW.value, NEW.source);
  RETURN NULL;
END $$;
CREATE TRIGGER clinical_audit AFTER INSERT OR UPDATE OR DELETE ON clinical FOR EACH ROW
  EXECUTE FUNCTION clinical_changed();

-- Structured reports that state clinical values belong to what a job works on.
ALTER TABLE instance
  DROP CONSTRAINT instance_role_check,
  ADD CONSTRAINT instance_role_check
    CHECK (role IN ('input', 'report', 'own', 'variant', 'other'));
