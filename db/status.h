/* What people ask, as JSON objects (cJSON, owned by the caller: cJSON_Delete). Times are ISO 8601
 * in UTC. Both hold identifiers of studies and patients: for the terminal, not for logs. */
#ifndef AXNODE_DB_STATUS_H
#define AXNODE_DB_STATUS_H

#include <cjson/cJSON.h>

#include "db/db.h"

/* { "time": …, "studies": { "receiving": n, … every state }, "jobs": { … }, "outbox": { … },
 *   "unreadable": n, "oldest_waiting": { "study_uid", "state", "since", "age_s" } or null,
 *   "failed": [ { "study_uid", "state", "generation", "reason", "since" }, … ],
 *   "unreadable_files": [ { "key", "reason", "at" }, … ] }
 * `failed` has studies in states failed and not_applicable; both lists newest first, at most
 * `limit` long. */
int status_overview(struct db *db, int limit, cJSON **ret_status, struct error *err);

/* One study: { "study_uid", "state", "reason", "held", "generation", "accession_number",
 *   "study_date", "study_description", "patient": { "id", "issuer", "name", "birth_date",
 *   "sex" }, "first_received_at", "last_received_at", "state_since",
 *   "objects": [ { "key", "sop_uid", "sop_class", "series_uid", "role", "frames", "rows",
 *     "columns", "calling_ae", "received_at" } ],
 *   "jobs": [ { "id", "generation", "predecessor", "state", "attempt", "worker", "reason",
 *     "created_at", "result": { "outcome", "risk", "reason", "package_name",
 *     "package_version", "package_sha256", "software_version", "created_at", "content" }
 *     or null } ],
 *   "deliveries": [ { "generation", "kind", "sop_uid", "destination", "state", "attempts",
 *     "status_word", "last_error", "next_attempt_at", "delivered_at" } ],
 *   "events": [ { "at", "kind", "text" } ] }
 * `content` is the result's whole JSON. STATUS_NOT_FOUND. */
int status_study(struct db *db, const char *study_instance_uid, cJSON **ret_study,
                 struct error *err);

#endif
