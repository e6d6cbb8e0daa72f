#include "service/delivery.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "db/commitment.h"
#include "db/destination.h"
#include "db/outbox.h"
#include "dicom/commitment.h"
#include "dicom/sender.h"
#include "service/answers.h"
#include "service/backoff.h"
#include "service/call.h"
#include "service/database.h"

enum {
    STEP_S = 120, /* beside what a peer may take */
    /* What fits into so long goes over one association where the rate is limited. */
    PACED_US = 5000000,
    /* Peers that answer at once do so on the same association. */
    ANSWER_WAIT_S = 2,
};

struct delivery {
    const struct role *role;
    struct store *store;
    const struct settings_destination *destination;
    struct dicom_tls_settings tls;
    struct db *db;
    int64_t interval_us; /* between two objects; 0: any */
    size_t most;         /* objects of one batch */
    /* One batch; association_objects of each, owned. */
    struct outbox_item *items;
    struct dicom_context *contexts;
    char (*paths)[STORE_PATH_SIZE];
    struct commitment_object *asked;
    char transaction_uid[UID_SIZE]; /* of what was asked */
};

static int64_t now_us(void)
{
    return clock_monotonic_us(clock_system());
}

static unsigned timeout_s(const struct delivery *x)
{
    return (unsigned)((x->role->settings->sender.timeout_us + 999999) / 1000000);
}

/* The next step may wait for the peer so many times. */
static void allow(const struct delivery *x, unsigned waits)
{
    alarm(STEP_S + waits * timeout_s(x));
}

/* --- Objects ------------------------------------------------------------------------------ */

/* Write down what became of one item. `permanent`: no further attempt can help. */
static int not_delivered(struct delivery *x, const struct outbox_item *item, bool permanent,
                         const struct outbox_failure *failure, struct error *err)
{
    const struct settings *settings = x->role->settings;
    bool last = permanent || item->attempt >= settings->sender.attempts_max;
    int64_t delay_us = backoff_us(settings->sender.backoff_first_us,
                                  settings->sender.backoff_max_us, item->attempt);
    log_event(last ? LOG_ERROR : LOG_WARNING, last ? "object not delivered" : "delivery deferred",
              "outbox=%" PRId64 " job=%" PRId64 " kind=%s destination=%s attempt=%d "
              "retry_in_s=%lld reason=%s",
              item->id, item->job, item->object.kind, item->destination, item->attempt,
              last ? -1 : (long long)(delay_us / 1000000), LOG_QUOTE(failure->reason));
    int status = last ? outbox_failed(x->db, item, failure, err)
                      : outbox_deferred(x->db, item, failure, delay_us, err);
    return status == STATUS_CONFLICT ? 0 : status; /* another holds it now: it is theirs */
}

static int delivered(struct delivery *x, const struct outbox_item *item,
                     const struct dicom_store_reply *reply, struct error *err)
{
    const struct outbox_receipt receipt = {
        .status_word = reply->status,
        .warning = reply->status ? reply->text : "",
        .commitment = x->destination->commitment == SETTINGS_COMMITMENT_REQUIRED};
    log_event(reply->status ? LOG_WARNING : LOG_INFO,
              reply->status ? "object delivered with a warning" : "object delivered",
              "outbox=%" PRId64 " job=%" PRId64 " kind=%s destination=%s attempt=%d reply=%s",
              item->id, item->job, item->object.kind, item->destination, item->attempt,
              LOG_QUOTE(reply->text));
    return outbox_delivered(x->db, item, &receipt, err);
}

