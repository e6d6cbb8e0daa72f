#include "db/status.h"

#include "db/query.h"

int status_overview(struct db *db, int limit, cJSON **ret_status, struct error *err)
{
    return db_json(db,
        "SELECT json_build_object('time', " DB_ISO("clock_timestamp()") ","
        " 'studies', (SELECT json_object_agg(v.state, (SELECT count(*) FROM study s"
        "   WHERE s.state = v.state)) FROM (VALUES ('receiving'), ('queued'), ('working'),"
        "   ('delivering'), ('done'), ('failed'), ('not_applicable')) v (state)),"
        " 'jobs', (SELECT json_object_agg(v.state, (SELECT count(*) FROM job j"
        "   WHERE j.state = v.state)) FROM (VALUES ('pending'), ('working'), ('done'),"
        "   ('failed'), ('superseded')) v (state)),"
        " 'outbox', (SELECT json_object_agg(v.state, (SELECT count(*) FROM outbox b"
        "   WHERE b.state = v.state)) FROM (VALUES ('pending'), ('sending'), ('delivered'),"
        "   ('failed'), ('superseded')) v (state)),"
        " 'unreadable', (SELECT count(*) FROM unreadable WHERE removing_at IS NULL),"
        " 'oldest_waiting', (SELECT json_build_object('study_uid', study_uid, 'state', state,"
        "   'since', " DB_ISO("state_since") ","
        "   'age_s', extract(epoch FROM clock_timestamp() - state_since)::bigint)"
        "   FROM study WHERE state IN ('receiving', 'queued', 'working', 'delivering')"
        "   ORDER BY state_since LIMIT 1),"
        " 'failed', (SELECT coalesce(json_agg(json_build_object('study_uid', study_uid,"
        "   'state', state, 'generation', generation, 'reason', reason,"
        "   'since', " DB_ISO("state_since") ") ORDER BY state_since DESC), '[]')"
        "   FROM (SELECT * FROM study WHERE state IN ('failed', 'not_applicable')"
        "    AND files_since IS NOT NULL"
        "    ORDER BY state_since DESC LIMIT $1) s),"
        " 'unreadable_files', (SELECT coalesce(json_agg(json_build_object('key', key,"
        "   'reason', reason, 'at', " DB_ISO("at") ") ORDER BY at DESC), '[]')"
        "   FROM (SELECT * FROM unreadable WHERE removing_at IS NULL ORDER BY at DESC LIMIT $1) u),"
        " 'deliveries', (SELECT coalesce(json_agg(d), '[]') FROM (SELECT destination,"
        "   count(*) AS waiting, max(attempts) AS attempts,"
        "   coalesce((array_agg(last_error ORDER BY attempts DESC))[1], '') AS last_error"
        "   FROM outbox WHERE state IN ('pending', 'sending') GROUP BY destination"
        "   ORDER BY destination) d),"
        " 'paused', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM destination"
        "   WHERE paused_at IS NOT NULL),"
        " 'unconfirmed', (SELECT coalesce(json_object_agg(destination, n), '{}') FROM"
        "   (SELECT destination, count(*) AS n FROM outbox WHERE commitment = 'unconfirmed'"
        "    GROUP BY destination) u),"
        " 'last_day', (SELECT json_build_object("
        "   'received', count(*) FILTER (WHERE first_received_at > day.ago),"
        "   'done', count(*) FILTER (WHERE state = 'done' AND state_since > day.ago),"
        "   'failed', count(*) FILTER (WHERE state = 'failed' AND state_since > day.ago),"
        "   'not_applicable', count(*) FILTER (WHERE state = 'not_applicable'"
        "     AND state_since > day.ago))"
        "   FROM study, (SELECT clock_timestamp() - interval '1 day' AS ago) day),"
        " 'files', json_build_object("
        "   'studies', (SELECT count(*) FROM study WHERE files_since IS NOT NULL),"
        "   'removing', (SELECT count(*) FROM instance WHERE removing_at IS NOT NULL"
        "     AND removed_at IS NULL) + (SELECT count(*) FROM outgoing"
        "     WHERE removing_at IS NOT NULL AND removed_at IS NULL)))",
        DB_VALUES(db_int(limit)), ret_status, err);
}

