/* The store against the database. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/doctor.h"
#include "db/retention.h"
#include "dicom/object.h"
#include "dicom/reader.h"
#include "dicom/sr_text.h"
#include "report/report.h"
#include "service/limits.h"

enum { BATCH = 64 };

/* What is done with one batch of files and what the database knows of them. */
struct pass {
    struct doctor *doctor;
    size_t files, found, repaired;
    int (*look)(struct pass *pass, const struct store_file *file, enum retention_known known,
                struct error *err);
};

static int pass_batch(struct pass *pass, enum store_area area, const struct store_file *files,
                      size_t count, struct error *err)
{
    const char *keys[BATCH] = {NULL};
    enum retention_known known[BATCH] = {RETENTION_UNKNOWN};
    for (size_t i = 0; i < count; i++)
        keys[i] = files[i].key;
    int status = retention_known(pass->doctor->db, area == STORE_OUTGOING, keys, count, known,
                                 err);
    for (size_t i = 0; i < count && status == 0; i++)
        status = pass->look(pass, &files[i], known[i], err);
    pass->files += count;
    return status;
}

static int pass_run(struct pass *pass, enum store_area area, struct error *err)
{
    struct store_scan *scan;
    size_t count = 1;
    struct store_file *files = calloc(BATCH, sizeof *files);
    if (!files)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = store_scan_open(pass->doctor->store, area, &scan, err);
    if (status == 0) {
        while (status == 0 && count > 0) {
            status = store_scan_next(scan, files, BATCH, &count, err);
            if (status == 0 && count > 0)
                status = pass_batch(pass, area, files, count, err);
        }
        store_scan_close(scan);
    }
    free(files);
    return status;
}

/* ---- received files without rows ----------------------------------------------------------- */

static int stored_look(struct pass *pass, const struct store_file *file,
                       enum retention_known known, struct error *err)
{
    if (known == RETENTION_KEPT)
        return 0;
    pass->found++;
    if (!pass->doctor->repair)
        return 0;
    int status = store_stored_to_incoming(pass->doctor->store, file->key, err);
    pass->repaired += status == 0;
    return status == STATUS_NOT_FOUND ? 0 : status; /* removed meanwhile */
}

static void check_stored(struct doctor *d)
{
    struct error err = {0};
    struct pass pass = {.doctor = d, .look = stored_look};
    if (pass_run(&pass, STORE_STORED, &err) < 0)
        doctor_error(d, "received files", &err, "");
    else if (pass.found == 0)
        doctor_find(d, "received files", VERDICT_OK, "", "%zu, each with its row", pass.files);
    else if (d->repair)
        doctor_find(d, "received files", VERDICT_WARN,
                    "start the service: it indexes them and reports their studies",
                    "%zu of %zu without a row were moved back to incoming/", pass.repaired,
                    pass.files);
    else
        doctor_find(d, "received files", VERDICT_FAIL,
                    "was the database restored from an older backup? stop the service, run "
                    "axnode doctor --repair, start it",
                    "%zu of %zu are not known to the database", pass.found, pass.files);
}

/* ---- own files without rows ------------------------------------------------------------------ */

/* A report whose row is forgotten tells when its job was made. */
static int recover_look(struct pass *pass, const struct store_file *file,
                        enum retention_known known, struct error *err)
{
    struct dicom_limits limits = limits_of_objects(pass->doctor->settings);
    struct buffer text BUFFER_AUTO = {0};
    struct dicom_instance header;
    int64_t created_us;
    if (known != RETENTION_UNKNOWN ||
        dicom_instance_read(file->path, &limits, &header, NULL) < 0 ||
        header.kind != DICOM_KIND_SR || sr_text_read(file->path, &text, NULL) < 0 ||
        dicom_object_created(file->path, &created_us, NULL) < 0)
        return 0;
    int generation = report_generation_of(buffer_text(&text));
    return generation == 0 ? 0
                           : retention_recover(pass->doctor->db, header.study_instance_uid,
                                               generation, created_us, err);
}

/* What a crash left, or another content took the place of: its study has reached its end. */
static int own_look(struct pass *pass, const struct store_file *file, enum retention_known known,
                    struct error *err)
{
    struct dicom_limits limits = limits_of_objects(pass->doctor->settings);
    struct dicom_instance header;
    const char *key = file->key;
    bool settled = false;
    if (known == RETENTION_KEPT)
        return 0;
    pass->found++;
    if (!pass->doctor->repair ||
        dicom_instance_read(file->path, &limits, &header, NULL) < 0)
        return 0;
    int status = retention_study_settled(pass->doctor->db, header.study_instance_uid, &settled,
                                         err);
    /* Its row may have come with the study's end. */
    if (status == 0 && settled)
        status = retention_known(pass->doctor->db, true, &key, 1, &known, err);
    if (status < 0 || !settled || known == RETENTION_KEPT)
        return status;
    status = store_remove(pass->doctor->store, STORE_OUTGOING, file->key, err);
    pass->repaired += status == 0;
    return status;
}

