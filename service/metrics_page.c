#include "service/metrics_page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/file.h"
#include "base/number.h"
#include "db/counts.h"

enum { SCAN_FILES = 64, LABEL_TEXT_SIZE = 160 };

/* Begin a family of metrics. */
static int family(struct buffer *page, const char *name, const char *type, const char *help,
                  struct error *err)
{
    return buffer_print(page, err, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static int single(struct buffer *page, const char *name, const char *type, const char *help,
                  uint64_t value, struct error *err)
{
    int status = family(page, name, type, help, err);
    return status < 0 ? status : buffer_print(page, err, "%s %" PRIu64 "\n", name, value);
}

/* A label's value: what could end the quotes or the line is replaced, what is too long is cut. */
static const char *label(const char *text, char ret_text[LABEL_TEXT_SIZE])
{
    size_t n = 0;
    for (; text[n] && n < LABEL_TEXT_SIZE - 1; n++)
        ret_text[n] = (unsigned char)text[n] < ' ' || strchr("\"\\", text[n]) ? '_' : text[n];
    ret_text[n] = '\0';
    return ret_text;
}

/* ---- the database ------------------------------------------------------------------------ */

static const struct {
    const char *what, *name, *type, *help;
} database_families[] = {
    {"studies", "axnode_studies", "gauge", "Studies by state."},
    {"waiting_s", "axnode_oldest_waiting_seconds", "gauge",
     "Time that the longest waiting study has been in a state."},
    {"jobs", "axnode_jobs", "gauge", "Jobs by state."},
    {"unreadable", "axnode_unreadable_objects", "gauge",
     "Objects that were received and cannot be read."},
    {"outbox", "axnode_outbox_objects", "gauge", "Objects to send, by destination and state."},
    {"commitment", "axnode_commitment_objects", "gauge",
     "Delivered objects that storage commitment is asked for, by destination and state."},
    {"pledges", "axnode_commitment_requests", "gauge",
     "Requests for storage commitment that peers made of us, by peer (as destination) and state."},
    {"paused", "axnode_destination_paused", "gauge", "1 while a person paused the destination."},
};
enum { DATABASE_FAMILIES = sizeof database_families / sizeof *database_families };

struct database_page {
    struct buffer *page;
    size_t next; /* family that has not begun yet */
};

/* Begin all families before `end` that have not begun: also those without a row. */
static int families_begin(struct database_page *p, size_t end, struct error *err)
{
    int status = 0;
    for (; status == 0 && p->next < end; p->next++)
        status = family(p->page, database_families[p->next].name, database_families[p->next].type,
                        database_families[p->next].help, err);
    return status;
}

static int database_count(void *context, const struct db_count *count, struct error *err)
{
    struct database_page *p = context;
    char state[LABEL_TEXT_SIZE], destination[LABEL_TEXT_SIZE];
    size_t i = 0;
    while (i < DATABASE_FAMILIES && strcmp(database_families[i].what, count->what) != 0)
        i++;
    if (i == DATABASE_FAMILIES)
        return error_set(err, STATUS_INTERNAL, "no metric for '%s'", count->what);
    const char *name = database_families[i].name;
    int status = families_begin(p, i + 1, err);
    if (status < 0)
        return status;
    if (*count->destination && !*count->state)
        return buffer_print(p->page, err, "%s{destination=\"%s\"} %" PRId64 "\n", name,
                            label(count->destination, destination), count->value);
    if (*count->destination)
        return buffer_print(p->page, err, "%s{destination=\"%s\",state=\"%s\"} %" PRId64 "\n", name,
                            label(count->destination, destination), label(count->state, state),
                            count->value);
    if (*count->state)
        return buffer_print(p->page, err, "%s{state=\"%s\"} %" PRId64 "\n", name,
                            label(count->state, state), count->value);
    return buffer_print(p->page, err, "%s %" PRId64 "\n", name, count->value);
}

static int add_database(const struct metrics_source *source, struct buffer *page,
                        struct error *err)
{
    struct buffer rows BUFFER_AUTO = {0};
    struct database_page p = {.page = &rows};
    struct error reason = {0};
    bool up = source->db && db_counts(source->db, database_count, &p, &reason) == 0 &&
              families_begin(&p, DATABASE_FAMILIES, &reason) == 0;
    int status = single(page, "axnode_database_up", "gauge", "1 while the database answers.",
                        up, err);
    return status < 0 || !up ? status : buffer_add(page, buffer_text(&rows), rows.size, err);
}

/* ---- the store --------------------------------------------------------------------------- */

static int incoming_count(struct store *store, uint64_t *ret_count, struct error *err)
{
    struct store_file files[SCAN_FILES];
    struct store_scan *scan;
    uint64_t count = 0;
    size_t n = 0;
    int status = store_scan_open(store, STORE_INCOMING, &scan, err);
    if (status < 0)
        return status;
    do {
        status = store_scan_next(scan, files, SCAN_FILES, &n, err);
        count += n;
    } while (status == 0 && n > 0);
    store_scan_close(scan);
    if (status == 0)
        *ret_count = count;
    return status;
}

static int add_store(const struct metrics_source *source, struct buffer *page, struct error *err)
{
    const struct settings *settings = source->settings;
    struct statvfs space;
    uint64_t incoming = 0;
    if (statvfs(settings->store, &space) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot tell the store's free space");
    int status = incoming_count(source->store, &incoming, err);
    if (status == 0)
        status = single(page, "axnode_incoming_objects", "gauge",
                        "Received objects that are not indexed yet.", incoming, err);
    if (status == 0)
        status = single(page, "axnode_store_size_bytes", "gauge",
                        "Size of the store's file system.",
                        (uint64_t)space.f_blocks * space.f_frsize, err);
    if (status == 0)
        status = single(page, "axnode_store_used_bytes", "gauge",
                        "Space in use on the store's file system.",
                        (uint64_t)(space.f_blocks - space.f_bfree) * space.f_frsize, err);
    if (status == 0)
        status = single(page, "axnode_store_free_bytes", "gauge",
                        "Space that can still be written on the store's file system.",
                        (uint64_t)space.f_bavail * space.f_frsize, err);
    if (status == 0)
        status = single(page, "axnode_store_free_min_bytes", "gauge",
                        "Free space below which objects are refused.",
                        (uint64_t)settings->limits.store_min_free_mib << 20, err);
    return status;
}

/* ---- the processes ----------------------------------------------------------------------- */

/* Rows of one family follow each other; the first carries its help. */
static const struct {
    const char *family, *labels, *help;
} counters[BOARD_COUNTERS] = {
#define RECEIVED "axnode_received_objects_total"
    [BOARD_OBJECTS_NEW] = {RECEIVED, "{outcome=\"new\"}",
                           "Objects that peers sent, by what became of them."},
    [BOARD_OBJECTS_IDENTICAL] = {RECEIVED, "{outcome=\"identical\"}", NULL},
    [BOARD_OBJECTS_VARIANT] = {RECEIVED, "{outcome=\"variant\"}", NULL},
    [BOARD_OBJECTS_REFUSED] = {RECEIVED, "{outcome=\"refused\"}", NULL},
    [BOARD_BYTES] = {"axnode_received_bytes_total", "", "Bytes of the objects that were taken."},
#define REFUSED "axnode_refused_objects_total"
    [BOARD_REFUSED_NO_SPACE] = {REFUSED, "{reason=\"no_space\"}",
                                "Objects that were refused, by reason."},
    [BOARD_REFUSED_TOO_LARGE] = {REFUSED, "{reason=\"too_large\"}", NULL},
    [BOARD_REFUSED_INVALID] = {REFUSED, "{reason=\"invalid\"}", NULL},
    [BOARD_REFUSED_MISMATCH] = {REFUSED, "{reason=\"mismatch\"}", NULL},
    [BOARD_REFUSED_FAILURE] = {REFUSED, "{reason=\"failure\"}", NULL},
    [BOARD_ASSOCIATIONS] = {"axnode_associations_total", "",
                            "Connections of peers that were served."},
    [BOARD_ASSOCIATIONS_REJECTED] = {"axnode_associations_rejected_total", "",
                                     "Associations that were rejected."},
    [BOARD_ASSOCIATIONS_FAILED] = {"axnode_associations_failed_total", "",
                                   "Associations that a silent or faulty peer ended, or a fault "
                                   "here."},
#define REJECTED "axnode_rejected_associations_total"
    [BOARD_REJECTED_CALLED_AE] = {REJECTED, "{reason=\"called_ae\"}",
                                  "Associations that were rejected, by reason."},
    [BOARD_REJECTED_CALLING_AE] = {REJECTED, "{reason=\"calling_ae\"}", NULL},
    [BOARD_REJECTED_ADDRESS] = {REJECTED, "{reason=\"address\"}", NULL},
    [BOARD_REJECTED_WITHOUT_TLS] = {REJECTED, "{reason=\"without_tls\"}", NULL},
    [BOARD_REJECTED_CERTIFICATE] = {REJECTED, "{reason=\"certificate\"}", NULL},
    [BOARD_REJECTED_CONTEXTS] = {REJECTED, "{reason=\"contexts\"}", NULL},
#define TLS_REFUSED "axnode_tls_handshakes_failed_total"
    [BOARD_TLS_NO_CERTIFICATE] = {TLS_REFUSED, "{reason=\"no_certificate\"}",
                                  "Connections to the port for TLS that became none, by reason."},
    [BOARD_TLS_EXPIRED] = {TLS_REFUSED, "{reason=\"expired\"}", NULL},
    [BOARD_TLS_UNTRUSTED] = {TLS_REFUSED, "{reason=\"untrusted\"}", NULL},
    [BOARD_TLS_OURS_REFUSED] = {TLS_REFUSED, "{reason=\"ours_refused\"}", NULL},
    [BOARD_TLS_NO_COMMON] = {TLS_REFUSED, "{reason=\"no_common\"}", NULL},
    [BOARD_TLS_NOT_TLS] = {TLS_REFUSED, "{reason=\"not_tls\"}", NULL},
    [BOARD_TLS_BROKEN] = {TLS_REFUSED, "{reason=\"broken\"}", NULL},
    [BOARD_TURNED_AWAY] = {"axnode_connections_turned_away_total", "",
                           "Connections refused because too many were open."},
#define INDEXED "axnode_indexed_objects_total"
    [BOARD_INDEXED_NEW] = {INDEXED, "{outcome=\"new\"}",
                           "Received objects that were read, by what they are."},
    [BOARD_INDEXED_IDENTICAL] = {INDEXED, "{outcome=\"identical\"}", NULL},
    [BOARD_INDEXED_VARIANT] = {INDEXED, "{outcome=\"variant\"}", NULL},
    [BOARD_INDEXED_OWN] = {INDEXED, "{outcome=\"own\"}", NULL},
    [BOARD_INDEXED_MIXED] = {INDEXED, "{outcome=\"mixed\"}", NULL},
    [BOARD_INDEXED_UNREADABLE] = {INDEXED, "{outcome=\"unreadable\"}", NULL},
#define RESULTS "axnode_results_total"
    [BOARD_RESULTS_RISK] = {RESULTS, "{outcome=\"risk\"}", "Analyses that ended, by outcome."},
    [BOARD_RESULTS_NO_RISK] = {RESULTS, "{outcome=\"no_risk\"}", NULL},
    [BOARD_RESULTS_NOT_APPLICABLE] = {RESULTS, "{outcome=\"not_applicable\"}", NULL},
    [BOARD_ATTEMPTS_FAILED] = {"axnode_attempts_failed_total", "",
                               "Attempts at an analysis that failed, tried again or not."},
};

static int add_counters(const struct board *board, struct buffer *page, struct error *err)
{
    int status = 0;
    for (int i = 0; status == 0 && i < BOARD_COUNTERS; i++) {
        if (counters[i].help)
            status = family(page, counters[i].family, "counter", counters[i].help, err);
        if (status == 0)
            status = buffer_print(page, err, "%s%s %" PRIu64 "\n", counters[i].family,
                                  counters[i].labels, atomic_load(&board->counters[i]));
    }
    return status;
}

/* 0 when the process has gone. */
static uint64_t resident_bytes(int32_t pid)
{
    char path[64];
    struct buffer text BUFFER_AUTO = {0};
    int64_t pages;
    snprintf(path, sizeof path, "/proc/%" PRId32 "/statm", pid);
    if (pid <= 0 || file_read(path, 4096, &text, NULL) < 0 || !text.data)
        return 0;
    char *second = strchr(text.data, ' ');
    if (!second)
        return 0;
    second++;
    second[strcspn(second, " ")] = '\0';
    if (number_parse_int(second, 0, INT32_MAX, &pages, NULL) < 0)
        return 0;
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t process_up(const struct board_process *process)
{
    return atomic_load(&process->pid) > 0;
}

static uint64_t process_restarts(const struct board_process *process)
{
    uint32_t starts = atomic_load(&process->starts);
    return starts ? starts - 1 : 0;
}

static uint64_t process_resident(const struct board_process *process)
{
    return resident_bytes(atomic_load(&process->pid));
}

static int add_processes(const struct board *board, struct buffer *page, struct error *err)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(const struct board_process *process);
    } families[] = {
        {"axnode_process_up", "gauge", "1 while the process runs.", process_up},
        {"axnode_process_restarts_total", "counter",
         "Times that the process was started again.", process_restarts},
        {"axnode_process_resident_bytes", "gauge", "Resident memory of the process.",
         process_resident},
    };
    int status = 0;
    for (size_t f = 0; status == 0 && f < sizeof families / sizeof *families; f++) {
        status = family(page, families[f].name, families[f].type, families[f].help, err);
        for (size_t i = 0; status == 0 && i < BOARD_PROCESSES_MAX; i++) {
            const struct board_process *process = &board->processes[i];
            char copy[BOARD_LABEL_SIZE], name[LABEL_TEXT_SIZE];
            snprintf(copy, sizeof copy, "%.*s", BOARD_LABEL_SIZE - 1, process->label);
            if (*copy)
                status = buffer_print(page, err, "%s{process=\"%s\"} %" PRIu64 "\n",
                                      families[f].name, label(copy, name),
                                      families[f].value(process));
        }
    }
    return status;
}

/* ---- certificates ------------------------------------------------------------------------ */

static int add_certificate(const struct settings *settings, struct buffer *page,
                           struct error *err)
{
    struct certificate certificate;
    if (!*settings->tls.certificate ||
        certificate_read(settings->tls.certificate, &certificate, NULL) < 0)
        return 0; /* no value where there is none to tell */
    return single(page, "axnode_tls_certificate_expiry_seconds", "gauge",
                  "When our certificate for TLS ends, in seconds since 1970.",
                  (uint64_t)(certificate.ends_us / 1000000), err);
}

int metrics_page(const struct metrics_source *source, struct buffer *ret_page,
                 struct error *err)
{
    int status = family(ret_page, "axnode_build_info", "gauge", "Always 1.", err);
    if (status == 0)
        status = buffer_print(ret_page, err, "axnode_build_info{version=\"%s\"} 1\n",
                              AXNODE_VERSION);
    if (status == 0)
        status = add_counters(source->board, ret_page, err);
    if (status == 0)
        status = add_processes(source->board, ret_page, err);
    if (status == 0)
        status = add_certificate(source->settings, ret_page, err);
    if (status == 0)
        status = add_store(source, ret_page, err);
    if (status == 0)
        status = add_database(source, ret_page, err);
    return status;
}
