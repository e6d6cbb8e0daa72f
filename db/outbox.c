#include "db/outbox.h"

#include <stdio.h>
#include <string.h>

#include "db/query.h"

int outbox_claim(struct db *db, const char *destination, int64_t lease_us,
                 struct outbox_item *ret_items, size_t max, size_t *ret_count, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    /* A claim whose lease ran out may have come as far as the peer. */
    int status = db_query(db,
        "WITH due AS (SELECT id, state FROM outbox WHERE destination = $1"
        "  AND ((state = 'pending' AND next_attempt_at <= clock_timestamp())"
        "   OR (state = 'sending' AND lease_until < clock_timestamp()))"
        "  ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED),"
        " taken AS (UPDATE outbox b SET state = 'sending', attempts = attempts + 1,"
        "  possibly_sent = possibly_sent OR due.state = 'sending',"
        "  lease_until = clock_timestamp() + $3 * interval '1 microsecond'"
        "  FROM due WHERE b.id = due.id RETURNING b.id, b.outgoing, b.attempts, b.destination)"
        " SELECT t.id, g.job, t.attempts, t.destination, g.kind, g.sop_uid, g.sop_class,"
        " g.series_uid, g.transfer_syntax, g.key, g.sha256, g.size"
        " FROM taken t JOIN outgoing g ON g.id = t.outgoing ORDER BY t.id",
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

static int delivered(struct db *db, const struct outbox_item *item, uint16_t status_word,
                     struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int64_t study;
    bool current;
    int status = study_lock(db, item, &study, &current, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE outbox SET state = 'delivered', lease_until = NULL, last_error = '',"
            " status_word = $2, delivered_at = clock_timestamp() WHERE id = $1",
            DB_VALUES(db_int(item->id), db_int(status_word)), NULL, err);
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

int outbox_delivered(struct db *db, const struct outbox_item *item, uint16_t status_word,
                     struct error *err)
{
    int status = db_begin(db, err);
    return status < 0 ? status : db_end(db, delivered(db, item, status_word, err), err);
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

int outbox_next_due(struct db *db, int64_t *ret_us, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT greatest(0, extract(epoch FROM min(coalesce(lease_until, next_attempt_at))"
        " - clock_timestamp()) * 1000000)::bigint, count(*)"
        " FROM outbox WHERE state IN ('pending', 'sending')",
        0, NULL, &rows, err);
    if (status == 0)
        *ret_us = db_get_int(rows, 0, 1) ? db_get_int(rows, 0, 0) : -1;
    return status;
}
