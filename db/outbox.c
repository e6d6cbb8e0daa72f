#include "db/outbox.h"

#include <stdio.h>
#include <string.h>

#include "db/delivery.h"
#include "db/query.h"

int outbox_claim(struct db *db, const char *destination, int64_t lease_us,
                 struct outbox_item *ret_items, size_t max, size_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    /* A claim whose lease ran out may have come as far as the peer. */
    int status = db_query(db,
        "WITH due AS (SELECT id, state FROM outbox WHERE destination = $1"
        "  AND NOT EXISTS (SELECT 1 FROM destination d WHERE d.name = $1"
        "   AND d.paused_at IS NOT NULL)"
        "  AND ((state = 'pending' AND next_attempt_at <= clock_timestamp())"
        "   OR (state = 'sending' AND lease_until < clock_timestamp()))"
        "  ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),"
        " taken AS (UPDATE outbox b SET state = 'sending', attempts = attempts + 1,"
        "  possibly_sent = possibly_sent OR due.state = 'sending',"
        "  lease_until = clock_timestamp() + $3 * interval '1 microsecond'"
        "  FROM due WHERE b.id = due.id RETURNING b.id, b.outgoing, b.attempts, b.destination,"
        "  b.next_attempt_at)"
        " SELECT t.id, g.job, t.attempts, t.destination, g.kind, g.sop_uid, g.sop_class,"
        " g.series_uid, g.transfer_syntax, g.key, g.sha256, g.size"
        " FROM taken t JOIN outgoing g ON g.id = t.outgoing ORDER BY t.next_attempt_at, t.id",
        DB_VALUES(db_text(destination), db_int((int64_t)max), db_int(lease_us)), &rows, err);
    if (status < 0)
        return status;
    size_t count = (size_t)db_row_count(rows);
    for (size_t i = 0; i < count && i < max; i++) {
        struct outbox_item *item = &ret_items[i];
        struct queue_object *object = &item->object;
        int row = (int)i;
        item->id = db_get_int(rows, row, 0);
        item->job = db_get_int(rows, row, 1);
        item->attempt = (int)db_get_int(rows, row, 2);
        db_get_text(rows, row, 3, item->destination, sizeof item->destination);
        db_get_text(rows, row, 4, object->kind, sizeof object->kind);
        db_get_text(rows, row, 5, object->sop_instance_uid, sizeof object->sop_instance_uid);
        db_get_text(rows, row, 6, object->sop_class_uid, sizeof object->sop_class_uid);
        db_get_text(rows, row, 7, object->series_instance_uid,
                    sizeof object->series_instance_uid);
        db_get_text(rows, row, 8, object->transfer_syntax_uid,
                    sizeof object->transfer_syntax_uid);
        db_get_text(rows, row, 9, object->key, sizeof object->key);
        db_get_text(rows, row, 10, object->sha256, sizeof object->sha256);
        object->size = (uint64_t)db_get_int(rows, row, 11);
    }
    *ret_count = count;
    return 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

/* Study first, as everywhere; its id, generation and state, and whether this delivery belongs to
 * its newest generation. */
static int study_lock(struct db *db, const struct outbox_item *item, int64_t *ret_study,
                      bool *ret_current, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT s.id, s.state = 'delivering' AND s.generation = j.generation"
        " FROM study s JOIN job j ON j.study = s.id WHERE j.id = $1 FOR UPDATE OF s",
        DB_VALUES(db_int(item->job)), &rows, err);
    if (status < 0)
        return status;
    if (db_row_count(rows) == 0)
        return error_set(err, STATUS_NOT_FOUND, "delivery %lld is gone", (long long)item->id);
    *ret_study = db_get_int(rows, 0, 0);
    *ret_current = db_get_bool(rows, 0, 1);
    return 0;
}

static int claim_check(struct pg_result *changed, const struct outbox_item *item,
                       struct error *err)
{
    if (db_changed(changed) == 1)
        return 0;
    return error_set(err, STATUS_CONFLICT, "delivery %lld is no longer held by this claim",
                     (long long)item->id);
}

