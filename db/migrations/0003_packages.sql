-- Several packages: which one scores, what another would have said, and views of what was found.

-- The newest row is the package that scores studies; with an empty name, or without any row, it is
-- that of the settings.
CREATE TABLE activation (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  who text NOT NULL, -- user of the machine the command was given on
  action text NOT NULL CHECK (action IN ('activate', 'rollback')),
  name text NOT NULL,
  version text NOT NULL,
  sha256 text NOT NULL, -- of its MANIFEST
  previous bigint REFERENCES activation -- where a roll-back goes; NULL: the settings' package
);

-- A shadow package's result is stored beside the reported one and sent to nobody.
ALTER TABLE result
  ADD COLUMN kind text NOT NULL DEFAULT 'report' CHECK (kind IN ('report', 'shadow')),
  ADD COLUMN settings_sha256 text NOT NULL DEFAULT '',
  DROP CONSTRAINT result_job_key;
CREATE UNIQUE INDEX result_report ON result (job) WHERE kind = 'report';
CREATE UNIQUE INDEX result_shadow ON result (job, package_name, package_version)
  WHERE kind = 'shadow';

CREATE OR REPLACE VIEW v_result AS
SELECT s.study_uid, j.generation, j.state AS job_state, j.attempt, r.outcome, r.risk, r.reason,
  r.package_name, r.package_version, r.created_at,
  (SELECT count(*) FROM outgoing g JOIN outbox b ON b.outgoing = g.id
   WHERE g.job = j.id AND b.state = 'delivered') AS delivered,
  (SELECT count(*) FROM outgoing g JOIN outbox b ON b.outgoing = g.id
   WHERE g.job = j.id) AS deliveries,
  (r.content -> 'risk' ->> 'low')::double precision AS risk_low,
  (r.content -> 'risk' ->> 'high')::double precision AS risk_high,
  r.content -> 'risk' ->> 'group' AS risk_group,
  (r.content -> 'risk' ->> 'linear_predictor')::double precision AS linear_predictor,
  r.package_sha256, r.settings_sha256, r.software_version, r.content_sha256
FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study
WHERE r.kind = 'report';

-- What shadow packages said, beside what was reported of the same generation.
CREATE VIEW v_shadow AS
SELECT s.study_uid, j.generation, r.package_name, r.package_version, r.package_sha256, r.outcome,
  r.risk, r.reason, r.created_at, o.package_name AS reported_package,
  o.package_version AS reported_version, o.outcome AS reported_outcome, o.risk AS reported_risk
FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study
LEFT JOIN result o ON o.job = r.job AND o.kind = 'report'
WHERE r.kind = 'shadow';

-- A row for each term of a risk. `stage`: the package's score it is a term of, or "model"; the value
-- of a score stands as a term of the stage that takes it.
CREATE VIEW v_contribution AS
SELECT s.study_uid, j.generation, r.kind, r.package_name, r.package_version,
  c ->> 'stage' AS stage, c ->> 'feature' AS feature,
  (c ->> 'value')::double precision AS value,
  (c ->> 'contribution')::double precision AS contribution
FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study,
  jsonb_array_elements(r.content -> 'risk' -> 'contributions') c;

-- The newest generation of each study that has a reported result.
CREATE VIEW v_newest_result AS
SELECT DISTINCT ON (j.study) j.study, r.id AS result, j.generation
FROM result r JOIN job j ON j.id = r.job
WHERE r.kind = 'report'
ORDER BY j.study, j.generation DESC;

-- A row for each feature of each region; NaN: it has no value, or one without meaning.
CREATE VIEW v_feature AS
SELECT s.study_uid, n.generation, f.region, u.name AS feature, u.value
FROM v_newest_result n JOIN study s ON s.id = n.study
JOIN feature f ON f.result = n.result JOIN feature_set t ON t.id = f.feature_set,
  unnest(t.names, f.values) AS u(name, value);
