#include "db/counts.h"

#include "db/query.h"

static const char counts_sql[] =
    "SELECT 'studies', v.state, '', (SELECT count(*) FROM study s WHERE s.state = v.state)"
    " FROM (VALUES ('receiving'), ('queued'), ('working'), ('delivering'), ('done'), ('failed'),"
    "  ('not_applicable')) v (state)"
    " UNION ALL "
    "SELECT 'waiting_s', v.state, '', coalesce((SELECT greatest(0,"
    "   extract(epoch FROM clock_timestamp() - min(state_since)))::bigint"
    "  FROM study s WHERE s.state = v.state), 0)"
    " FROM (VALUES ('receiving'), ('queued'), ('working'), ('delivering')) v (state)"
    " UNION ALL "
    "SELECT 'jobs', v.state, '', (SELECT count(*) FROM job j WHERE j.state = v.state)"
    " FROM (VALUES ('pending'), ('working'), ('done'), ('failed'), ('superseded')) v (state)"
    " UNION ALL "
    "SELECT 'unreadable', '', '', count(*) FROM unreadable"
    " UNION ALL "
    "(SELECT 'outbox', state, destination, count(*) FROM outbox GROUP BY state, destination"
    " ORDER BY destination, state)"
    " UNION ALL "
    "(SELECT 'commitment', commitment, destination, count(*) FROM outbox"
    " WHERE commitment <> 'none' GROUP BY commitment, destination ORDER BY destination, commitment)"
    " UNION ALL "
    "(SELECT 'pledges', state, peer, count(*) FROM pledge GROUP BY state, peer"
    " ORDER BY peer, state)"
    " UNION ALL "
    "(SELECT 'paused', '', name, (paused_at IS NOT NULL)::integer FROM destination ORDER BY name)";

int db_counts(struct db *db, db_count_sink *sink, void *context, struct error *err)
{
    DB_ROWS_AUTO struct pg_result *rows = NULL;
    int status = db_query(db, counts_sql, 0, NULL, &rows, err);
    for (int i = 0; status == 0 && i < db_row_count(rows); i++) {
        struct db_count count = {.what = db_get(rows, i, 0),
                                 .state = db_get(rows, i, 1),
                                 .destination = db_get(rows, i, 2),
                                 .value = db_get_int(rows, i, 3)};
        status = sink(context, &count, err);
    }
    return status;
}
