#include "service/admission.h"

#include "base/log.h"
#include "service/call.h"

static void looked_up(void *context, const char *peer, const char *host, bool known)
{
    const struct role *role = context;
    role_beat(role);
    if (!known)
        log_event(LOG_WARNING, "peer's host name is unknown: it is refused from there",
                  "peer=%s host=%s", LOG_QUOTE(peer), LOG_QUOTE(host));
}

static void warn_of_relaxed(const struct settings *settings)
{
    if (settings->peer_count == 0)
        log_event(LOG_WARNING, "no peers are listed: everybody who reaches the port may send",
                  NULL);
    if (settings->peer_count > 0 && !settings->receiver.check_calling_ae)
        log_event(LOG_WARNING, "receiver.check_calling_ae is off: unknown AE titles are let in",
                  NULL);
    if (settings->peer_count > 0 && !settings->receiver.check_address)
        log_event(LOG_WARNING, "receiver.check_address is off: peers are let in from anywhere",
                  NULL);
    if (!settings->receiver.check_called_ae)
        log_event(LOG_WARNING, "receiver.check_called_ae is off: any called AE title will do",
                  NULL);
    if (settings->tls.port && !settings->tls.require_client_certificate)
        log_event(LOG_WARNING,
                  "tls.require_client_certificate is off: callers need not show a certificate",
                  NULL);
}

int admission_open(const struct role *role, const struct settings *settings,
                   struct admission *ret_admission, struct error *err)
{
    struct admission admission = {.settings = settings};
    int status = peers_new(settings, looked_up, (void *)(uintptr_t)role, &admission.peers, err);
    if (status == 0 && settings->tls.port) {
        struct dicom_tls_settings tls = call_tls(settings);
        status = dicom_tls_new(&tls, &admission.tls, err);
    }
    if (status < 0) {
        admission_close(&admission);
        return status;
    }
    warn_of_relaxed(settings);
    *ret_admission = admission;
    return 0;
}

void admission_close(struct admission *admission)
{
    peers_free(admission->peers);
    dicom_tls_free(admission->tls);
    *admission = (struct admission){0};
}
