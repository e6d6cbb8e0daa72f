/* Role sender: what the outbox holds goes to its destinations. A batch is one claim and one
 * association; each object's answer is written down before the next is sent. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "db/outbox.h"
#include "dicom/sender.h"
#include "dicom/setup.h"
#include "service/database.h"
#include "service/role.h"
#include "service/watch.h"
#include "store/store.h"

enum { POLL_US = 300000, STEP_US = 120000000 };

struct sender {
    const struct role *role;
    struct watch *watch;
    struct database database;
    struct store *store;
    /* One batch; association_objects of each. */
    struct outbox_item *items;
    struct dicom_context *contexts;
    char (*paths)[STORE_PATH_SIZE];
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

/* Doubles with each attempt, ± 20 % so that what failed together does not come back together. */
static int64_t delay_us(const struct settings *settings, int attempt)
{
    int64_t delay = settings->sender.backoff_first_us;
    uint16_t noise = 0;
    for (int i = 1; i < attempt && delay < settings->sender.backoff_max_us; i++)
        delay *= 2;
    if (delay > settings->sender.backoff_max_us)
        delay = settings->sender.backoff_max_us;
    if (getrandom(&noise, sizeof noise, GRND_NONBLOCK) != sizeof noise)
        noise = UINT16_MAX / 2;
    return delay - delay / 5 + delay / 5 * 2 / UINT16_MAX * noise;
}

/* Write down what became of one item. `permanent`: no further attempt can help. */
static int not_delivered(struct sender *x, const struct outbox_item *item, bool permanent,
                         const struct outbox_failure *failure, struct error *err)
{
    const struct settings *settings = x->role->settings;
    bool last = permanent || item->attempt >= settings->sender.attempts_max;
    int64_t delay = delay_us(settings, item->attempt);
    log_event(last ? LOG_ERROR : LOG_WARNING, last ? "object not delivered" : "delivery deferred",
              "outbox=%" PRId64 " job=%" PRId64 " kind=%s destination=%s attempt=%d "
              "retry_in_s=%lld reason=%s",
              item->id, item->job, item->object.kind, item->destination, item->attempt,
              last ? -1 : (long long)(delay / 1000000), LOG_QUOTE(failure->reason));
    int status = last ? outbox_failed(x->database.db, item, failure, err)
                      : outbox_deferred(x->database.db, item, failure, delay, err);
    return status == STATUS_CONFLICT ? 0 : status; /* another holds it now: it is theirs */
}

static int delivered(struct sender *x, const struct outbox_item *item,
                     const struct dicom_store_reply *reply, struct error *err)
{
    log_event(LOG_INFO, "object delivered",
              "outbox=%" PRId64 " job=%" PRId64 " kind=%s destination=%s attempt=%d reply=%s",
              item->id, item->job, item->object.kind, item->destination, item->attempt,
              LOG_QUOTE(reply->text));
    const struct outbox_receipt receipt = {.status_word = reply->status,
                                           .warning = reply->status ? reply->text : ""};
    return outbox_delivered(x->database.db, item, &receipt, err);
}

/* Find the item's file and see that it is what was made. */
static int file_check(struct sender *x, const struct outbox_item *item, char *path,
                      struct error *err)
{
    char sha256[DIGEST_TEXT_SIZE];
    int status = store_outgoing_find(x->store, item->object.key, path, err);
    if (status == 0)
        status = digest_file(path, sha256, NULL, err);
    if (status == 0 && strcmp(sha256, item->object.sha256) != 0)
        status = error_set(err, STATUS_INVALID, "outgoing file has changed since it was made");
    return status;
}

/* Leave in `items` those whose file is good; the others are written down. */
static int files_check(struct sender *x, size_t *count, struct error *err)
{
    size_t good = 0;
    for (size_t i = 0; i < *count; i++) {
        struct outbox_item item = x->items[i];
        struct error reason = {0};
        int status = file_check(x, &item, x->paths[good], &reason);
        if (status < 0) {
            struct outbox_failure failure = {.reason = reason.message, .status_word = -1};
            bool permanent = status == STATUS_INVALID || status == STATUS_NOT_FOUND;
            if (not_delivered(x, &item, permanent, &failure, err) < 0)
                return err->status;
            continue;
        }
        struct dicom_context *context = &x->contexts[good];
        memcpy(context->sop_class_uid, item.object.sop_class_uid, UID_SIZE);
        memcpy(context->transfer_syntax_uid, item.object.transfer_syntax_uid, UID_SIZE);
        x->items[good++] = item;
    }
    *count = good;
    return 0;
}

/* Give back items that were not tried. */
static int release_from(struct sender *x, size_t first, size_t count, struct error *err)
{
    int status = 0;
    for (size_t i = first; i < count && status == 0; i++) {
        status = outbox_released(x->database.db, &x->items[i], err);
        if (status == STATUS_CONFLICT)
            status = 0;
    }
    return status;
}

