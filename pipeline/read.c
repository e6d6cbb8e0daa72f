#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/reported.h"
#include "pipeline/run.h"

void run_note(struct run *run, const char *format, ...)
{
    char text[300];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (size_t i = 0; i < run->note_count; i++)
        if (strcmp(run->notes[i], text) == 0)
            return;
    const char *kept = run->note_count < NOTES_MAX ? arena_text(&run->arena, text) : NULL;
    if (kept)
        run->notes[run->note_count++] = kept;
}

const char *without_path(const char *message, const char *path)
{
    size_t length = strlen(path);
    bool named = strncmp(message, path, length) == 0 && message[length] == ':';
    return named ? message + length + strspn(message + length, ": ") : message;
}

static int image_order(const void *a, const void *b)
{
    const struct dicom_instance *x = ((const struct study_image *)a)->header;
    const struct dicom_instance *y = ((const struct study_image *)b)->header;
    if (x->series_number != y->series_number)
        return x->series_number < y->series_number ? -1 : 1;
    if (x->instance_number != y->instance_number)
        return x->instance_number < y->instance_number ? -1 : 1;
    return strcmp(x->sop_instance_uid, y->sop_instance_uid);
}

static bool same_patient(const struct dicom_instance *a, const struct dicom_instance *b)
{
    return strcmp(a->patient_id, b->patient_id) == 0 &&
           strcmp(a->patient_id_issuer, b->patient_id_issuer) == 0;
}

int run_read(struct run *run, char *ret_reason, size_t reason_size, struct error *err)
{
    const struct pipeline_job *job = run->job;
    char first[256] = "";
    size_t other = 0, without_pixels = 0, unreadable = 0;
    const struct dicom_instance *before = NULL;
    run->images = arena_array(&run->arena, job->object_count, sizeof *run->images);
    run->reports = arena_array(&run->arena, job->object_count, sizeof *run->reports);
    if ((!run->images || !run->reports) && job->object_count)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < job->object_count; i++) {
        struct dicom_instance *header = arena_alloc(&run->arena, sizeof *header);
        if (!header)
            return error_set(err, STATUS_NOMEM, "out of memory");
        struct error why = {0};
        int status = dicom_instance_read(job->objects[i].path, &run->settings->limits, header, &why);
        if (status == STATUS_IO || status == STATUS_NOMEM || status == STATUS_NOT_FOUND) {
            *err = why;
            return status;
        }
        if (status < 0) {
            if (!unreadable++)
                snprintf(first, sizeof first, "%s", without_path(why.message, job->objects[i].path));
            continue;
        }
        if (header->own)
            continue;
        if (reported_class(header->sop_class_uid)) {
            run->reports[run->report_count++] = (struct study_report){&job->objects[i], header};
            other++;
            continue;
        }
        if (before && !same_patient(before, header))
            return error_set(err, STATUS_INVALID,
                             "the study's objects name two patients under one Study Instance UID");
        before = header;
        if (header->kind != DICOM_KIND_ULTRASOUND) {
            other++;
        } else if (header->rows == 0) {
            without_pixels++;
        } else {
            struct study_image *image = &run->images[run->image_count++];
            *image = (struct study_image){.object = &job->objects[i], .header = header};
            image_classify(&(struct image_evidence){.header = header}, &image->class);
        }
    }
    if (unreadable)
        run_note(run, "%zu object%s could not be read: %s", unreadable, unreadable == 1 ? "" : "s",
             first);
    if (without_pixels)
        run_note(run, "%zu object%s held no pixels", without_pixels, without_pixels == 1 ? "" : "s");
    if (run->image_count == 0) {
        if (unreadable)
            return error_set(err, STATUS_INVALID, "no object of the study can be read: %s",
                             first);
        snprintf(ret_reason, reason_size, "%s",
                 without_pixels ? "the ultrasound objects hold no pixels"
                 : other        ? "the study holds no ultrasound images"
                                : "the study holds no images but axnode's own");
        return 0;
    }
    qsort(run->images, run->image_count, sizeof *run->images, image_order);
    return 0;
}
