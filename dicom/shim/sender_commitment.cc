/* Asking for storage commitment, and answering to it, on an association of ours. */
#include "dicom/shim/commitment.h"
#include "dicom/shim/sender.h"

#include <cstring>

#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmnet/diutil.h>

namespace
{

const Uint16 REQUEST_COMMITMENT = 1; /* PS3.4 table J.3-1 */

int is_over(struct dicom_sender *sender, struct error *err)
{
    return error_set(err, STATUS_UNAVAILABLE, "the association with %s is over",
                     sender->name.c_str());
}

OFCondition send_request(struct dicom_sender *sender, T_ASC_PresentationContextID context,
                         Uint16 message_id, const char *transaction_uid,
                         const struct dicom_reference *objects, size_t count)
{
    DcmDataset dataset;
    ShimItem out(dataset);
    out.text(DCM_TransactionUID, transaction_uid);
    for (size_t i = 0; i < count; i++) {
        ShimItem item = out.item(DCM_ReferencedSOPSequence);
        item.text(DCM_ReferencedSOPClassUID, objects[i].sop_class_uid);
        item.text(DCM_ReferencedSOPInstanceUID, objects[i].sop_instance_uid);
    }
    T_DIMSE_Message message = {};
    message.CommandField = DIMSE_N_ACTION_RQ;
    T_DIMSE_N_ActionRQ &request = message.msg.NActionRQ;
    request.MessageID = message_id;
    request.DataSetType = DIMSE_DATASET_PRESENT;
    request.ActionTypeID = REQUEST_COMMITMENT;
    OFStandard::strlcpy(request.RequestedSOPClassUID, UID_StorageCommitmentPushModelSOPClass,
                        sizeof request.RequestedSOPClassUID);
    OFStandard::strlcpy(request.RequestedSOPInstanceUID,
                        UID_StorageCommitmentPushModelSOPInstance,
                        sizeof request.RequestedSOPInstanceUID);
    return DIMSE_sendMessageUsingMemoryData(sender->peer.association, context, &message, nullptr,
                                            &dataset, nullptr, nullptr);
}

OFCondition send_report(struct dicom_sender *sender, T_ASC_PresentationContextID context,
                        Uint16 message_id, const struct dicom_commitment_report *report)
{
    DcmDataset dataset;
    ShimItem out(dataset);
    bool failed = false;
    out.text(DCM_TransactionUID, report->transaction_uid);
    out.text(DCM_RetrieveAETitle, report->retrieve_ae);
    for (size_t i = 0; i < report->count; i++) {
        Uint16 failure = report->failures[i];
        ShimItem item = out.item(failure ? DCM_FailedSOPSequence : DCM_ReferencedSOPSequence);
        item.text(DCM_ReferencedSOPClassUID, report->objects[i].sop_class_uid);
        item.text(DCM_ReferencedSOPInstanceUID, report->objects[i].sop_instance_uid);
        if (failure)
            item.us(DCM_FailureReason, failure);
        failed = failed || failure;
    }
    T_DIMSE_Message message = {};
    message.CommandField = DIMSE_N_EVENT_REPORT_RQ;
    T_DIMSE_N_EventReportRQ &request = message.msg.NEventReportRQ;
    request.MessageID = message_id;
    request.DataSetType = DIMSE_DATASET_PRESENT;
    request.EventTypeID = failed ? 2 : 1; /* PS3.4 table J.3-2 */
    OFStandard::strlcpy(request.AffectedSOPClassUID, UID_StorageCommitmentPushModelSOPClass,
                        sizeof request.AffectedSOPClassUID);
    OFStandard::strlcpy(request.AffectedSOPInstanceUID, UID_StorageCommitmentPushModelSOPInstance,
                        sizeof request.AffectedSOPInstanceUID);
    return DIMSE_sendMessageUsingMemoryData(sender->peer.association, context, &message, nullptr,
                                            &dataset, nullptr, nullptr);
}

/* What both responses have. */
struct Response {
    bool ours, data_set;
    Uint16 status;
};

Response response_of(const T_DIMSE_Message &answer, T_DIMSE_Command expected, Uint16 message_id)
{
    const T_DIMSE_N_ActionRSP &action = answer.msg.NActionRSP;
    const T_DIMSE_N_EventReportRSP &event = answer.msg.NEventReportRSP;
    if (answer.CommandField != expected)
        return {};
    return expected == DIMSE_N_ACTION_RSP
               ? Response{action.MessageIDBeingRespondedTo == message_id,
                          action.DataSetType != DIMSE_DATASET_NULL, action.DimseStatus}
               : Response{event.MessageIDBeingRespondedTo == message_id,
                          event.DataSetType != DIMSE_DATASET_NULL, event.DimseStatus};
}

/* A response may carry a reply, which says nothing here. `what`: the message it is to. */
int receive_response(struct dicom_sender *sender, T_DIMSE_Command expected, Uint16 message_id,
                     const char *what, struct error *err)
{
    T_DIMSE_Message answer = {};
    T_ASC_PresentationContextID context = 0;
    DIC_UL bytes = 0, parts = 0;
    OFCondition cond = DIMSE_receiveCommand(sender->peer.association, DIMSE_NONBLOCKING,
                                            sender->dimse_timeout_s, &context, &answer, nullptr);
    Response response = {};
    if (cond.good() && cond != DUL_PEERREQUESTEDRELEASE)
        response = response_of(answer, expected, message_id);
    if (response.ours && response.data_set)
        cond = DIMSE_ignoreDataSet(sender->peer.association, DIMSE_NONBLOCKING,
                                   sender->dimse_timeout_s, &bytes, &parts);
    if (cond.bad() || cond == DUL_PEERREQUESTEDRELEASE)
        return sender_unavailable(err, cond, sender->name,
                                  (std::string("no answer to ") + what + " from").c_str());
    if (!response.ours)
        return error_set(err, STATUS_UNAVAILABLE, "%s answered something else to %s",
                         sender->name.c_str(), what);
    sender->broken = false;
    if (response.status != 0)
        return error_set(err, STATUS_CONFLICT, "%s refused %s: 0x%04X %s", sender->name.c_str(),
                         what, response.status, DU_nactionStatusString(response.status));
    return 0;
}

/* Send with `send(context, message id)` on an association that can be used, and hear the response. */
template <class Send>
int exchange(struct dicom_sender *sender, T_DIMSE_Command expected, const char *what, Send send,
             struct error *err)
{
    if (sender->broken)
        return is_over(sender, err);
    T_ASC_PresentationContextID context = ASC_findAcceptedPresentationContextID(
        sender->peer.association, UID_StorageCommitmentPushModelSOPClass);
    if (context == 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s does not know storage commitment",
                         sender->name.c_str());
    Uint16 message_id = sender->peer.association->nextMsgID++;
    sender->broken = true; /* until the answer is here */
    OFCondition cond = send(context, message_id);
    if (cond.bad())
        return sender_unavailable(err, cond, sender->name, "lost the connection to");
    return receive_response(sender, expected, message_id, what, err);
}

int commit(struct dicom_sender *sender, const char *transaction_uid,
           const struct dicom_reference *objects, size_t count, struct error *err)
{
    if (count < 1 || count > DICOM_COMMITMENT_OBJECTS_MAX)
        return error_set(err, STATUS_INVALID, "1 to %d objects can be asked for",
                         DICOM_COMMITMENT_OBJECTS_MAX);
    return exchange(sender, DIMSE_N_ACTION_RSP, "a request for storage commitment",
                    [&](T_ASC_PresentationContextID context, Uint16 message_id) {
                        return send_request(sender, context, message_id, transaction_uid, objects,
                                            count);
                    },
                    err);
}

int await(struct dicom_sender *sender, int wait_s, const struct dicom_commitment_sink *sink,
          bool *ret_answered, struct error *err)
{
    T_DIMSE_Message message = {};
    T_ASC_PresentationContextID context = 0;
    Uint16 status = 0;
    T_ASC_Association *association = sender->peer.association;
    if (sender->broken)
        return is_over(sender, err);
    *ret_answered = false;
    if (!ASC_dataWaiting(association, wait_s))
        return 0;
    sender->broken = true;
    OFCondition cond = DIMSE_receiveCommand(association, DIMSE_NONBLOCKING,
                                            sender->dimse_timeout_s, &context, &message, nullptr);
    if (cond.bad() || cond == DUL_PEERREQUESTEDRELEASE ||
        message.CommandField != DIMSE_N_EVENT_REPORT_RQ)
        return sender_unavailable(err, cond, sender->name, "no answer on this association from");
    cond = commitment_receive(association, context, message.msg.NEventReportRQ,
                              sender->dimse_timeout_s,
                              association->params->DULparams.calledAPTitle, sink, &status, err);
    if (cond.bad())
        return sender_unavailable(err, cond, sender->name, "lost the connection to");
    sender->broken = false;
    *ret_answered = status == 0;
    return status == 0 ? 0 : err ? err->status : STATUS_INVALID;
}

} // namespace

extern "C" int dicom_sender_commit(struct dicom_sender *sender, const char *transaction_uid,
                                   const struct dicom_reference *objects, size_t count,
                                   struct error *err)
{
    return shim_guard(err, "ask for storage commitment", [&]() -> int {
        return commit(sender, transaction_uid, objects, count, err);
    });
}

extern "C" int dicom_sender_await(struct dicom_sender *sender, int wait_s,
                                  const struct dicom_commitment_sink *sink, bool *ret_answered,
                                  struct error *err)
{
    return shim_guard(err, "take an answer to storage commitment",
                      [&]() -> int { return await(sender, wait_s, sink, ret_answered, err); });
}

extern "C" int dicom_sender_report(struct dicom_sender *sender,
                                   const struct dicom_commitment_report *report, struct error *err)
{
    return shim_guard(err, "answer to storage commitment", [&]() -> int {
        return exchange(sender, DIMSE_N_EVENT_REPORT_RSP, "our answer to storage commitment",
                        [&](T_ASC_PresentationContextID context, Uint16 message_id) {
                            return send_report(sender, context, message_id, report);
                        },
                        err);
    });
}
