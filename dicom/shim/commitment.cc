#include "dicom/shim/commitment.h"
#include "dicom/shim/header.h"
#include "dicom/shim/text.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include <dcmtk/dcmdata/dcuid.h>

namespace
{

/* PS3.7 annex C */
const Uint16 PROCESSING_FAILURE = 0x0110;
const Uint16 NO_SUCH_INSTANCE = 0x0112;
const Uint16 NO_SUCH_EVENT_TYPE = 0x0113;
const Uint16 INVALID_ARGUMENT = 0x0115;
const Uint16 NO_SUCH_CLASS = 0x0118;
const Uint16 NO_SUCH_ACTION = 0x0123;
const Uint16 REQUEST_COMMITMENT = 1;              /* PS3.4 table J.3-1 */
const Uint16 ALL_COMMITTED = 1, SOME_REFUSED = 2; /* PS3.4 table J.3-2 */

int read_uid(DcmItem &item, const DcmTagKey &tag, const char *what, char out[UID_SIZE],
             struct error *err)
{
    OFString value;
    if (item.findAndGetOFStringArray(tag, value).bad() || value.length() >= UID_SIZE ||
        !uid_valid(value.c_str()))
        return error_set(err, STATUS_INVALID, "storage commitment: no valid %s", what);
    memcpy(out, value.c_str(), value.length() + 1);
    return 0;
}

unsigned long items_of(DcmItem &dataset, const DcmTagKey &sequence)
{
    DcmSequenceOfItems *items = nullptr;
    return dataset.findAndGetSequence(sequence, items).good() && items ? items->card() : 0;
}

void read_calling(Header &header, char out[17])
{
    OFString calling;
    if (header.meta().findAndGetOFString(DCM_SourceApplicationEntityTitle, calling).good())
        text_copy(calling.c_str(), calling.length(), out, 17);
}

int read_objects(DcmItem &dataset, const DcmTagKey &sequence, bool committed,
                 struct dicom_commitment *to, struct error *err)
{
    unsigned long count = items_of(dataset, sequence);
    int r = 0;
    for (unsigned long i = 0; i < count && r == 0; i++) {
        struct dicom_committed *object = &to->objects[to->count];
        DcmItem *item = nullptr;
        Uint16 reason = 0;
        if (dataset.findAndGetSequenceItem(sequence, item, static_cast<long>(i)).bad() || !item)
            return error_set(err, STATUS_INVALID, "answer to storage commitment: an item is gone");
        r = read_uid(*item, DCM_ReferencedSOPInstanceUID, "Referenced SOP Instance UID",
                     object->sop_instance_uid, err);
        object->committed = committed;
        object->reason = !committed && item->findAndGetUint16(DCM_FailureReason, reason).good()
                             ? reason
                             : -1;
        to->count++;
    }
    return r;
}

int read_answer(Header &header, struct dicom_commitment *ret, struct error *err)
{
    struct dicom_commitment commitment = {};
    DcmItem &dataset = header.dataset();
    unsigned long count = items_of(dataset, DCM_ReferencedSOPSequence) +
                          items_of(dataset, DCM_FailedSOPSequence);
    if (count == 0 || count > DICOM_COMMITMENT_OBJECTS_MAX)
        return error_set(err, STATUS_INVALID, "answer to storage commitment: %lu objects", count);
    int r = read_uid(dataset, DCM_TransactionUID, "Transaction UID", commitment.transaction_uid,
                     err);
    if (r < 0)
        return r;
    read_calling(header, commitment.calling_ae);
    commitment.objects =
        static_cast<struct dicom_committed *>(calloc(count, sizeof *commitment.objects));
    if (!commitment.objects)
        return error_set(err, STATUS_NOMEM, "no memory for an answer to storage commitment");
    r = read_objects(dataset, DCM_ReferencedSOPSequence, true, &commitment, err);
    if (r == 0)
        r = read_objects(dataset, DCM_FailedSOPSequence, false, &commitment, err);
    if (r < 0)
        dicom_commitment_release(&commitment);
    else
        *ret = commitment;
    return r;
}

int read_file(const char *path, struct dicom_commitment *ret, struct error *err)
{
    Header header;
    int r = header.load(path, "answer to storage commitment", 2 * DICOM_COMMITMENT_BYTES_MAX, err);
    return r < 0 ? r : read_answer(header, ret, err);
}

int read_references(DcmItem &dataset, unsigned long count, struct dicom_commitment_request *to,
                    struct error *err)
{
    int r = 0;
    for (; to->count < count && r == 0; to->count++) {
        struct dicom_reference *object = &to->objects[to->count];
        DcmItem *item = nullptr;
        if (dataset.findAndGetSequenceItem(DCM_ReferencedSOPSequence, item,
                                           static_cast<long>(to->count)).bad() || !item)
            return error_set(err, STATUS_INVALID, "storage commitment: an item is gone");
        r = read_uid(*item, DCM_ReferencedSOPClassUID, "Referenced SOP Class UID",
                     object->sop_class_uid, err);
        if (r == 0)
            r = read_uid(*item, DCM_ReferencedSOPInstanceUID, "Referenced SOP Instance UID",
                         object->sop_instance_uid, err);
    }
    return r;
}

int read_request(const char *path, struct dicom_commitment_request *ret, struct error *err)
{
    struct dicom_commitment_request request = {};
    Header header;
    int r = header.load(path, "request for storage commitment", 2 * DICOM_COMMITMENT_BYTES_MAX,
                        err);
    if (r == 0)
        r = read_uid(header.dataset(), DCM_TransactionUID, "Transaction UID",
                     request.transaction_uid, err);
    if (r < 0)
        return r;
    unsigned long count = items_of(header.dataset(), DCM_ReferencedSOPSequence);
    if (count == 0 || count > DICOM_COMMITMENT_OBJECTS_MAX)
        return error_set(err, STATUS_INVALID, "request for storage commitment: %lu objects", count);
    read_calling(header, request.calling_ae);
    request.objects =
        static_cast<struct dicom_reference *>(calloc(count, sizeof *request.objects));
    if (!request.objects)
        return error_set(err, STATUS_NOMEM, "no memory for a request for storage commitment");
    r = read_references(header.dataset(), count, &request, err);
    if (r < 0)
        dicom_commitment_request_release(&request);
    else
        *ret = request;
    return r;
}

/* A file that is gone with its process. */
struct Scratch {
    Scratch() : fd(memfd_create("axnode-answer", MFD_CLOEXEC))
    {
        if (fd < 0)
            throw std::bad_alloc();
        path = "/proc/self/fd/" + std::to_string(fd);
    }
    ~Scratch()
    {
        close(fd);
    }
    int fd;
    std::string path;
};

void stop_flood(void *consumer, unsigned long)
{
    if (static_cast<const ShimConsumer *>(consumer)->over_limit())
        throw ShimFailure{EC_StreamNotifyClient};
}

/* The data set into `scratch`, behind file meta information of ours. */
OFCondition receive_file(T_ASC_Association *association, T_ASC_PresentationContextID context,
                         const char *class_uid, const char *instance_uid, int timeout_s,
                         const char *calling_ae, const Scratch &scratch)
{
    T_ASC_PresentationContext accepted;
    T_ASC_PresentationContextID got = 0;
    shim_check(ASC_findAcceptedPresentationContext(association->params, context, &accepted));
    DcmMetaInfo meta;
    shim_meta_fill(meta, class_uid, instance_uid, accepted.acceptedTransferSyntax);
    ShimItem(meta).text(DCM_SourceApplicationEntityTitle, calling_ae);
    ShimConsumer consumer(scratch.fd, nullptr, DICOM_COMMITMENT_BYTES_MAX);
    ShimStream stream(consumer);
    shim_meta_write(meta, stream);
    OFCondition cond = DIMSE_receiveDataSetInFile(association, DIMSE_NONBLOCKING, timeout_s, &got,
                                                  &stream, stop_flood, &consumer);
    if (consumer.finish() != 0)
        throw std::bad_alloc(); /* it is a file in memory */
    return cond.good() && got != context ? makeDcmnetCondition(DIMSEC_INVALIDPRESENTATIONCONTEXTID, OF_error,
                                                      "another presentation context") : cond;
}

Uint16 take(const T_DIMSE_N_EventReportRQ &request, const Scratch &scratch,
            const struct dicom_commitment_sink *sink, struct error *why)
{
    struct dicom_commitment answer = {};
    if (request.EventTypeID != ALL_COMMITTED && request.EventTypeID != SOME_REFUSED) {
        error_set(why, STATUS_INVALID, "answer to storage commitment: unknown event type");
        return NO_SUCH_EVENT_TYPE;
    }
    if (read_file(scratch.path.c_str(), &answer, why) < 0)
        return INVALID_ARGUMENT;
    int r = sink->answer(sink->context, &answer, scratch.path.c_str(), why);
    dicom_commitment_release(&answer);
    return r < 0 ? PROCESSING_FAILURE : 0;
}

Uint16 check_request(const T_DIMSE_N_ActionRQ &request, struct error *why)
{
    error_set(why, STATUS_INVALID, "request for storage commitment: not that action on that SOP instance");
    if (request.ActionTypeID != REQUEST_COMMITMENT)
        return NO_SUCH_ACTION;
    if (strcmp(request.RequestedSOPClassUID, UID_StorageCommitmentPushModelSOPClass) != 0)
        return NO_SUCH_CLASS;
    if (strcmp(request.RequestedSOPInstanceUID, UID_StorageCommitmentPushModelSOPInstance) != 0)
        return NO_SUCH_INSTANCE;
    return 0;
}

Uint16 take_request(const T_DIMSE_N_ActionRQ &request, const Scratch &scratch,
                    const struct dicom_request_sink *sink, struct error *why)
{
    struct dicom_commitment_request asked = {};
    Uint16 status = check_request(request, why);
    if (status)
        return status;
    if (read_request(scratch.path.c_str(), &asked, why) < 0)
        return INVALID_ARGUMENT;
    int r = sink->request(sink->context, &asked, scratch.path.c_str(), why);
    dicom_commitment_request_release(&asked);
    return r < 0 ? PROCESSING_FAILURE : 0;
}

OFCondition respond(T_ASC_Association *association, T_ASC_PresentationContextID context,
                    const T_DIMSE_N_ActionRQ &request, Uint16 status)
{
    T_DIMSE_Message response = {};
    response.CommandField = DIMSE_N_ACTION_RSP;
    T_DIMSE_N_ActionRSP &body = response.msg.NActionRSP;
    body.MessageIDBeingRespondedTo = request.MessageID;
    body.DimseStatus = status;
    body.DataSetType = DIMSE_DATASET_NULL;
    body.ActionTypeID = request.ActionTypeID;
    body.opts =
        O_NACTION_AFFECTEDSOPCLASSUID | O_NACTION_AFFECTEDSOPINSTANCEUID | O_NACTION_ACTIONTYPEID;
    OFStandard::strlcpy(body.AffectedSOPClassUID, request.RequestedSOPClassUID,
                        sizeof body.AffectedSOPClassUID);
    OFStandard::strlcpy(body.AffectedSOPInstanceUID, request.RequestedSOPInstanceUID,
                        sizeof body.AffectedSOPInstanceUID);
    return DIMSE_sendMessageUsingMemoryData(association, context, &response, nullptr, nullptr,
                                            nullptr, nullptr);
}

} // namespace

