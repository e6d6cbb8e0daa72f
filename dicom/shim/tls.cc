#include "dicom/shim/tls.h"

#include <memory>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* What a failed check of the peer's chain means. */
static enum dicom_tls_fault fault_of_check(long result)
{
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return DICOM_TLS_EXPIRED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return DICOM_TLS_OTHER_NAME;
    default: return DICOM_TLS_UNTRUSTED;
    }
}

/* We end the handshake: OpenSSL has queued its reason before it tells the peer. */
static enum dicom_tls_fault fault_of_ours(const SSL *ssl)
{
    switch (ERR_GET_REASON(ERR_peek_last_error())) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return DICOM_TLS_NO_CERTIFICATE;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return fault_of_check(SSL_get_verify_result(ssl));
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW: return DICOM_TLS_NO_COMMON;
    default: return DICOM_TLS_BROKEN;
    }
}

/* The peer ends it (RFC 8446 6.2). */
static enum dicom_tls_fault fault_of_theirs(int alert)
{
    switch (alert) {
    case SSL3_AD_BAD_CERTIFICATE:
    case SSL3_AD_UNSUPPORTED_CERTIFICATE:
    case SSL3_AD_CERTIFICATE_REVOKED:
    case SSL3_AD_CERTIFICATE_EXPIRED:
    case SSL3_AD_CERTIFICATE_UNKNOWN:
    case TLS1_AD_UNKNOWN_CA:
    case TLS1_AD_ACCESS_DENIED:
    case TLS13_AD_CERTIFICATE_REQUIRED: return DICOM_TLS_OURS_REFUSED;
    case SSL3_AD_HANDSHAKE_FAILURE:
    case TLS1_AD_INSUFFICIENT_SECURITY:
    case TLS1_AD_PROTOCOL_VERSION: return DICOM_TLS_NO_COMMON;
    default: return DICOM_TLS_BROKEN;
    }
}

void TlsLayer::note(const SSL *ssl, int where, int value)
{
    TlsLayer *self = static_cast<TlsLayer *>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    int alert = value & 0xff;
    if (where & SSL_CB_HANDSHAKE_DONE)
        self->done_ = true;
    /* TLS 1.3 has a client finish before the server looks at its certificate: later alerts count. */
    if (!(where & SSL_CB_ALERT) || self->fault_ != DICOM_TLS_NONE ||
        alert == SSL3_AD_CLOSE_NOTIFY)
        return;
    self->fault_ = where & SSL_CB_WRITE ? fault_of_ours(ssl) : fault_of_theirs(alert);
}

TlsLayer::TlsLayer(T_ASC_NetworkRole role) : layer_(role, nullptr, OFFalse)
{
    SSL_CTX *context = layer_.getNativeHandle();
    if (!context)
        throw std::bad_alloc();
    SSL_CTX_set_app_data(context, this);
    SSL_CTX_set_info_callback(context, note);
    /* Every association shows its certificate: no resumption. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_num_tickets(context, 0);
    layer_.setPrivateKeyPasswd(""); /* else a terminal would be asked */
}

static int unusable(struct error *err, const char *what, const char *path)
{
    unsigned long why = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(why);
    error_set(err, STATUS_INVALID, "TLS: cannot use %s %s", what, path);
    error_detail(err, "%s", reason ? reason : "no reason known");
    ERR_clear_error();
    return STATUS_INVALID;
}

int TlsLayer::load(const struct dicom_tls_settings &settings, struct error *err)
{
    SSL_CTX *context = layer_.getNativeHandle();
    ERR_clear_error();
    shim_check(layer_.setTLSProfile(settings.profile == DICOM_TLS_BCP195_EXTENDED
                                        ? TSP_Profile_BCP195_Extended
                                        : TSP_Profile_BCP195_ND));
    shim_check(layer_.activateCipherSuites());
    if (SSL_CTX_use_certificate_chain_file(context, settings.certificate) != 1)
        return unusable(err, "certificate", settings.certificate);
    if (SSL_CTX_use_PrivateKey_file(context, settings.key, SSL_FILETYPE_PEM) != 1)
        return unusable(err, "key", settings.key);
    if (SSL_CTX_check_private_key(context) != 1)
        return unusable(err, "key", settings.key);
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(settings.ca);
    if (!names || SSL_CTX_load_verify_locations(context, settings.ca, nullptr) != 1) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return unusable(err, "authorities", settings.ca);
    }
    SSL_CTX_set_client_CA_list(context, names); /* owns them */
    layer_.setCertificateVerification(settings.require_certificate ? DCV_requireCertificate
                                                                   : DCV_checkCertificate);
    return 0;
}

int TlsLayer::expect(const char *name, struct error *err)
{
    X509_VERIFY_PARAM *check = SSL_CTX_get0_param(layer_.getNativeHandle());
    unsigned char address[sizeof(struct in6_addr)];
    bool numeric = inet_pton(AF_INET, name, address) == 1 || inet_pton(AF_INET6, name, address) == 1;
    X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_WILDCARDS);
    int taken = numeric ? X509_VERIFY_PARAM_set1_ip_asc(check, name)
                        : X509_VERIFY_PARAM_set1_host(check, name, 0);
    return taken == 1 ? 0 : error_set(err, STATUS_INVALID, "%s: not a name for a certificate", name);
}

extern "C" int dicom_tls_new(const struct dicom_tls_settings *settings,
                             struct dicom_tls **ret_tls, struct error *err)
{
    return shim_guard(err, "set up TLS", [&]() -> int {
        auto tls = std::make_unique<struct dicom_tls>();
        int r = tls->layer.load(*settings, err);
        if (r == 0)
            *ret_tls = tls.release();
        return r;
    });
}

extern "C" void dicom_tls_free(struct dicom_tls *tls)
{
    delete tls;
}

extern "C" const char *dicom_tls_fault_name(enum dicom_tls_fault fault)
{
    switch (fault) {
    case DICOM_TLS_NONE: return "none";
    case DICOM_TLS_NO_CERTIFICATE: return "no_certificate";
    case DICOM_TLS_EXPIRED: return "expired";
    case DICOM_TLS_UNTRUSTED: return "untrusted";
    case DICOM_TLS_OTHER_NAME: return "other_name";
    case DICOM_TLS_OURS_REFUSED: return "ours_refused";
    case DICOM_TLS_NO_COMMON: return "no_common";
    case DICOM_TLS_NOT_TLS: return "not_tls";
    case DICOM_TLS_BROKEN: return "broken";
    }
    return "unknown";
}

extern "C" const char *dicom_tls_fault_text(enum dicom_tls_fault fault)
{
    switch (fault) {
    case DICOM_TLS_NONE: return "TLS: no fault";
    case DICOM_TLS_NO_CERTIFICATE: return "TLS: the peer showed no certificate";
    case DICOM_TLS_EXPIRED: return "TLS: the peer's certificate has expired, or is not valid yet";
    case DICOM_TLS_UNTRUSTED:
        return "TLS: the peer's certificate is not of an authority that is trusted";
    case DICOM_TLS_OTHER_NAME: return "TLS: the peer's certificate is made out to another name";
    case DICOM_TLS_OURS_REFUSED: return "TLS: the peer does not accept our certificate";
    case DICOM_TLS_NO_COMMON: return "TLS: no version or cipher that both sides allow";
    case DICOM_TLS_NOT_TLS: return "TLS: the peer does not speak it";
    case DICOM_TLS_BROKEN: return "TLS: the handshake broke off";
    }
    return "TLS";
}
