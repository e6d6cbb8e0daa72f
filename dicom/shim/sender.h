/* An association that we asked for: what the sender's parts share. */
#ifndef AXNODE_DICOM_SHIM_SENDER_H
#define AXNODE_DICOM_SHIM_SENDER_H

#include <memory>
#include <string>

#include "dicom/shim/association.h"
#include "dicom/shim/tls.h"

struct dicom_sender {
    std::unique_ptr<TlsLayer> tls; /* outlives the connection that it made */
    Association peer;
    std::string name; /* "AE at HOST:PORT", for messages */
    int handshake_timeout_s, dimse_timeout_s;
    bool broken; /* no message can follow */
};

/* STATUS_UNAVAILABLE: "WHAT NAME", with DCMTK's reason as detail. */
int sender_unavailable(struct error *err, const OFCondition &why, const std::string &name,
                       const char *what);

#endif
