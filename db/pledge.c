#include "db/pledge.h"

#include "base/buffer.h"
#include "db/query.h"

/* "{a,b}" of keys or UIDs, which have no character that would need quotes. `step`: bytes from one
 * pointer to the next. */
static int list_make(const char *const *first, size_t step, size_t count, struct buffer *out,
                     struct error *err)
{
    int status = buffer_add(out, "{", 1, err);
    for (size_t i = 0; i < count && status == 0; i++) {
        const char *const *at = (const void *)((const char *)first + i * step);
        status = buffer_print(out, err, "%s%s", i ? "," : "", *at);
    }
    return status < 0 ? status : buffer_add(out, "}", 1, err);
}

int pledge_due(struct db *db, const char *const *keys, size_t count, bool *ret_due,
               struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    BUFFER_AUTO struct buffer list;
    buffer_init(&list);
    int status = list_make(keys, sizeof *keys, count, &list, err);
    if (status == 0)
        status = db_query(db,
            "SELECT NOT EXISTS (SELECT 1 FROM pledge p WHERE p.key = k.key AND p.state = 'waiting'"
            "  AND p.due_at > clock_timestamp())"
            " FROM unnest($1::text[]) WITH ORDINALITY k (key, n) ORDER BY k.n",
            DB_VALUES(db_text(buffer_text(&list))), &rows, err);
    for (size_t i = 0; status == 0 && i < count; i++)
        ret_due[i] = db_get_bool(rows, (int)i, 0);
    return status;
}

int pledge_begin(struct db *db, const char *key, const char *peer, struct pledge *ret_pledge,
                 struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "INSERT INTO pledge AS p (key, peer) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET"
        " peer = EXCLUDED.peer, state = 'waiting',"
        " since = CASE WHEN p.state = 'waiting' THEN p.since ELSE clock_timestamp() END,"
        " attempts = CASE WHEN p.state = 'waiting' THEN p.attempts ELSE 0 END"
        " RETURNING attempts, " DB_US("clock_timestamp() - since"),
        DB_VALUES(db_text(key), db_text(peer)), &rows, err);
    if (status == 0)
        *ret_pledge = (struct pledge){(int)db_get_int(rows, 0, 0), db_get_int(rows, 0, 1)};
    return status;
}

/* Retention looks at a study while it holds its row: once we hold it, what is marked is marked, and
 * what is not will not be before that time. */
static int keep(struct db *db, const char *classes, const char *uids, int64_t keep_us,
                struct pg_result **ret_rows, struct error *err)
{
    int status = db_query(db,
        "WITH held AS (SELECT id FROM study WHERE id IN (SELECT study FROM instance"
        "   WHERE sop_uid = ANY ($1::text[]) AND removing_at IS NULL) ORDER BY id FOR UPDATE)"
        " UPDATE study s SET kept_until = greatest(s.kept_until,"
        "  clock_timestamp() + $2 * interval '1 microsecond') FROM held WHERE s.id = held.id",
        DB_VALUES(db_text(uids), db_int(keep_us)), NULL, err);
    return status < 0 ? status : db_query(db,
        "SELECT (SELECT i.key FROM instance i WHERE i.sop_uid = k.uid AND i.sop_class = k.class"
        "  AND i.removing_at IS NULL ORDER BY i.role = 'variant', i.id LIMIT 1),"
        " EXISTS (SELECT 1 FROM instance i WHERE i.sop_uid = k.uid AND i.removing_at IS NULL)"
        " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY k (uid, class, n) ORDER BY k.n",
        DB_VALUES(db_text(uids), db_text(classes)), ret_rows, err);
}

int pledge_keep(struct db *db, struct pledge_object *objects, size_t count, int64_t keep_us,
                struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    BUFFER_AUTO struct buffer classes;
    BUFFER_AUTO struct buffer uids;
    buffer_init(&classes);
    buffer_init(&uids);
    int status = list_make(&objects->sop_class_uid, sizeof *objects, count, &classes, err);
    if (status == 0)
        status = list_make(&objects->sop_instance_uid, sizeof *objects, count, &uids, err);
    if (status == 0)
        status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, keep(db, buffer_text(&classes), buffer_text(&uids), keep_us, &rows,
                                 err), err);
    for (size_t i = 0; status == 0 && i < count; i++) {
        objects[i].found = !db_is_null(rows, (int)i, 0)  ? PLEDGE_INDEXED
                           : db_get_bool(rows, (int)i, 1) ? PLEDGE_OTHER_CLASS
                                                          : PLEDGE_UNKNOWN;
        db_get_text(rows, (int)i, 0, objects[i].key, sizeof objects[i].key);
    }
    return status;
}

/* Whoever indexes holds the study's row: once we hold it, what is counted is all there is. */
static int whole(struct db *db, const char *uids, int *ret_studies, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db,
        "SELECT 1 FROM study WHERE state = 'receiving' AND id IN (SELECT study FROM instance"
        " WHERE sop_uid = ANY ($1::text[])) ORDER BY id FOR UPDATE",
        DB_VALUES(db_text(uids)), NULL, err);
    if (status == 0)
        status = db_query(db,
            "UPDATE study s SET whole_at = clock_timestamp() WHERE s.state = 'receiving'"
            " AND s.id IN (SELECT study FROM instance WHERE sop_uid = ANY ($1::text[]))"
            " AND NOT EXISTS (SELECT 1 FROM instance i WHERE i.study = s.id AND i.role <> 'own'"
            "  AND i.sop_uid <> ALL ($1::text[])) RETURNING s.id",
            DB_VALUES(db_text(uids)), &rows, err);
    *ret_studies = status == 0 ? db_row_count(rows) : 0;
    for (int i = 0; i < *ret_studies && status == 0; i++)
        status = db_event(db, db_get_int(rows, i, 0), 0, "whole",
                          "a request for storage commitment listed all that was received", err);
    return status;
}

int pledge_whole(struct db *db, const struct pledge_object *objects, size_t count, int *ret_studies,
                 struct error *err)
{
    BUFFER_AUTO struct buffer uids;
    buffer_init(&uids);
    int status = list_make(&objects->sop_instance_uid, sizeof *objects, count, &uids, err);
    if (status == 0)
        status = db_begin(db, err);
    if (status == 0)
        status = db_end(db, whole(db, buffer_text(&uids), ret_studies, err), err);
    return status;
}

int pledge_deferred(struct db *db, const char *key, int64_t delay_us, const char *reason,
                    struct error *err)
{
    return db_query(db,
        "UPDATE pledge SET due_at = clock_timestamp() + $2 * interval '1 microsecond',"
        " attempts = attempts + $3::boolean::integer,"
        " reason = CASE WHEN $3::boolean THEN $4 ELSE reason END"
        " WHERE key = $1", DB_VALUES(db_text(key), db_int(delay_us), db_bool(reason != NULL),
                                     db_text(reason)), NULL, err);
}

int pledge_answered(struct db *db, const char *key, int committed, int refused, struct error *err)
{
    return db_query(db,
        "UPDATE pledge SET state = 'answered', committed = $2, refused = $3, reason = ''"
        " WHERE key = $1", DB_VALUES(db_text(key), db_int(committed), db_int(refused)), NULL, err);
}

int pledge_failed(struct db *db, const char *key, const char *reason, struct error *err)
{
    return db_query(db, "UPDATE pledge SET state = 'failed', reason = $2 WHERE key = $1",
                    DB_VALUES(db_text(key), db_text(reason)), NULL, err);
}
