/* A DCMTK association and its network, closed on every way out. */
#ifndef AXNODE_DICOM_ASSOCIATION_H
#define AXNODE_DICOM_ASSOCIATION_H

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/dcmtrans.h>
#include <dcmtk/dcmnet/dimse.h>

#include "dicom/shim/shim.h"

class Association
{
  public:
    Association() = default;
    Association(const Association &) = delete;
    Association &operator=(const Association &) = delete;
    /* Without a release or an abort before, the connection is simply closed. */
    ~Association()
    {
        if (association)
            ASC_destroyAssociation(&association);
        if (network)
            ASC_dropNetwork(&network);
    }
    T_ASC_Network *network = nullptr;
    T_ASC_Association *association = nullptr;
};

/* DCMTK keeps these for the whole process: limits on each wait inside a message. */
inline void association_set_timeouts(int connect_s, int message_s)
{
    dcmConnectionTimeout.set(connect_s);
    dcmSocketReceiveTimeout.set(message_s);
    dcmSocketSendTimeout.set(message_s);
}

inline void association_set_implementation(T_ASC_Parameters *params)
{
    OFStandard::strlcpy(params->ourImplementationClassUID, SHIM_IMPLEMENTATION_CLASS_UID,
                        sizeof params->ourImplementationClassUID);
    OFStandard::strlcpy(params->ourImplementationVersionName, SHIM_IMPLEMENTATION_VERSION,
                        sizeof params->ourImplementationVersionName);
}

#endif
