/* Messages of storage commitment that come in: N-EVENT-REPORT, for the sender and the receiver, and
 * N-ACTION. */
#ifndef AXNODE_DICOM_SHIM_COMMITMENT_H
#define AXNODE_DICOM_SHIM_COMMITMENT_H

#include "dicom/shim/association.h"

extern "C" {
#include "dicom/commitment.h"
}

/* Receive the rest of the message, show it to the sink, respond. A bad condition: the association is
 * over; otherwise *ret_status is what the peer was told, `why` the reason when it was no success. */
OFCondition commitment_receive(T_ASC_Association *association,
                               T_ASC_PresentationContextID context,
                               const T_DIMSE_N_EventReportRQ &request, int timeout_s,
                               const char *calling_ae, const struct dicom_commitment_sink *sink,
                               Uint16 *ret_status, struct error *why);
/* A peer asks us to commit to what it sent, and would delete it then. It is told 'processing failure'
 * (0110): nothing here keeps studies for others. */
OFCondition commitment_refuse(T_ASC_Association *association, T_ASC_PresentationContextID context,
                              const T_DIMSE_N_ActionRQ &request, int timeout_s);
/* The same where the settings say that we do: show it to the sink, respond. */
OFCondition commitment_request_receive(T_ASC_Association *association,
                                       T_ASC_PresentationContextID context,
                                       const T_DIMSE_N_ActionRQ &request, int timeout_s,
                                       const char *calling_ae,
                                       const struct dicom_request_sink *sink);

#endif
