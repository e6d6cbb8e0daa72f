/* The outlines and measured axes over the original images, as presentation states. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "dicom/pr.h"
#include "report/job.h"
#include "report/outline.h"
#include "report/words.h"

enum { LINES_MAX = 5 };

/* A pixel's centre is a whole number in masks, a half in DICOM. */
static int add_axis(const struct axis *axis, struct arena *arena, struct pr_line *line,
                    struct error *err)
{
    float *points = arena_array(arena, 4, sizeof *points);
    if (!points)
        return error_set(err, STATUS_NOMEM, "cannot draw an axis: out of memory");
    points[0] = (float)(axis->x0 + 0.5);
    points[1] = (float)(axis->y0 + 0.5);
    points[2] = (float)(axis->x1 + 0.5);
    points[3] = (float)(axis->y1 + 0.5);
    *line = (struct pr_line){points, 2};
    return 0;
}

static int add_mask(const struct mask *mask, struct arena *arena, struct pr_line *line,
                    struct error *err)
{
    struct outline outline;
    const int r = outline_make(mask, arena, &outline, err);
    if (r == 0)
        *line = (struct pr_line){outline.points, outline.count};
    return r;
}

/* "Tumour 19.2 x 12.8 mm" */
static const char *caption(const struct region_finding *region, enum roi roi, struct arena *arena)
{
    const struct measurements *m = &region->measurements;
    const bool calibrated = region->calibration.source != CALIBRATION_NONE;
    char along[WORDS_NUMBER_SIZE], across[WORDS_NUMBER_SIZE];
    words_number(calibrated ? m->long_axis.length_mm : m->long_axis.length_px, 1, along);
    words_number(calibrated ? m->short_axis.length_mm : m->short_axis.length_px, 1, across);
    return arena_print(arena, "%s%s %s x %s %s", words_region_title(roi),
                       region->unsure ? " (outline unsure)" : "", along, across,
                       calibrated ? "mm" : "px");
}

/* Outline, both axes, the hilum and the cortex' thickness, where there are any. */
static int annotate(struct job *job, enum roi roi, struct pr_annotation *ret_annotation,
                    struct error *err)
{
    const struct region_finding *region = words_region(job->input, roi);
    const struct measurements *m = &region->measurements;
    const bool tumour = roi == ROI_TUMOUR;
    const struct axis *axes[] = {&m->long_axis, &m->short_axis, &m->cortex};
    struct pr_line *lines = arena_array(&job->arena, LINES_MAX, sizeof *lines);
    size_t count = 0;
    if (!lines)
        return error_set(err, STATUS_NOMEM, "cannot draw outlines: out of memory");
    int r = add_mask(&region->mask, &job->arena, &lines[count++], err);
    if (r == 0 && region->hilum.pixels && mask_count(&region->hilum) > 0)
        r = add_mask(&region->hilum, &job->arena, &lines[count++], err);
    for (size_t i = 0; r == 0 && i < sizeof axes / sizeof *axes; i++)
        if (axes[i]->length_px > 0)
            r = add_axis(axes[i], &job->arena, &lines[count++], err);
    *ret_annotation = (struct pr_annotation){
        .layer = tumour ? "TUMOUR" : "LYMPH NODE",
        .colour = {tumour ? 0xFF : 0x35, tumour ? 0xA6 : 0xC4, tumour ? 0x2B : 0xF0},
        .frame = job->identities[roi].image.frame,
        .lines = lines,
        .line_count = count,
        .text = caption(region, roi, &job->arena),
        .text_x = (float)(fmax(m->long_axis.x0, m->long_axis.x1) + 0.5),
        .text_y = (float)((m->long_axis.x0 > m->long_axis.x1 ? m->long_axis.y0
                                                             : m->long_axis.y1) + 0.5),
    };
    if (r == 0 && !ret_annotation->text)
        r = error_set(err, STATUS_NOMEM, "cannot draw outlines: out of memory");
    return r;
}

static int write_one(struct job *job, const struct report_image *image,
                     const struct pr_annotation *annotations, size_t count, bool second,
                     struct error *err)
{
    struct target t;
    const struct dicom_instance *header = image->header;
    const struct dicom_reference reference = {
        .sop_class_uid = header->sop_class_uid,
        .sop_instance_uid = header->sop_instance_uid,
        .series_instance_uid = header->series_instance_uid,
    };
    int r = job_target(job, REPORT_PR, second ? "pr-2" : "pr", pr_sop_class_uid(header->photometric),
                       &t, err);
    if (r < 0)
        return r;
    struct pr_document document = {
        .object = job_describe(job, &t, SERIES_PR + second, "axnode outlines"),
        .image = reference,
        .rows = header->rows,
        .columns = header->columns,
        .photometric = header->photometric,
        .label = "OUTLINES",
        .description = "Outlines and axes, computed automatically",
        .annotations = annotations,
        .annotation_count = count,
    };
    document.object.source_path = image->path;
    r = pr_write(&document, t.path, err);
    return r < 0 ? r : job_done(job, &t, err);
}

int job_write_presentations(struct job *job, struct error *err)
{
    const struct report_input *in = job->input;
    struct pr_annotation annotations[ROI_COUNT];
    const struct report_image *images[ROI_COUNT] = {NULL};
    size_t count = 0;
    int r = 0;
    for (int roi = 0; roi < ROI_COUNT && r == 0; roi++) {
        if (!words_region(in, roi))
            continue;
        images[count] = &in->images[words_region(in, roi)->image];
        r = annotate(job, (enum roi)roi, &annotations[count++], err);
    }
    if (r < 0 || count == 0)
        return r;
    if (count == 1 || strcmp(images[0]->header->sop_instance_uid,
                             images[1]->header->sop_instance_uid) == 0)
        return write_one(job, images[0], annotations, count, false, err);
    r = write_one(job, images[0], annotations, 1, false, err);
    return r < 0 ? r : write_one(job, images[1], annotations + 1, 1, true, err);
}
