/* DCMTK's TLS layer with our certificates. C++ only. */
#ifndef AXNODE_DICOM_SHIM_TLS_H
#define AXNODE_DICOM_SHIM_TLS_H

#include "dicom/shim/shim.h"

#include <dcmtk/dcmtls/tlslayer.h>
#include <openssl/ssl.h>

extern "C" {
#include "dicom/tls.h"
}

class TlsLayer
{
  public:
    /* Throws bad_alloc alone; `load` must follow. */
    explicit TlsLayer(T_ASC_NetworkRole role);
    TlsLayer(const TlsLayer &) = delete;
    TlsLayer &operator=(const TlsLayer &) = delete;
    int load(const struct dicom_tls_settings &settings, struct error *err);
    /* Whom we call must show a certificate that is made out to this name or address. */
    int expect(const char *name, struct error *err);
    DcmTransportLayer *layer()
    {
        return &layer_;
    }
    /* Of the handshake in this process; DICOM_TLS_NONE while none has failed. */
    enum dicom_tls_fault fault() const
    {
        return fault_;
    }
    bool done() const
    {
        return done_;
    }

  private:
    static void note(const SSL *ssl, int where, int value);

    DcmTLSTransportLayer layer_;
    enum dicom_tls_fault fault_ = DICOM_TLS_NONE;
    bool done_ = false;
};

struct dicom_tls {
    TlsLayer layer{NET_ACCEPTOR};
};

#endif