static void check_outgoing(struct doctor *d)
{
    struct error err = {0};
    struct pass recover = {.doctor = d, .look = recover_look};
    struct pass pass = {.doctor = d, .look = own_look};
    int status = d->repair ? pass_run(&recover, STORE_OUTGOING, &err) : 0;
    if (status == 0)
        status = pass_run(&pass, STORE_OUTGOING, &err);
    size_t left = pass.found - pass.repaired;
    if (status < 0)
        doctor_error(d, "own files", &err, "");
    else if (pass.found == 0)
        doctor_find(d, "own files", VERDICT_OK, "", "%zu, each with its row", pass.files);
    else if (left == 0)
        doctor_find(d, "own files", VERDICT_WARN, "", "%zu without a row were removed",
                    pass.repaired);
    else
        doctor_find(d, "own files", VERDICT_WARN,
                    d->repair ? "they belong to studies that are reported again: run this once "
                                "more when those are done"
                              : "axnode doctor --repair removes those of studies that have ended",
                    "%zu of %zu have no row%s", left, pass.files,
                    pass.repaired ? "; others were removed" : "");
}

/* ---- rows without files ---------------------------------------------------------------------- */

static int missing_look(struct doctor *d, const struct retention_file *file, size_t *found,
                        struct error *err)
{
    char path[STORE_PATH_SIZE];
    int status = file->kind == RETENTION_OUTGOING
                     ? store_outgoing_find(d->store, file->key, path, err)
                     : store_find(d->store, file->key, path, err);
    if (status != STATUS_NOT_FOUND && status != STATUS_INVALID)
        return status;
    ++*found;
    return d->repair ? retention_missing(d->db, file, err) : 0;
}

static int missing_count(struct doctor *d, bool outgoing, size_t *found, struct error *err)
{
    struct retention_file files[BATCH];
    char after[QUEUE_KEY_SIZE] = "";
    size_t count = BATCH;
    int status = 0;
    while (status == 0 && count == BATCH) {
        status = retention_promised(d->db, outgoing, after, files, BATCH, &count, err);
        for (size_t i = 0; status == 0 && i < count; i++)
            status = missing_look(d, &files[i], found, err);
        if (status == 0 && count > 0)
            memcpy(after, files[count - 1].key, sizeof after);
    }
    return status;
}

static void check_rows(struct doctor *d)
{
    struct error err = {0};
    size_t received = 0, own = 0;
    int status = missing_count(d, false, &received, &err);
    if (status == 0)
        status = missing_count(d, true, &own, &err);
    if (status < 0)
        doctor_error(d, "rows", &err, "");
    else if (received + own == 0)
        doctor_find(d, "rows", VERDICT_OK, "", "each has its file");
    else
        doctor_find(d, "rows", d->repair ? VERDICT_WARN : VERDICT_FAIL,
                    d->repair ? "send the studies again to have their files again; 'axnode show' "
                                "names them under 'missing'"
                              : "restore the store's files, or run axnode doctor --repair to "
                                "have the rows say so",
                    "%zu received and %zu own files are missing%s", received, own,
                    d->repair ? ": marked" : "");
}

/* ---- leftovers ------------------------------------------------------------------------------- */

/* Entries of a folder that nothing touched for an hour. */
static size_t old_entries(const struct doctor *d, const char *folder)
{
    char path[STORE_PATH_SIZE];
    size_t count = 0;
    time_t hour_ago = time(NULL) - 3600;
    snprintf(path, sizeof path, "%s/%s", d->settings->store, folder);
    DIR *list = opendir(path);
    if (!list)
        return 0;
    const struct dirent *entry;
    struct stat info;
    while ((entry = readdir(list)))
        count += entry->d_name[0] != '.' &&
                 fstatat(dirfd(list), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                 info.st_mtime < hour_ago;
    closedir(list);
    return count;
}

static void check_leftovers(struct doctor *d)
{
    struct error err = {0};
    if (d->repair && store_clean(d->store, &err) < 0)
        doctor_error(d, "leftovers", &err, "");
    size_t count = old_entries(d, "incoming/.tmp") + old_entries(d, "outgoing/.tmp") +
                   old_entries(d, "work");
    if (count == 0)
        doctor_find(d, "leftovers", VERDICT_OK, "", "none in work/ and .tmp/");
    else
        doctor_find(d, "leftovers", VERDICT_WARN,
                    d->repair ? "they are in use" : "axnode doctor --repair removes them",
                    "%zu in work/ and .tmp/, older than an hour", count);
}

/* ---- waiting to be indexed ------------------------------------------------------------------- */

static void check_incoming(struct doctor *d)
{
    struct error err = {0};
    struct store_scan *scan;
    struct store_file file;
    struct stat info;
    size_t count = 1, files = 0, old = 0;
    time_t then = time(NULL) - 600;
    int status = store_scan_open(d->store, STORE_INCOMING, &scan, &err);
    if (status == 0) {
        while (status == 0 && count > 0) {
            status = store_scan_next(scan, &file, 1, &count, &err);
            files += count;
            old += count && stat(file.path, &info) == 0 && info.st_mtime < then;
        }
        store_scan_close(scan);
    }
    if (status < 0)
        doctor_error(d, "incoming", &err, "");
    else if (old == 0)
        doctor_find(d, "incoming", VERDICT_OK, "", "%zu files wait to be indexed", files);
    else
        doctor_find(d, "incoming", VERDICT_WARN, "see the log lines of role=indexer",
                    "%zu files wait for longer than 10 minutes", old);
}

void doctor_store(struct doctor *d)
{
    /* Before received files go back: what our own files tell of forgotten jobs must be known
     * when their studies are complete again. */
    check_outgoing(d);
    check_rows(d);
    check_incoming(d);
    check_stored(d);
    check_leftovers(d);
}
