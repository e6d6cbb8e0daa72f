/* TLS below DICOM associations (PS3.15 annex B), by OpenSSL through DCMTK. Both sides show a
 * certificate of an authority that the other trusts. Needs dicom_setup. */
#ifndef AXNODE_DICOM_TLS_H
#define AXNODE_DICOM_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum dicom_tls_profile {
    DICOM_TLS_BCP195_ND,       /* non-downgrading: TLS 1.2 or 1.3, RSA certificates */
    DICOM_TLS_BCP195_EXTENDED, /* TLS 1.2 alone, RSA or ECDSA certificates */
};

struct dicom_tls_settings {
    const char *certificate; /* PEM file: ours, then those up to its authority */
    const char *key;         /* PEM file: its private key, without passphrase */
    const char *ca;          /* PEM file: authorities that peers' certificates may be of */
    enum dicom_tls_profile profile;
    bool require_certificate; /* of who calls us; whom we call always shows one */
};

/* Certificate and keys for accepting associations, read into memory. */
struct dicom_tls;

/* STATUS_NOT_FOUND, STATUS_INVALID: a file is missing, no PEM, or the key is another's. */
int dicom_tls_new(const struct dicom_tls_settings *settings, struct dicom_tls **ret_tls,
                  struct error *err);
void dicom_tls_free(struct dicom_tls *tls); /* NULL is fine */

/* Why a handshake failed, as far as we know. */
enum dicom_tls_fault {
    DICOM_TLS_NONE,           /* it did not */
    DICOM_TLS_NO_CERTIFICATE, /* the peer showed none */
    DICOM_TLS_EXPIRED,        /* the peer's certificate, or not yet valid */
    DICOM_TLS_UNTRUSTED,      /* not of an authority that we trust */
    DICOM_TLS_OTHER_NAME,     /* of whom we called: made out to another */
    DICOM_TLS_OURS_REFUSED,   /* the peer does not accept our certificate */
    DICOM_TLS_NO_COMMON,      /* no version or cipher that both allow */
    DICOM_TLS_NOT_TLS,        /* something else came */
    DICOM_TLS_BROKEN,         /* it broke off */
};
/* "no_certificate", "expired", … and a sentence. Static storage. */
const char *dicom_tls_fault_name(enum dicom_tls_fault fault);
const char *dicom_tls_fault_text(enum dicom_tls_fault fault);

#endif