int status_trouble(struct db *db, cJSON **ret_trouble, struct error *err)
{
    return db_json(db,
        "SELECT json_build_object("
        " 'jobs_expired', (SELECT count(*) FROM job WHERE state = 'working'"
        "   AND lease_until < clock_timestamp() - interval '1 minute'),"
        " 'jobs_late', (SELECT count(*) FROM job j JOIN study s ON s.id = j.study"
        "   WHERE j.state = 'pending' AND s.state = 'queued'"
        "   AND j.not_before < clock_timestamp() - interval '1 hour'),"
        " 'deliveries_expired', (SELECT count(*) FROM outbox WHERE state = 'sending'"
        "   AND lease_until < clock_timestamp() - interval '1 minute'),"
        " 'studies_late', (SELECT count(*) FROM study WHERE state = 'receiving'"
        "   AND last_received_at < clock_timestamp() - interval '1 hour'),"
        " 'destinations', (SELECT coalesce(json_object_agg(destination, n), '{}') FROM"
        "   (SELECT destination, count(*) AS n FROM outbox WHERE state IN ('pending', 'sending')"
        "    GROUP BY destination) d))",
        0, NULL, ret_trouble, err);
}

int status_study(struct db *db, const char *study_instance_uid, cJSON **ret_study,
                 struct error *err)
{
    int status = db_json(db,
        "SELECT json_build_object('study_uid', s.study_uid, 'state', s.state,"
        " 'reason', s.reason, 'held', s.held, 'generation', s.generation,"
        " 'accession_number', s.accession_number, 'study_date', s.study_date,"
        " 'study_description', s.study_description,"
        " 'patient', (SELECT json_build_object('id', patient_id, 'issuer', issuer, 'name', name,"
        "   'birth_date', birth_date, 'sex', sex) FROM patient p WHERE p.id = s.patient),"
        " 'first_received_at', " DB_ISO("s.first_received_at") ","
        " 'last_received_at', " DB_ISO("s.last_received_at") ","
        " 'state_since', " DB_ISO("s.state_since") ","
        " 'objects', (SELECT coalesce(json_agg(json_build_object('key', i.key,"
        "   'sop_uid', i.sop_uid, 'sop_class', i.sop_class, 'series_uid', e.series_uid,"
        "   'role', i.role, 'frames', i.frames, 'rows', i.rows, 'columns', i.columns,"
        "   'calling_ae', i.calling_ae, 'received_at', " DB_ISO("i.received_at") ") ORDER BY i.id),"
        "   '[]') FROM instance i JOIN series e ON e.id = i.series WHERE i.study = s.id),"
        " 'jobs', (SELECT coalesce(json_agg(json_build_object('id', j.id,"
        "   'generation', j.generation, 'predecessor', j.predecessor, 'state', j.state,"
        "   'attempt', j.attempt, 'worker', j.worker, 'reason', j.reason,"
        "   'created_at', " DB_ISO("j.created_at") ","
        "   'result', (SELECT json_build_object('outcome', r.outcome, 'risk', r.risk,"
        "     'reason', r.reason, 'package_name', r.package_name,"
        "     'package_version', r.package_version, 'package_sha256', r.package_sha256,"
        "     'software_version', r.software_version, 'created_at', " DB_ISO("r.created_at") ","
        "     'content', r.content) FROM result r"
        "     WHERE r.job = j.id AND r.kind = 'report')) ORDER BY j.generation),"
        "   '[]') FROM job j WHERE j.study = s.id),"
        " 'deliveries', (SELECT coalesce(json_agg(json_build_object('generation', j.generation,"
        "   'kind', g.kind, 'sop_uid', g.sop_uid, 'destination', b.destination,"
        "   'state', b.state, 'attempts', b.attempts, 'status_word', b.status_word,"
        "   'last_error', b.last_error, 'warning', b.warning, 'commitment', b.commitment,"
        "   'next_attempt_at', " DB_ISO("b.next_attempt_at") ","
        "   'delivered_at', " DB_ISO("b.delivered_at") ") ORDER BY b.id), '[]')"
        "   FROM outbox b JOIN outgoing g ON g.id = b.outgoing JOIN job j ON j.id = g.job"
        "   WHERE j.study = s.id),"
        " 'events', (SELECT coalesce(json_agg(json_build_object('at', " DB_ISO("v.at") ","
        "   'kind', v.kind, 'text', v.text) ORDER BY v.id), '[]')"
        "   FROM event v WHERE v.study = s.id))"
        " FROM study s WHERE s.study_uid = $1",
        DB_VALUES(db_text(study_instance_uid)), ret_study, err);
    return status == STATUS_NOT_FOUND ? error_set(err, status, "no such study") : status;
}
