-- One report of several packages: what those beside the leading one say, kept with its result.

ALTER TABLE result DROP CONSTRAINT result_kind_check,
  ADD CONSTRAINT result_kind_check CHECK (kind IN ('report', 'beside', 'shadow'));
DROP INDEX result_shadow;
CREATE UNIQUE INDEX result_other ON result (job, kind, package_name, package_version)
  WHERE kind <> 'report';

-- A row for each package that was reported. `leads`: outlines and measurements of the report are its.
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
  r.package_sha256, r.settings_sha256, r.software_version, r.content_sha256,
  r.kind = 'report' AS leads
FROM result r JOIN job j ON j.id = r.job JOIN study s ON s.id = j.study
WHERE r.kind IN ('report', 'beside');
