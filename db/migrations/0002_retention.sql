-- Files end before rows do. A file's row says so in three steps: removing_at is set and committed,
-- the file is removed, removed_at is set. A row with neither promises its file.

ALTER TABLE instance
  ADD COLUMN removing_at timestamptz,
  ADD COLUMN removed_at timestamptz,
  ADD CHECK (removed_at IS NULL OR removing_at IS NOT NULL);
ALTER TABLE outgoing
  ADD COLUMN removing_at timestamptz,
  ADD COLUMN removed_at timestamptz,
  ADD CHECK (removed_at IS NULL OR removing_at IS NOT NULL);
ALTER TABLE unreadable
  ADD COLUMN removing_at timestamptz,
  ADD COLUMN removed_at timestamptz,
  ADD CHECK (removed_at IS NULL OR removing_at IS NOT NULL);
CREATE INDEX instance_removing ON instance (key)
  WHERE removing_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX outgoing_removing ON outgoing (key)
  WHERE removing_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX unreadable_removing ON unreadable (key)
  WHERE removing_at IS NOT NULL AND removed_at IS NULL;
CREATE INDEX unreadable_kept ON unreadable (at) WHERE removing_at IS NULL;

-- Since when the study has files that nobody asked to remove; NULL when it has none.
ALTER TABLE study ADD COLUMN files_since timestamptz DEFAULT clock_timestamp();
CREATE INDEX study_kept ON study (state, state_since) WHERE files_since IS NOT NULL;

CREATE FUNCTION study_has_file() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_TABLE_NAME = 'instance' THEN
    UPDATE study SET files_since = clock_timestamp() WHERE id = NEW.study AND files_since IS NULL;
    -- Today's program can read what an earlier one could not.
    DELETE FROM unreadable WHERE key = NEW.key;
  ELSE
    UPDATE study SET files_since = clock_timestamp()
      WHERE id = (SELECT study FROM job WHERE id = NEW.job) AND files_since IS NULL;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER instance_file AFTER INSERT ON instance FOR EACH ROW
  EXECUTE FUNCTION study_has_file();
CREATE TRIGGER outgoing_file AFTER INSERT ON outgoing FOR EACH ROW
  EXECUTE FUNCTION study_has_file();

-- Jobs that the database forgot when it was restored from a backup older than the store: their
-- objects are still in the store, and tell when they were made. The job made again carries the
-- same time, so that the same inputs give the same objects, with the same UIDs.
CREATE TABLE recovered_job (
  study_uid text NOT NULL,
  generation integer NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (study_uid, generation)
);
