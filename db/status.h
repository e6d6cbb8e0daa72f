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
 *   "deliveries": [ { "destination", "waiting", "attempts", "last_error" }, … ],
 *   "last_day": { "received", "done", "failed", "not_applicable" },
 *   "files": { "studies", "removing" } }
 * `failed` has studies in states failed and not_applicable whose files were not removed; both
 * lists newest first, at most `limit` long. `deliveries`: what waits for each destination, the
 * most attempts among it and an error of the last. `last_day`: studies that came, or came to
 * that end, within 24 hours. `files`: studies that have files, and files about to be removed. */
int status_overview(struct db *db, int limit, cJSON **ret_status, struct error *err);

/* What does not get on: { "jobs_expired": claims whose lease ran out over a minute ago,
 *   "jobs_late": jobs due for over an hour, "deliveries_expired", "studies_late": quiet for over
 *   an hour and still receiving, "destinations": { NAME: deliveries that wait for it, … } }. */
int status_trouble(struct db *db, cJSON **ret_trouble, struct error *err);

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