static int delivered(struct db *db, const struct outbox_item *item,
                     const struct outbox_receipt *receipt, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int64_t study;
    bool current;
    int status = study_lock(db, item, &study, &current, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox SET state = 'delivered', lease_until = NULL, last_error = '',"
            " status_word = $2, warning = $3, delivered_at = clock_timestamp(),"
            " commitment = CASE WHEN $4 THEN 'wanted' ELSE 'none' END, commitment_requests = 0,"
            " commitment_at = CASE WHEN $4 THEN clock_timestamp() END WHERE id = $1",
            DB_VALUES(db_int(item->id), db_int(receipt->status_word), db_text(receipt->warning),
                      db_bool(receipt->commitment)), NULL, err);
    if (status == 0 && current)
        status = db_query(db,
            "UPDATE study SET state = 'done' WHERE id = $1 AND NOT EXISTS"
            " (SELECT 1 FROM outbox b JOIN outgoing g ON g.id = b.outgoing WHERE g.job = $2"
            "  AND b.state NOT IN ('delivered', 'superseded')) RETURNING id",
            DB_VALUES(db_int(study), db_int(item->job)), &rows, err);
    if (status == 0 && current && db_row_count(rows) == 1)
        status = db_event(db, study, item->job, "delivered", "every destination has every object",
                          err);
    return status;
}

int outbox_delivered(struct db *db, const struct outbox_item *item,
                     const struct outbox_receipt *receipt, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, delivered(db, item, receipt, err), err);
}

int outbox_deferred(struct db *db, const struct outbox_item *item,
                    const struct outbox_failure *failure, int64_t delay_us, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE outbox SET state = 'pending', lease_until = NULL, last_error = $3,"
        " status_word = $4, possibly_sent = possibly_sent OR $5,"
        " next_attempt_at = clock_timestamp() + $6 * interval '1 microsecond'"
        " WHERE id = $1 AND attempts = $2 AND state = 'sending'",
        DB_VALUES(db_int(item->id), db_int(item->attempt), db_text(failure->reason),
                  failure->status_word < 0 ? db_null() : db_int(failure->status_word),
                  db_bool(failure->possibly_sent), db_int(delay_us)),
        &rows, err);
    return status < 0 ? status : claim_check(rows, item, err);
}

static int failed(struct db *db, const struct outbox_item *item,
                  const struct outbox_failure *failure, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    char reason[400];
    int64_t study;
    bool current;
    int status = study_lock(db, item, &study, &current, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox SET state = 'failed', lease_until = NULL, last_error = $3,"
            " status_word = $4, possibly_sent = possibly_sent OR $5"
            " WHERE id = $1 AND attempts = $2 AND state = 'sending'",
            DB_VALUES(db_int(item->id), db_int(item->attempt), db_text(failure->reason),
                      failure->status_word < 0 ? db_null() : db_int(failure->status_word),
                      db_bool(failure->possibly_sent)),
            &rows, err);
    if (status == 0)
        status = claim_check(rows, item, err);
    if (status < 0)
        return status;
    snprintf(reason, sizeof reason, "delivery of %s to %s failed: %s", item->object.kind,
             item->destination, failure->reason);
    if (current)
        status = db_query(db, "UPDATE study SET state = 'failed', reason = $2 WHERE id = $1",
                          DB_VALUES(db_int(study), db_text(reason)), NULL, err);
    return status < 0 ? status : db_event(db, study, item->job, "delivery failed", reason, err);
}

int outbox_failed(struct db *db, const struct outbox_item *item,
                  const struct outbox_failure *failure, struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, failed(db, item, failure, err), err);
}

int outbox_released(struct db *db, const struct outbox_item *item, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "UPDATE outbox SET state = 'pending', lease_until = NULL, attempts = attempts - 1"
        " WHERE id = $1 AND attempts = $2 AND state = 'sending'",
        DB_VALUES(db_int(item->id), db_int(item->attempt)), &rows, err);
    return status < 0 ? status : claim_check(rows, item, err);
}

/* ---- again, by a person -------------------------------------------------------------------- */

/* Of which generation: the newest that was made, or whichever has the object that is named. */
#define CHOSEN \
    "(g.sop_uid = $1 OR ((s.study_uid = $2 OR ($3::timestamptz IS NOT NULL" \
    "  AND greatest(g.created_at, (SELECT max(delivered_at) FROM outbox d" \
    "   WHERE d.outgoing = g.id)) >= $3)) AND j.generation = (SELECT max(n.generation)" \
    "  FROM job n WHERE n.study = s.id AND n.state = 'done')))"
