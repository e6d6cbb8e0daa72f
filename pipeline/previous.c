#include <stdlib.h>
#include <string.h>

#include "pipeline/run.h"

/* Takes the outlines over in any case. */
static int take(struct run *run, struct seg_outline *outlines, size_t count, struct error *err)
{
    const size_t all = run->previous_count + count;
    struct seg_outline *list = realloc(run->previous, (all + 1) * sizeof *list);
    if (!list) {
        seg_outlines_free(outlines, count);
        return error_set(err, STATUS_NOMEM, "out of memory");
    }
    memcpy(list + run->previous_count, outlines, count * sizeof *list);
    run->previous = list;
    run->previous_count = all;
    free(outlines);
    return 0;
}

int run_previous(struct run *run, struct error *err)
{
    const struct pipeline_job *job = run->job;
    for (size_t i = 0; i < job->predecessor_seg_count && i < PREVIOUS_MAX; i++) {
        struct seg_outline *outlines = NULL;
        size_t count = 0;
        int status = seg_read(job->predecessor_segs[i].path, &outlines, &count, err);
        if (status == 0)
            status = take(run, outlines, count, err);
        if (status == STATUS_NOMEM)
            return status;
        if (status == 0) {
            run->previous_digests[run->previous_digest_count++] =
                job->predecessor_segs[i].dataset_digest;
            continue;
        }
        *err = (struct error){0};
        run_note(run, "the outlines of the earlier report could not be read: its regions are not "
                      "recognised");
    }
    return 0;
}
