/* What a worker's job is to the pipeline, and what its results are to the queue. */
#ifndef AXNODE_SERVICE_ANALYSIS_H
#define AXNODE_SERVICE_ANALYSIS_H

#include "base/arena.h"
#include "db/queue.h"
#include "pipeline/pipeline.h"
#include "service/analyser.h"
#include "store/store.h"

/* What one report is made with, the leading package first. */
struct scorers {
    const struct analyser *all[PIPELINE_PACKAGES_MAX]; /* borrowed */
    size_t count;
};

/* The kinds of objects that any destination of this study asks for, as report_kind_find names them.
 */
unsigned analysis_objects_asked(const struct settings *settings, const struct queue_job *job);

/* Run the pipeline over the job's objects: a result for each scorer, into ret_results, and the
 * report's files into `folder`. `asked`: objects to be made beside the usual, which always are.
 * Errors: those of pipeline_run_several, and STATUS_NOT_FOUND where an object is not in the store.
 */
int analysis_run(struct store *store, const struct settings *settings,
                 const struct scorers *scorers, const struct queue_job *job, unsigned asked,
                 const char *folder, struct pipeline_result *ret_results, struct error *err);

/* A result as the queue takes it, objects and destinations apart. The row borrows from the result,
 * from `features` and from the arena. */
int analysis_row(const struct pipeline_result *result, struct arena *arena,
                 struct queue_features features[ROI_COUNT], struct queue_result *ret_row,
                 struct error *err);

/* The objects of a report, and what a row borrows of them. */
struct analysis_kept {
    struct queue_object objects[REPORT_OBJECTS_MAX];
    const char *destinations[SETTINGS_DESTINATIONS_MAX];
    bool wanted[SETTINGS_DESTINATIONS_MAX * REPORT_OBJECTS_MAX]; /* [destination][object] */
};

/* Make the report's files durable in the store, and name them in `row` with the destinations that
 * get them. The row borrows from `kept` and the settings. */
int analysis_keep(struct store *store, const struct settings *settings, const struct queue_job *job,
                  const char *folder, const struct pipeline_result *result,
                  struct analysis_kept *kept, struct queue_result *row, struct error *err);

#endif
