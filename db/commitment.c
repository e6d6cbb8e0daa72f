#include "db/commitment.h"

#include <stdio.h>
#include <string.h>

#include "db/query.h"

/* An event of the study that an outbox row belongs to. */
static int row_event(struct db *db, int64_t outbox, const char *kind, const char *what,
                     struct error *err)
{
    return db_query(db,
        "INSERT INTO event (study, job, kind, text) SELECT j.study, j.id, $2,"
        " b.destination || ' ' || $3 || ': ' || g.kind FROM outbox b"
        " JOIN outgoing g ON g.id = b.outgoing JOIN job j ON j.id = g.job WHERE b.id = $1",
        DB_VALUES(db_int(outbox), db_text(kind), db_text(what)), NULL, err);
}

int commitment_expire(struct db *db, const char *destination,
                      const struct commitment_policy *policy, int *ret_unconfirmed,
                      struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE outbox SET commitment_at = clock_timestamp(), commitment = 'wanted'"
        " WHERE destination = $1 AND commitment = 'asked' AND commitment_at <= clock_timestamp()"
        " AND commitment_requests < $2", DB_VALUES(db_text(destination), db_int(policy->tries)),
        NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox SET commitment_at = NULL, commitment = 'unconfirmed'"
            " WHERE destination = $1 AND commitment IN ('wanted', 'asked')"
            " AND commitment_at <= clock_timestamp() AND commitment_requests >= $2 RETURNING id",
            DB_VALUES(db_text(destination), db_int(policy->tries)), &rows, err);
    int count = status == 0 ? db_row_count(rows) : 0;
    for (int i = 0; i < count && status == 0; i++)
        status = row_event(db, db_get_int(rows, i, 0), "unconfirmed",
                           "never answered whether it keeps", err);
    if (status == 0)
        *ret_unconfirmed = count;
    return status;
}

static int ask(struct db *db, const char *destination, const char *transaction_uid,
               const struct commitment_policy *policy, size_t max, struct pg_result **ret_rows,
               struct error *err)
{
    int status = db_query(db,
        "WITH due AS (SELECT id FROM outbox WHERE destination = $1 AND commitment = 'wanted'"
        "  AND commitment_at <= clock_timestamp() AND NOT EXISTS (SELECT 1 FROM destination d"
        "   WHERE d.name = $1 AND d.paused_at IS NOT NULL)"
        "  ORDER BY commitment_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),"
        " asked AS (UPDATE outbox b SET commitment = 'asked',"
        "  commitment_requests = commitment_requests + 1,"
        "  commitment_at = clock_timestamp() + $3 * interval '1 microsecond'"
        "  FROM due WHERE b.id = due.id RETURNING b.id, b.outgoing)"
        " SELECT a.id, g.sop_class, g.sop_uid FROM asked a JOIN outgoing g ON g.id = a.outgoing"
        " ORDER BY a.id",
        DB_VALUES(db_text(destination), db_int((int64_t)max), db_int(policy->timeout_us)),
        ret_rows, err);
    if (status < 0 || db_row_count(*ret_rows) == 0)
        return status;
    return db_query(db, "INSERT INTO commitment (transaction_uid, destination) VALUES ($1, $2)",
                    DB_VALUES(db_text(transaction_uid), db_text(destination)), NULL, err);
}

int commitment_ask(struct db *db, const char *destination, const char *transaction_uid,
                   const struct commitment_policy *policy, struct commitment_object *ret_objects,
                   size_t max, size_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, ask(db, destination, transaction_uid, policy, max, &rows, err), err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    for (size_t i = 0; i < count && i < max; i++) {
        struct commitment_object *object = &ret_objects[i];
        object->outbox = db_get_int(rows, (int)i, 0);
        db_get_text(rows, (int)i, 1, object->sop_class_uid, sizeof object->sop_class_uid);
        db_get_text(rows, (int)i, 2, object->sop_instance_uid, sizeof object->sop_instance_uid);
    }
    *ret_count = count;
    return 0;
}

int commitment_forget(struct db *db, const char *destination, struct error *err)
{
    return db_query(db,
        "UPDATE outbox SET commitment = 'none', commitment_at = NULL WHERE destination = $1"
        " AND commitment IN ('wanted', 'asked')", DB_VALUES(db_text(destination)), NULL, err);
}

int commitment_deferred(struct db *db, const struct commitment_object *objects, size_t count,
                        int64_t delay_us, struct error *err)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = db_query(db,
            "UPDATE outbox SET commitment = 'wanted',"
            " commitment_at = clock_timestamp() + $2 * interval '1 microsecond'"
            " WHERE id = $1 AND commitment = 'asked'",
            DB_VALUES(db_int(objects[i].outbox), db_int(delay_us)), NULL, err);
    return status;
}

/* ---- answers -------------------------------------------------------------------------------- */

/* The delivered object that an answer names; its study's row is locked. *ret_outbox 0: we never sent
 * that, or it waits to be sent again already. */
