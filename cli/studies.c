#include "cli/studies.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/store.h"

/* `count` digits as a number; -1 when they are not digits. */
static int digits(const char *text, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        if (!isdigit((unsigned char)text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

/* DA "YYYYMMDD" and TM "HHMMSS…" as UTC: the clock of the modality is not known better. */
static int64_t date_parse(const char *date, const char *time_of_day)
{
    struct tm tm = {0};
    if (strlen(date) != 8 || digits(date, 8) < 0)
        return 0;
    tm.tm_year = digits(date, 4) - 1900;
    tm.tm_mon = digits(date + 4, 2) - 1;
    tm.tm_mday = digits(date + 6, 2);
    if (tm.tm_year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31)
        return 0;
    if (strlen(time_of_day) >= 6 && digits(time_of_day, 6) >= 0) {
        tm.tm_hour = digits(time_of_day, 2) % 24;
        tm.tm_min = digits(time_of_day + 2, 2) % 60;
        tm.tm_sec = digits(time_of_day + 4, 2) % 60;
    }
    return (int64_t)timegm(&tm) * 1000000;
}

static int order(const void *a, const void *b)
{
    const struct study_file *x = a, *y = b;
    int by_study = strcmp(x->study_uid, y->study_uid);
    return by_study ? by_study : strcmp(x->sop_uid, y->sop_uid);
}

static int pass_over(struct studies *studies, struct arena *arena, const char *path,
                     const char *reason, bool unreadable, struct error *err)
{
    size_t n = strlen(path); /* which the list names anyway */
    if (strncmp(reason, path, n) == 0 && strncmp(reason + n, ": ", 2) == 0)
        reason += n + 2;
    const char *copy = arena_text(arena, reason);
    if (!copy)
        return error_set(err, STATUS_NOMEM, "out of memory");
    studies->passed_over[studies->passed_over_count++] =
        (struct passed_over){path, copy, unreadable};
    return 0;
}

static int read_one(struct studies *studies, const char *path, const struct dicom_limits *limits,
                    struct dicom_instance *header, struct arena *arena, struct error *err)
{
    struct study_file *file = &studies->files[studies->file_count];
    struct error reason = {0};
    int status = dicom_instance_read(path, limits, header, &reason);
    if (status == 0)
        status = store_dataset_digest(path, file->dataset_digest, &reason);
    if (status < 0)
        return pass_over(studies, arena, path, reason.message, true, err);
    if (header->own)
        return pass_over(studies, arena, path, "made by axnode itself", false, err);
    file->path = path;
    memcpy(file->study_uid, header->study_instance_uid, UID_SIZE);
    memcpy(file->sop_uid, header->sop_instance_uid, UID_SIZE);
    file->study_us = date_parse(header->study_date, header->study_time);
    studies->file_count++;
    return 0;
}

/* Of files with one SOP Instance UID the first in order of their bytes' digest stays, whatever
 * they are called. */
static int drop_repeats(struct studies *studies, struct arena *arena, struct error *err)
{
    size_t kept = 0;
    int status = 0;
    for (size_t i = 0; i < studies->file_count && status == 0; i++) {
        struct study_file *file = &studies->files[i];
        struct study_file *last = kept ? &studies->files[kept - 1] : NULL;
        if (!last || order(last, file) != 0) {
            studies->files[kept++] = *file;
            continue;
        }
        int same = strcmp(file->dataset_digest, last->dataset_digest);
        struct study_file dropped = same < 0 ? *last : *file;
        if (same < 0)
            *last = *file;
        status = pass_over(studies, arena, dropped.path,
                           same == 0 ? "the same object again"
                                     : "other bytes under a SOP Instance UID that another file has",
                           false, err);
    }
    studies->file_count = kept;
    return status;
}

int studies_read(const struct file_list *list, const struct dicom_limits *limits,
                 struct arena *arena, struct studies *ret_studies, struct error *err)
{
    struct studies studies = {0};
    struct dicom_instance *header = arena_alloc(arena, sizeof *header);
    studies.files = arena_array(arena, list->count + 1, sizeof *studies.files);
    studies.passed_over = arena_array(arena, list->count + 1, sizeof *studies.passed_over);
    if (!header || !studies.files || !studies.passed_over)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = 0;
    for (size_t i = 0; i < list->count && status == 0; i++)
        status = read_one(&studies, list->paths[i], limits, header, arena, err);
    qsort(studies.files, studies.file_count, sizeof *studies.files, order);
    if (status == 0)
        status = drop_repeats(&studies, arena, err);
    if (status == 0)
        *ret_studies = studies;
    return status;
}

size_t studies_span(const struct studies *studies, size_t first)
{
    size_t count = 1;
    while (first + count < studies->file_count &&
           strcmp(studies->files[first + count].study_uid, studies->files[first].study_uid) == 0)
        count++;
    return count;
}

int64_t studies_date(const struct studies *studies, size_t first, size_t count)
{
    int64_t newest = 0;
    for (size_t i = first; i < first + count; i++)
        if (studies->files[i].study_us > newest)
            newest = studies->files[i].study_us;
    return newest;
}