/* Find the item's file and see that it is what was made. */
static int file_check(struct delivery *x, const struct outbox_item *item, char *path,
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
static int files_check(struct delivery *x, size_t *count, struct error *err)
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
static int release_from(struct delivery *x, size_t first, size_t count, struct error *err)
{
    int status = 0;
    for (size_t i = first; i < count && status == 0; i++) {
        status = outbox_released(x->db, &x->items[i], err);
        if (status == STATUS_CONFLICT)
            status = 0;
    }
    return status;
}

/* Send one item. *ret_broken: the association cannot be used any more. */
static int send_one(struct delivery *x, struct dicom_sender *association, size_t i,
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

/* Wait until the destination may be sent one more object. *ret_go false: it may not, it was paused
 * or the service stops. */
static int wait_turn(struct delivery *x, int64_t interval_us, bool *ret_go, struct error *err)
{
    int64_t wait_us;
    bool paused;
    int status = destination_turn(x->db, x->destination->name, interval_us, &wait_us, &paused, err);
    if (status < 0)
        return status;
    *ret_go = !paused && !role_wait(x->role, wait_us);
    return 0;
}

static int send_all(struct delivery *x, struct dicom_sender *association, size_t count,
                    int64_t until_us, bool *ret_broken, struct error *err)
{
    bool go = true;
    int status = 0;
    size_t i = 0;
    while (i < count && status == 0 && !*ret_broken && now_us() < until_us) {
        allow(x, 2);
        /* The first one's turn was waited for before the claim. */
        status = wait_turn(x, i > 0 ? x->interval_us : 0, &go, err);
        if (status < 0 || !go)
            break;
        status = send_one(x, association, i++, ret_broken, err);
    }
    return status < 0 ? status : release_from(x, i, count, err);
}

/* --- Storage commitment ------------------------------------------------------------------- */

static struct commitment_policy policy_of(const struct delivery *x)
{
    const struct settings *settings = x->role->settings;
    return (struct commitment_policy){settings->sender.commitment_timeout_us,
                                      settings->sender.commitment_tries};
}

/* Claim what the destination is to be asked for, under a UID that nobody used before. */
static int ask_claim(struct delivery *x, size_t *ret_count, struct error *err)
{
    const struct commitment_policy policy = policy_of(x);
    uint8_t chance[DIGEST_SIZE];
    int unconfirmed = 0;
    *ret_count = 0;
    if (x->destination->commitment != SETTINGS_COMMITMENT_REQUIRED) /* any more, perhaps */
        return commitment_forget(x->db, x->destination->name, err);
    if (getrandom(chance, sizeof chance, 0) != sizeof chance)
        return error_set(err, STATUS_IO, "the system has no random numbers");
    uid_derive(chance, "commitment", x->transaction_uid);
    int status = commitment_expire(x->db, x->destination->name, &policy, &unconfirmed, err);
    if (status == 0 && unconfirmed > 0)
        log_event(LOG_ERROR, "storage commitment never answered: delivered, unconfirmed",
                  "destination=%s objects=%d", x->destination->name, unconfirmed);
    return status < 0 ? status
                      : commitment_ask(x->db, x->destination->name, x->transaction_uid, &policy,
                                       x->asked, x->most, ret_count, err);
}

/* The request failed: ask again later. */
static int ask_again(struct delivery *x, size_t count, const struct error *reason,
                     struct error *err)
{
    const struct settings *settings = x->role->settings;
    int64_t delay_us = settings->sender.backoff_max_us < settings->sender.commitment_timeout_us
                           ? settings->sender.backoff_max_us
                           : settings->sender.commitment_timeout_us;
    log_error(LOG_WARNING, "storage commitment not asked for", reason,
              "destination=%s objects=%zu retry_in_s=%lld", x->destination->name, count,
              (long long)(delay_us / 1000000));
    return commitment_deferred(x->db, x->asked, count, delay_us, err);
}

/* Ask for what was claimed. The answer is kept in the store, wherever it comes in. */
static int ask(struct delivery *x, struct dicom_sender *association, size_t count,
               struct error *err)
{
    struct dicom_reference *objects = calloc(count, sizeof *objects);
    struct answers answers = {x->role->settings, x->store, ""};
    const struct dicom_commitment_sink sink = answers_sink(&answers);
    struct error reason = {0};
    bool answered = false;
    if (!objects)
        return error_set(err, STATUS_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        memcpy(objects[i].sop_class_uid, x->asked[i].sop_class_uid, UID_SIZE);
        memcpy(objects[i].sop_instance_uid, x->asked[i].sop_instance_uid, UID_SIZE);
    }
    allow(x, 2);
    int status = dicom_sender_commit(association, x->transaction_uid, objects, count, &reason);
    free(objects);
    if (status < 0)
        return ask_again(x, count, &reason, err);
    log_event(LOG_INFO, "storage commitment asked for", "destination=%s objects=%zu transaction=%s",
              x->destination->name, count, x->transaction_uid);
    if (dicom_sender_await(association, ANSWER_WAIT_S, &sink, &answered, &reason) < 0)
        log_error(LOG_WARNING, "answer to storage commitment lost", &reason, "destination=%s",
                  x->destination->name);
    return 0;
}

/* --- Batches ------------------------------------------------------------------------------ */

/* No association: everything waits for its next attempt. */
static int defer_all(struct delivery *x, size_t count, size_t asked, const struct error *reason,
                     struct error *err)
{
    char text[sizeof reason->message + sizeof reason->detail + 4];
    snprintf(text, sizeof text, "%s%s%s", reason->message, *reason->detail ? ": " : "",
             reason->detail);
    struct outbox_failure failure = {.reason = text, .status_word = -1};
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = not_delivered(x, &x->items[i], false, &failure, err);
    return status < 0 || asked == 0 ? status : ask_again(x, asked, reason, err);
}

/* Over one association: `count` items, then what is to be asked for: `asked` objects already, or
 * what was delivered meanwhile. */
static int associate(struct delivery *x, size_t count, size_t asked, int64_t until_us,
                     bool *ret_associated, struct error *err)
{
    struct dicom_peer peer =
        call_destination(x->role->settings, x->destination, &x->tls, (int)timeout_s(x));
    struct dicom_sender *association;
    struct error reason = {0};
    bool broken = false;
    peer.commitment = x->destination->commitment == SETTINGS_COMMITMENT_REQUIRED;
    allow(x, 4);
    *ret_associated = dicom_sender_open(&peer, x->contexts, count, &association, &reason) == 0;
    if (!*ret_associated)
        return defer_all(x, count, asked, &reason, err);
    int status = send_all(x, association, count, until_us, &broken, err);
    if (status == 0 && asked == 0 && !broken && peer.commitment && !role_stopping(x->role))
        status = ask_claim(x, &asked, err);
    if (status == 0 && asked > 0)
        status = ask(x, association, asked, err);
    allow(x, 2);
    dicom_sender_close(association);
    return status;
}

/* *ret_more: something was due, and there may be more. */
static int batch(struct delivery *x, bool *ret_more, bool *ret_associated, struct error *err)
{
    /* Long enough for connecting and a few slow answers; a batch that takes longer is cut. */
    int64_t lease_us = x->role->settings->sender.timeout_us * 8 + (x->interval_us ? PACED_US : 0);
    size_t count = 0, asked = 0;
    bool go = true;
    allow(x, 0);
    int status = x->interval_us ? wait_turn(x, x->interval_us, &go, err) : 0;
    if (status < 0 || !go)
        return status;
    int64_t until_us = now_us() + lease_us / 2;
    status = outbox_claim(x->db, x->destination->name, lease_us, x->items, x->most, &count, err);
    bool claimed = count > 0;
    if (status == 0)
        status = files_check(x, &count, err);
    if (status == 0 && count == 0)
        status = ask_claim(x, &asked, err);
    *ret_more = status == 0 && (claimed || asked > 0);
    if (status < 0 || (count == 0 && asked == 0))
        return status;
    return associate(x, count, asked, until_us, ret_associated, err);
}

static int delivery_open(struct delivery *x, struct error *err)
{
    const struct settings *settings = x->role->settings;
    int rate = x->destination->objects_per_minute;
    size_t paced;
    x->tls = call_tls(settings);
    x->most = (size_t)settings->sender.association_objects;
    x->items = calloc(x->most, sizeof *x->items);
    x->contexts = calloc(x->most, sizeof *x->contexts);
    x->paths = calloc(x->most, sizeof *x->paths);
    x->asked = calloc(x->most, sizeof *x->asked);
    if (!x->items || !x->contexts || !x->paths || !x->asked)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (rate > 0) {
        x->interval_us = 60000000 / rate;
        paced = (size_t)(PACED_US / x->interval_us) + 1;
        x->most = paced < x->most ? paced : x->most;
    }
    allow(x, 0);
    return database_open(x->role, NULL, &x->db, err);
}

static void delivery_release(struct delivery *x)
{
    db_close(x->db);
    free(x->items);
    free(x->contexts);
    free(x->paths);
    free(x->asked);
}

enum delivery_end delivery_run(const struct role *role, struct store *store,
                               const struct settings_destination *destination)
{
    struct delivery x = {.role = role, .store = store, .destination = destination};
    struct error err = {0};
    bool more = true, associated = true;
    int status = delivery_open(&x, &err);
    while (status == 0 && more && associated && !role_stopping(role)) {
        more = false;
        status = batch(&x, &more, &associated, &err);
    }
    if (status < 0)
        log_error(LOG_ERROR, "sending interrupted", &err, "destination=%s", destination->name);
    delivery_release(&x);
    return status < 0 ? DELIVERY_FAILED : associated ? DELIVERY_DONE : DELIVERY_NO_ASSOCIATION;
}