static int row_lock(struct db *db, const char *destination, const char *sop_instance_uid,
                    int64_t *ret_outbox, int64_t *ret_refusals, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT s.id FROM study s WHERE s.id = (SELECT j.study FROM outgoing g JOIN job j"
        " ON j.id = g.job WHERE g.sop_uid = $1) FOR UPDATE",
        DB_VALUES(db_text(sop_instance_uid)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "SELECT b.id, b.commitment_refusals FROM outbox b JOIN outgoing g"
            " ON g.id = b.outgoing WHERE g.sop_uid = $1 AND b.destination = $2"
            " AND b.commitment IN ('wanted', 'asked', 'unconfirmed') FOR UPDATE OF b",
            DB_VALUES(db_text(sop_instance_uid), db_text(destination)), &rows, err);
    if (status == 0) {
        bool found = db_row_count(rows) > 0;
        *ret_outbox = found ? db_get_int(rows, 0, 0) : 0;
        *ret_refusals = found ? db_get_int(rows, 0, 1) : 0;
    }
    return status;
}

static int committed(struct db *db, const char *destination, const char *sop_instance_uid,
                     struct error *err)
{
    int64_t outbox, refusals;
    int status = row_lock(db, destination, sop_instance_uid, &outbox, &refusals, err);
    if (status < 0 || outbox == 0)
        return status;
    return db_query(db,
        "UPDATE outbox SET commitment = 'committed', commitment_at = NULL, last_error = ''"
        " WHERE id = $1", DB_VALUES(db_int(outbox)), NULL, err);
}

static const char *reason_text(int reason)
{
    switch (reason) { /* PS3.3 table C.14-1 */
    case 0x0110: return "processing failure";
    case 0x0112: return "no such object instance";
    case 0x0119: return "class and instance conflict";
    case 0x0122: return "SOP class not supported";
    case 0x0131: return "transaction UID in use";
    case 0x0213: return "resource limitation";
    default: return reason < 0 ? "no reason given" : "unknown reason";
    }
}

/* Sent again with what it needs to be asked for again; the last refusal fails it and its study. */
static int refused(struct db *db, const char *destination,
                   const struct commitment_refusal *refusal,
                   const struct commitment_policy *policy, int64_t delay_us, struct error *err)
{
    char why[160];
    int64_t outbox, refusals;
    int status = row_lock(db, destination, refusal->sop_instance_uid, &outbox, &refusals, err);
    if (status < 0 || outbox == 0)
        return status;
    bool last = refusals + 1 >= policy->tries;
    snprintf(why, sizeof why, "storage commitment refused: 0x%04X %s",
             (unsigned)(refusal->reason < 0 ? 0 : refusal->reason), reason_text(refusal->reason));
    status = db_query(db,
        "UPDATE outbox SET state = $2, attempts = 0, possibly_sent = true, last_error = $3,"
        " status_word = $4, commitment = 'none', commitment_at = NULL,"
        " commitment_refusals = commitment_refusals + 1,"
        " next_attempt_at = clock_timestamp() + $5 * interval '1 microsecond' WHERE id = $1",
        DB_VALUES(db_int(outbox), db_text(last ? "failed" : "pending"), db_text(why),
                  refusal->reason < 0 ? db_null() : db_int(refusal->reason), db_int(delay_us)),
        NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE study s SET state = CASE WHEN $2 THEN 'failed' ELSE 'delivering' END,"
            " reason = CASE WHEN $2 THEN 'delivery of ' || g.kind || ' to ' || b.destination"
            "  || ' failed: ' || $3 ELSE '' END"
            " FROM outbox b JOIN outgoing g ON g.id = b.outgoing JOIN job j ON j.id = g.job"
            " WHERE b.id = $1 AND s.id = j.study AND s.generation = j.generation"
            " AND s.state IN ('done', 'delivering')",
            DB_VALUES(db_int(outbox), db_bool(last), db_text(why)), NULL, err);
    return status < 0 ? status
                      : row_event(db, outbox, last ? "delivery failed" : "sent again",
                                  "refused storage commitment", err);
}

static int answered(struct db *db, const char *destination, const struct commitment_answer *answer,
                    const struct commitment_policy *policy, int64_t delay_us, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE commitment c SET answered_at = clock_timestamp() FROM (SELECT * FROM commitment"
        "  WHERE transaction_uid = $1 AND destination = $2 FOR UPDATE) old"
        " WHERE c.transaction_uid = old.transaction_uid RETURNING old.answered_at IS NOT NULL",
        DB_VALUES(db_text(answer->transaction_uid), db_text(destination)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "no such request for storage commitment was made");
    if (db_get_bool(rows, 0, 0))
        return 0; /* taken before */
    for (size_t i = 0; i < answer->committed_count && status == 0; i++)
        status = committed(db, destination, answer->committed[i], err);
    for (size_t i = 0; i < answer->refused_count && status == 0; i++)
        status = refused(db, destination, &answer->refused[i], policy, delay_us, err);
    return status;
}

int commitment_answered(struct db *db, const char *destination,
                        const struct commitment_answer *answer,
                        const struct commitment_policy *policy, int64_t delay_us,
                        struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status
                      : db_end(db, answered(db, destination, answer, policy, delay_us, err), err);
}
