#include "service/requests.h"

#include "base/log.h"

bool requests_taken(const struct settings *settings)
{
    return settings->commitment.retention_us > 0 && *settings->commitment.retrieve_ae_title;
}

bool requests_peer(const struct settings_peer *peer)
{
    return peer->commit && peer->port > 0;
}

/* STATUS_LIMIT when as many wait as may. */
static int room_check(struct store *store, struct error *err)
{
    struct store_file files[32];
    struct store_scan *scan;
    size_t waiting = 0, count = 0;
    int status = store_scan_open(store, STORE_REQUESTS, &scan, err);
    if (status < 0)
        return status;
    do {
        status = store_scan_next(scan, files, sizeof files / sizeof *files, &count, err);
        waiting += count;
    } while (status == 0 && count > 0 && waiting < REQUESTS_MAX);
    store_scan_close(scan);
    if (status == 0 && waiting >= REQUESTS_MAX)
        status = error_set(err, STATUS_LIMIT, "%d requests for storage commitment wait already",
                           REQUESTS_MAX);
    return status;
}

static int keep(void *context, const struct dicom_commitment_request *request, const char *path,
                struct error *err)
{
    const struct requests *x = context;
    if (!x->peer || !requests_peer(x->peer))
        return error_set(err, STATUS_INVALID, "request for storage commitment of somebody who may "
                                              "not ask, or has no port to be answered at");
    int status = room_check(x->store, err);
    if (status == 0)
        status = store_request_write(x->store, path, request->transaction_uid, err);
    if (status == 0)
        log_event(LOG_INFO, "request for storage commitment kept",
                  "assoc=%s peer_name=%s objects=%zu transaction=%s", x->association,
                  LOG_QUOTE(x->peer->name), request->count, request->transaction_uid);
    return status;
}

static void refused(void *context, uint16_t dimse_status, const struct error *reason)
{
    const struct requests *x = context;
    log_error(LOG_WARNING, "request for storage commitment refused", reason,
              "assoc=%s dimse_status=0x%04X", x->association, dimse_status);
}

struct dicom_request_sink requests_sink(struct requests *requests)
{
    return (struct dicom_request_sink){requests, keep, refused};
}