OFCondition commitment_receive(T_ASC_Association *association,
                               T_ASC_PresentationContextID context,
                               const T_DIMSE_N_EventReportRQ &request, int timeout_s,
                               const char *calling_ae, const struct dicom_commitment_sink *sink,
                               Uint16 *ret_status, struct error *why)
{
    Scratch scratch;
    Uint16 status = INVALID_ARGUMENT;
    error_set(why, STATUS_INVALID, "answer to storage commitment: no content");
    if (request.DataSetType != DIMSE_DATASET_NULL) {
        OFCondition cond =
            receive_file(association, context, request.AffectedSOPClassUID,
                         request.AffectedSOPInstanceUID, timeout_s, calling_ae, scratch);
        if (cond.bad())
            return cond;
        status = take(request, scratch, sink, why);
    }
    if (status && sink->refused)
        sink->refused(sink->context, status, why);
    T_DIMSE_Message response = {};
    response.CommandField = DIMSE_N_EVENT_REPORT_RSP;
    T_DIMSE_N_EventReportRSP &body = response.msg.NEventReportRSP;
    body.MessageIDBeingRespondedTo = request.MessageID;
    body.DimseStatus = status;
    body.DataSetType = DIMSE_DATASET_NULL;
    body.EventTypeID = request.EventTypeID;
    body.opts = O_NEVENTREPORT_AFFECTEDSOPCLASSUID | O_NEVENTREPORT_AFFECTEDSOPINSTANCEUID |
                O_NEVENTREPORT_EVENTTYPEID;
    OFStandard::strlcpy(body.AffectedSOPClassUID, request.AffectedSOPClassUID,
                        sizeof body.AffectedSOPClassUID);
    OFStandard::strlcpy(body.AffectedSOPInstanceUID, request.AffectedSOPInstanceUID,
                        sizeof body.AffectedSOPInstanceUID);
    *ret_status = status;
    return DIMSE_sendMessageUsingMemoryData(association, context, &response, nullptr, nullptr,
                                            nullptr, nullptr);
}