/* Send one item. *ret_broken: the association cannot be used any more. */
static int send_one(struct sender *x, struct dicom_sender *association, size_t i,
                    bool *ret_broken, struct error *err)
{
    const struct outbox_item *item = &x->items[i];
    struct dicom_store_reply reply;
    struct error reason = {0};
    int status = dicom_sender_store(association, x->paths[i], &reply, &reason);
    if (status == 0 && reply.delivery == DICOM_DELIVERED)
        return delivered(x, item, &reply, err);
    *ret_broken = status == STATUS_UNAVAILABLE;
    struct outbox_failure failure = {.reason = status == 0 ? reply.text : reason.message,
                                     .status_word = status == 0 ? reply.status : -1,
                                     .possibly_sent = status == STATUS_UNAVAILABLE};
    bool permanent = status == 0 ? reply.delivery == DICOM_REFUSED
                                 : status == STATUS_UNSUPPORTED || status == STATUS_INVALID ||
                                       status == STATUS_NOT_FOUND;
    return not_delivered(x, item, permanent, &failure, err);
}

static int send_all(struct sender *x, struct dicom_sender *association, size_t count,
                    int64_t until_us, struct error *err)
{
    bool broken = false;
    int status = 0;
    size_t i = 0;
    while (i < count && status == 0 && !broken && now_us() < until_us &&
           !role_stopping(x->role)) {
        watch_allow(x->watch, x->role->settings->sender.timeout_us * 2 + STEP_US);
        status = send_one(x, association, i++, &broken, err);
    }
    return status < 0 ? status : release_from(x, i, count, err);
}

/* No association: every item waits for its next attempt. */
static int defer_all(struct sender *x, size_t count, const struct error *reason,
                     struct error *err)
{
    struct outbox_failure failure = {.reason = reason->message, .status_word = -1};
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = not_delivered(x, &x->items[i], false, &failure, err);
    return status;
}

static int deliver(struct sender *x, const struct settings_destination *destination, size_t count,
                   int64_t until_us, struct error *err)
{
    const struct settings *settings = x->role->settings;
    int timeout_s = (int)((settings->sender.timeout_us + 999999) / 1000000);
    struct dicom_peer peer = {.ae_title = destination->ae_title,
                              .host = destination->address,
                              .port = destination->port,
                              .our_ae = settings->receiver.ae_title,
                              .connect_timeout_s = timeout_s,
                              .handshake_timeout_s = timeout_s,
                              .dimse_timeout_s = timeout_s,
                              .pdu_bytes_max = (uint32_t)settings->receiver.max_pdu_bytes};
    struct dicom_sender *association;
    struct error reason = {0};
    int status = files_check(x, &count, err);
    if (status < 0 || count == 0)
        return status;
    watch_allow(x->watch, settings->sender.timeout_us * 3 + STEP_US);
    if (dicom_sender_open(&peer, x->contexts, count, &association, &reason) < 0)
        return defer_all(x, count, &reason, err);
    status = send_all(x, association, count, until_us, err);
    watch_allow(x->watch, settings->sender.timeout_us + STEP_US);
    dicom_sender_close(association);
    return status;
}

/* One round over all destinations. *ret_count: how many items were claimed. */
static int round_of_all(struct sender *x, size_t *ret_count, struct error *err)
{
    const struct settings *settings = x->role->settings;
    /* Long enough for connecting and a few slow answers; a batch that takes longer is cut. */
    int64_t lease_us = settings->sender.timeout_us * 8;
    *ret_count = 0;
    for (size_t i = 0; i < settings->destination_count && !role_stopping(x->role); i++) {
        const struct settings_destination *destination = &settings->destinations[i];
        size_t count;
        int64_t until_us = now_us() + lease_us / 2;
        watch_allow(x->watch, STEP_US);
        int status = outbox_claim(x->database.db, destination->name, lease_us, x->items,
                                  (size_t)settings->sender.association_objects, &count, err);
        if (status == 0 && count > 0)
            status = deliver(x, destination, count, until_us, err);
        if (status < 0)
            return status;
        *ret_count += count;
    }
    return 0;
}

static void work(struct sender *x)
{
    while (database_need(&x->database)) {
        struct error err = {0};
        size_t count;
        if (round_of_all(x, &count, &err) < 0) {
            if (!database_failed(&x->database, "sending interrupted", &err))
                return;
            continue;
        }
        database_worked(&x->database);
        if (count == 0 && watch_wait(x->watch, POLL_US))
            return;
    }
}

static int sender_open(struct sender *x, struct error *err)
{
    size_t most = (size_t)x->role->settings->sender.association_objects;
    x->items = calloc(most, sizeof *x->items);
    x->contexts = calloc(most, sizeof *x->contexts);
    x->paths = calloc(most, sizeof *x->paths);
    if (!x->items || !x->contexts || !x->paths)
        return error_set(err, STATUS_NOMEM, "out of memory");
    int status = dicom_setup(err);
    if (status == 0)
        status = store_open(x->role->settings->store, NULL, &x->store, err);
    return status;
}

int axnode_role_main(const struct role *role)
{
    struct sender x = {.role = role};
    struct error err = {0};
    role_enter(role);
    int status = watch_start(role, NULL, NULL, &x.watch, &err);
    if (status == 0) {
        database_init(&x.database, role, x.watch);
        status = sender_open(&x, &err);
    }
    if (status == 0)
        work(&x);
    else
        log_error(LOG_ERROR, "sender not started", &err, NULL);
    watch_stop(x.watch);
    database_release(&x.database);
    store_close(x.store);
    free(x.items);
    free(x.contexts);
    free(x.paths);
    return status < 0;
}