#define FROM_CHOSEN " FROM outgoing g JOIN job j ON j.id = g.job JOIN study s ON s.id = j.study"

static int choice_query(struct db *db, const char *sql, const struct outbox_choice *c,
                        struct pg_result **ret_rows, struct error *err)
{
    return db_query(db, sql,
        DB_VALUES(c->sop_instance_uid ? db_text(c->sop_instance_uid) : db_null(),
                  c->study_instance_uid ? db_text(c->study_instance_uid) : db_null(),
                  c->since ? db_text(c->since) : db_null(),
                  c->destination ? db_text(c->destination) : db_null(),
                  c->kinds ? db_text(c->kinds) : db_null()),
        ret_rows, err);
}

static int resend(struct db *db, const struct outbox_choice *choice, int *ret_count,
                  struct error *err)
{
    DB_ROWS_AUTO struct pg_result *studies = NULL;
    DB_ROWS_AUTO struct pg_result *again = NULL;
    DB_ROWS_AUTO struct pg_result *more = NULL;
    int status = choice_query(db,
        "SELECT s.id FROM study s WHERE s.id IN (SELECT s.id" FROM_CHOSEN " WHERE " CHOSEN
        " AND $4::text IS NOT DISTINCT FROM $4 AND $5::text IS NOT DISTINCT FROM $5)"
        " ORDER BY s.id FOR UPDATE", choice, &studies, err);
    if (status < 0)
        return status;
    if (db_row_count(studies) == 0)
        return error_set(err, STATUS_NOT_FOUND, "nothing was made that this names");
    status = choice_query(db,
        "UPDATE outbox b SET " OUTBOX_AGAIN FROM_CHOSEN " WHERE b.outgoing = g.id AND " CHOSEN
        " AND b.state IN ('pending', 'delivered', 'failed') AND g.removing_at IS NULL"
        " AND ($4::text IS NULL OR b.destination = $4)"
        " AND $5::text IS NOT DISTINCT FROM $5 RETURNING j.id", choice, &again, err);
    if (status == 0 && choice->destination)
        status = choice_query(db,
            "INSERT INTO outbox (outgoing, destination) SELECT g.id, $4::text" FROM_CHOSEN
            " WHERE " CHOSEN " AND j.state = 'done' AND g.removing_at IS NULL"
            " AND ($5::text IS NULL OR g.kind = ANY (string_to_array($5, ',')))"
            " ON CONFLICT (outgoing, destination) DO NOTHING", choice, &more, err);
    if (status < 0)
        return status;
    *ret_count = (int)(db_changed(again) + (more ? db_changed(more) : 0));
    if (*ret_count == 0) {
        error_set(err, STATUS_CONFLICT, "nothing of it can be sent: it is being sent, was replaced "
                  "before it was sent, went nowhere, or its files were removed");
        error_hint(err, "'axnode show' tells; 'axnode retry' makes removed files again");
        return STATUS_CONFLICT;
    }
    /* While another delivery of the study has failed, the study stays failed, and says why. */
    return choice_query(db,
        "WITH changed AS (UPDATE study s SET state = 'delivering', reason = '' FROM job j"
        "  WHERE j.study = s.id AND j.generation = s.generation AND NOT s.held"
        "  AND s.state IN ('done', 'failed', 'delivering') AND EXISTS (SELECT 1 FROM outgoing g"
        "   JOIN outbox b ON b.outgoing = g.id WHERE g.job = j.id AND b.state = 'pending'"
        "   AND " CHOSEN " AND $4::text IS NOT DISTINCT FROM $4"
        "   AND $5::text IS NOT DISTINCT FROM $5) AND NOT EXISTS (SELECT 1 FROM outgoing g"
        "   JOIN outbox b ON b.outgoing = g.id WHERE g.job = j.id AND b.state = 'failed')"
        "  RETURNING s.id)"
        " INSERT INTO event (study, kind, text) SELECT id, 'resend', 'asked for by a person'"
        " FROM changed", choice, NULL, err);
}

int outbox_resend(struct db *db, const struct outbox_choice *choice, int *ret_count,
                  struct error *err)
{
    int count = 0;
    int status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, resend(db, choice, &count, err), err);
    if (status == 0)
        *ret_count = count;
    return status;
}
