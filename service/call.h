/* How a peer is called: the settings' words for it, as dicom/ wants them. */
#ifndef AXNODE_SERVICE_CALL_H
#define AXNODE_SERVICE_CALL_H

#include "dicom/sender.h"
#include "service/settings.h"

static inline struct dicom_tls_settings call_tls(const struct settings *settings)
{
    return (struct dicom_tls_settings){
        .certificate = settings->tls.certificate,
        .key = settings->tls.key,
        .ca = settings->tls.ca,
        .profile = settings->tls.profile == SETTINGS_TLS_BCP195_EXTENDED ? DICOM_TLS_BCP195_EXTENDED
                                                                         : DICOM_TLS_BCP195_ND,
        .require_certificate = settings->tls.require_client_certificate};
}

/* Without TLS, who is not a peer. `timeout_s`: for connecting and for each answer. */
static inline struct dicom_peer call_address(const struct settings *settings, const char *ae_title,
                                             const char *host, int port, int timeout_s)
{
    return (struct dicom_peer){.ae_title = ae_title,
                               .host = host,
                               .port = port,
                               .our_ae = settings->receiver.ae_title,
                               .connect_timeout_s = timeout_s,
                               .handshake_timeout_s = timeout_s,
                               .dimse_timeout_s = timeout_s,
                               .pdu_bytes_max = (uint32_t)settings->receiver.max_pdu_bytes};
}

/* `tls` = call_tls(settings) and all else must outlive the call. */
static inline struct dicom_peer call_peer(const struct settings *settings,
                                          const struct settings_peer *peer,
                                          const struct dicom_tls_settings *tls, int timeout_s)
{
    struct dicom_peer to =
        call_address(settings, peer->ae_title, peer->address, peer->port, timeout_s);
    to.tls = peer->tls ? tls : NULL;
    to.certificate_name = peer->certificate_name;
    to.certificate_sha256 = peer->certificate_sha256;
    return to;
}

static inline struct dicom_peer call_destination(const struct settings *settings,
                                                 const struct settings_destination *to,
                                                 const struct dicom_tls_settings *tls,
                                                 int timeout_s)
{
    return to->peer ? call_peer(settings, to->peer, tls, timeout_s)
                    : call_address(settings, to->ae_title, to->address, to->port, timeout_s);
}

#endif