OFCondition commitment_refuse(T_ASC_Association *association, T_ASC_PresentationContextID context,
                              const T_DIMSE_N_ActionRQ &request, int timeout_s)
{
    DIC_UL bytes = 0, parts = 0;
    if (request.DataSetType != DIMSE_DATASET_NULL) {
        OFCondition cond =
            DIMSE_ignoreDataSet(association, DIMSE_NONBLOCKING, timeout_s, &bytes, &parts);
        if (cond.bad())
            return cond;
    }
    return respond(association, context, request, PROCESSING_FAILURE);
}

OFCondition commitment_request_receive(T_ASC_Association *association,
                                       T_ASC_PresentationContextID context,
                                       const T_DIMSE_N_ActionRQ &request, int timeout_s,
                                       const char *calling_ae,
                                       const struct dicom_request_sink *sink)
{
    Scratch scratch;
    struct error why = {};
    Uint16 status = INVALID_ARGUMENT;
    error_set(&why, STATUS_INVALID, "request for storage commitment: no content");
    if (request.DataSetType != DIMSE_DATASET_NULL) {
        OFCondition cond =
            receive_file(association, context, request.RequestedSOPClassUID,
                         request.RequestedSOPInstanceUID, timeout_s, calling_ae, scratch);
        if (cond.bad())
            return cond;
        status = take_request(request, scratch, sink, &why);
    }
    if (status && sink->refused)
        sink->refused(sink->context, status, &why);
    return respond(association, context, request, status);
}

extern "C" void dicom_commitment_request_release(struct dicom_commitment_request *request)
{
    free(request->objects);
    request->objects = nullptr;
    request->count = 0;
}

extern "C" int dicom_commitment_request_read(const char *path,
                                             struct dicom_commitment_request *ret_request,
                                             struct error *err)
{
    return shim_guard(err, "read a request for storage commitment",
                      [&]() -> int { return read_request(path, ret_request, err); });
}

extern "C" void dicom_commitment_release(struct dicom_commitment *commitment)
{
    free(commitment->objects);
    commitment->objects = nullptr;
    commitment->count = 0;
}

extern "C" int dicom_commitment_read(const char *path, struct dicom_commitment *ret_commitment,
                                     struct error *err)
{
    return shim_guard(err, "read an answer to storage commitment",
                      [&]() -> int { return read_file(path, ret_commitment, err); });
}
