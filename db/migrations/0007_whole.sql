-- A request for storage commitment may say that a study is whole.

-- Since then: it listed every object that the study has. NULL: none did, or more came afterwards.
ALTER TABLE study ADD COLUMN whole_at timestamptz;
CREATE INDEX study_whole ON study (whole_at) WHERE state = 'receiving' AND whole_at IS NOT NULL;
