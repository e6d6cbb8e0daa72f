#include "dicom/shim/association.h"
#include "dicom/shim/commitment.h"
#include "dicom/shim/contexts.h"
#include "dicom/shim/header.h"
#include "dicom/shim/text.h"
#include "dicom/shim/tls.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

extern "C" {
#include "dicom/receiver.h"
}

namespace
{

/* PS3.7 annex C and PS3.4 B.2.3 */
const Uint16 STATUS_PROCESSING_FAILURE = 0x0110;
const Uint16 STATUS_OUT_OF_RESOURCES = 0xa700;
const Uint16 STATUS_OTHER_CLASS = 0xa900;
const Uint16 STATUS_NOT_UNDERSTOOD = 0xc000;

/* One C-STORE while it is received. */
struct Incoming {
    const T_DIMSE_C_StoreRQ *request;
    T_ASC_PresentationContextID context;
    int fd = -1;          /* -1: begin failed, the data set is read and thrown away */
    off_t receipt_at = 0; /* where in the file the time of receipt stands */
    struct dicom_received object = {};
};

class Session
{
  public:
    Session(int fd, const struct dicom_receiver_settings *settings,
            const struct dicom_receiver_sink *sink, struct dicom_association_result *result,
            struct error *err)
        : fd_(fd), settings_(settings), sink_(sink), result_(result), err_(err)
    {
    }
    int run();

  private:
    int await_first_byte();
    OFCondition receive_request();
    int no_request(const OFCondition &cond, int64_t until);
    int tls_failed(enum dicom_tls_fault fault);
    int establish();
    enum dicom_refusal admit(struct dicom_permission *ret_permission);
    int reject(T_ASC_RejectParametersReason reason, const char *why);
    int refuse(enum dicom_refusal refusal);
    int commitment(const T_DIMSE_N_EventReportRQ &request, T_ASC_PresentationContextID context);
    int request(const T_DIMSE_N_ActionRQ &request, T_ASC_PresentationContextID context);
    int serve();
    int wait_for_message();
    int message_failed(const OFCondition &cond);
    int answer(T_DIMSE_Message &message, T_ASC_PresentationContextID context);
    int store(const T_DIMSE_C_StoreRQ &request, T_ASC_PresentationContextID context);
    void write_meta(Incoming &in, ShimConsumer &file);
    Uint16 receive(Incoming &in, ShimConsumer &file, struct error *why);
    Uint16 check_object(Incoming &in, struct error *why);
    Uint16 keep_object(Incoming &in, struct error *why);
    /* Note how it ended; status 0 is no error. */
    int end(enum dicom_association_end end, int status, const char *reason)
    {
        result_->end = end;
        result_->reason = reason;
        return status == 0 ? 0 : error_set(err_, status, "%s", reason);
    }
    int abort(enum dicom_association_end how, int status, const char *reason)
    {
        tell_abort();
        return end(how, status, reason);
    }
    /* Send A-ABORT. DCMTK would then wait for the peer's last bytes, up to a whole timeout. */
    void tell_abort()
    {
        shutdown(fd_, SHUT_RD);
        ASC_abortAssociation(peer_.association);
    }
    bool peer_closed() const;
    bool stopping() const
    {
        return settings_->stop && *settings_->stop;
    }
    const struct clock *clock() const
    {
        return settings_->clock ? settings_->clock : clock_system();
    }

    int fd_; /* ours, beside DCMTK's duplicate of it */
    const struct dicom_receiver_settings *settings_;
    const struct dicom_receiver_sink *sink_;
    struct dicom_association_result *result_;
    struct error *err_;
    Association peer_;
};

bool Session::peer_closed() const
{
    char byte;
    ssize_t left = recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return left == 0 || (left < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

int Session::reject(T_ASC_RejectParametersReason reason, const char *why)
{
    T_ASC_RejectParameters parameters = {ASC_RESULT_REJECTEDPERMANENT, ASC_SOURCE_SERVICEUSER,
                                         reason};
    ASC_rejectAssociation(peer_.association, &parameters);
    return end(DICOM_END_REJECTED, 0, why);
}

int Session::refuse(enum dicom_refusal refusal)
{
    result_->refusal = refusal;
    switch (refusal) {
    case DICOM_REFUSED_CALLED_AE:
        return reject(ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED, dicom_refusal_text(refusal));
    case DICOM_REFUSED_CONTEXTS:
        return reject(ASC_REASON_SU_NOREASON, dicom_refusal_text(refusal));
    default:
        /* A stranger learns no more than that. */
        return reject(ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED, dicom_refusal_text(refusal));
    }
}

/* 1: something comes, and it is TLS where TLS is due. */
int Session::await_first_byte()
{
    const unsigned char TLS_HANDSHAKE = 0x16;
    unsigned char byte = 0;
    struct pollfd wait = {fd_, POLLIN, 0};
    int ready;
    do
        ready = poll(&wait, 1, settings_->handshake_timeout_s * 1000);
    while (ready < 0 && errno == EINTR && !stopping());
    if (ready <= 0)
        return end(DICOM_END_TIMEOUT, STATUS_UNAVAILABLE, "no association request in time");
    if (recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1)
        return end(DICOM_END_ABORTED, 0, "closed before an association request");
    if (settings_->tls && byte != TLS_HANDSHAKE)
        return tls_failed(DICOM_TLS_NOT_TLS);
    if (!settings_->tls && byte == TLS_HANDSHAKE)
        return end(DICOM_END_FAILED, STATUS_INVALID, "TLS on the port without TLS");
    return 1;
}

int Session::tls_failed(enum dicom_tls_fault fault)
{
    result_->tls_fault = fault;
    return end(DICOM_END_FAILED, STATUS_INVALID, dicom_tls_fault_text(fault));
}

/* DCMTK takes the accepted socket from a variable of the process instead of listening. */
OFCondition Session::receive_request()
{
    int theirs = dup(fd_);
    if (theirs < 0)
        throw std::bad_alloc();
    dcmExternalSocketHandle.set(theirs);
    OFCondition cond =
        ASC_initializeNetwork(NET_ACCEPTOR, 0, settings_->handshake_timeout_s, &peer_.network);
    if (cond.good() && settings_->tls)
        cond = ASC_setTransportLayer(peer_.network, settings_->tls->layer.layer(), 0);
    if (cond.good())
        cond = ASC_receiveAssociation(peer_.network, &peer_.association,
                                      static_cast<long>(settings_->pdu_bytes_max), nullptr, nullptr,
                                      settings_->tls != nullptr, DUL_NOBLOCK,
                                      settings_->handshake_timeout_s);
    dcmExternalSocketHandle.set(DCMNET_INVALID_SOCKET);
    if (!peer_.association || !peer_.association->DULassociation)
        close(theirs); /* nobody else will */
    return cond;
}

/* What it means that no request could be read; 1: there is one. */
int Session::no_request(const OFCondition &cond, int64_t until)
{
    const TlsLayer *tls = settings_->tls ? &settings_->tls->layer : nullptr;
    if (tls && tls->fault() != DICOM_TLS_NONE)
        return tls_failed(tls->fault());
    if (peer_closed()) /* which DCMTK takes for a request without content */
        return tls && !tls->done()
                   ? tls_failed(DICOM_TLS_BROKEN)
                   : end(DICOM_END_ABORTED, 0, "closed before an association request");
    if (cond.good())
        return 1;
    if (clock_monotonic_us(clock()) >= until)
        return end(DICOM_END_TIMEOUT, STATUS_UNAVAILABLE, "no association request in time");
    if (tls && !tls->done())
        return tls_failed(DICOM_TLS_BROKEN);
    int r = end(DICOM_END_FAILED, STATUS_INVALID, "no valid association request");
    error_detail(err_, "%s", cond.text());
    return r;
}

enum dicom_refusal Session::admit(struct dicom_permission *ret_permission)
{
    unsigned long size = ASC_getPeerCertificateLength(peer_.association);
    std::vector<unsigned char> certificate(size);
    if (size)
        size = ASC_getPeerCertificate(peer_.association, certificate.data(), size);
    struct dicom_caller caller = {result_->calling_ae, result_->called_ae,
                                  settings_->tls != nullptr, size ? certificate.data() : nullptr,
                                  size};
    if (settings_->check_called_ae && strcmp(result_->called_ae, settings_->ae_title) != 0)
        return DICOM_REFUSED_CALLED_AE;
    *ret_permission = {true, true, false};
    return settings_->admit ? settings_->admit(settings_->admit_context, &caller, ret_permission)
                            : DICOM_ADMITTED;
}

int Session::establish()
{
    int64_t until = clock_monotonic_us(clock()) + settings_->handshake_timeout_s * INT64_C(1000000);
    int r = await_first_byte();
    if (r == 1)
        r = no_request(receive_request(), until);
    if (r != 1)
        return r;
    T_ASC_Parameters *params = peer_.association->params;
    char calling[64] = "", called[64] = "", application[128] = "";
    ASC_getAPTitles(params, calling, sizeof calling, called, sizeof called, nullptr, 0);
    text_copy(calling, strlen(calling), result_->calling_ae, sizeof result_->calling_ae);
    text_copy(called, strlen(called), result_->called_ae, sizeof result_->called_ae);
    ASC_getApplicationContextName(params, application, sizeof application);
    if (strcmp(application, UID_StandardApplicationContext) != 0)
        return reject(ASC_REASON_SU_APPCONTEXTNAMENOTSUPPORTED, "unknown application context");
    struct dicom_permission may = {};
    enum dicom_refusal refusal = admit(&may);
    if (refusal != DICOM_ADMITTED)
        return refuse(refusal);
    contexts_negotiate(params, settings_, may, settings_->commitment != nullptr);
    if (ASC_countAcceptedPresentationContexts(params) == 0)
        return refuse(DICOM_REFUSED_CONTEXTS);
    association_set_implementation(params);
    shim_check(ASC_acknowledgeAssociation(peer_.association));
    return 1;
}

int Session::wait_for_message()
{
    int64_t until = clock_monotonic_us(clock()) + settings_->idle_timeout_s * INT64_C(1000000);
    do {
        if (stopping())
            return abort(DICOM_END_STOPPED, 0, "the service is stopping");
        if (ASC_dataWaiting(peer_.association, 1))
            return 1;
    } while (clock_monotonic_us(clock()) < until);
    return abort(DICOM_END_TIMEOUT, STATUS_UNAVAILABLE, "the peer fell silent between messages");
}

int Session::message_failed(const OFCondition &cond)
{
    if (cond == DUL_PEERREQUESTEDRELEASE) {
        ASC_acknowledgeRelease(peer_.association);
        return end(DICOM_END_RELEASED, 0, "released by the peer");
    }
    if (cond == DUL_PEERABORTEDASSOCIATION || cond == DUL_NETWORKCLOSED || peer_closed())
        return end(DICOM_END_ABORTED, 0, "aborted by the peer");
    if (cond == DIMSE_NODATAAVAILABLE || cond == DUL_READTIMEOUT)
        return abort(DICOM_END_TIMEOUT, STATUS_UNAVAILABLE, "the peer fell silent in a message");
    int r = abort(DICOM_END_FAILED, STATUS_INVALID, "the peer broke the protocol");
    error_detail(err_, "%s", cond.text());
    return r;
}

/* The file's head: our file meta information, with zeros where the time of receipt will stand.
 * Private Information (0002,0102) is its last element and the time the element's end, so its
 * place follows from the length. The width makes the value's length even: no padding. */
void Session::write_meta(Incoming &in, ShimConsumer &file)
{
    std::string receipt = std::string("peer=") + settings_->peer_address +
                          ";association=" + settings_->association + ";received_us=";
    size_t digits = receipt.size() % 2 ? 17 : 16;
    receipt.append(digits, '0');

    DcmMetaInfo meta;
    shim_meta_fill(meta, in.object.sop_class_uid, in.object.sop_instance_uid,
                   in.object.transfer_syntax_uid);
    ShimItem out(meta);
    out.text(DCM_SourceApplicationEntityTitle, in.object.calling_ae);
    out.text(DCM_ReceivingApplicationEntityTitle, in.object.called_ae);
    out.text(DCM_PrivateInformationCreatorUID, SHIM_PRIVATE_INFORMATION_UID);
    shim_check(meta.putAndInsertUint8Array(
        DCM_PrivateInformation, reinterpret_cast<const Uint8 *>(receipt.data()), receipt.size()));
    ShimStream stream(file);
    shim_meta_write(meta, stream);
    in.object.data_set_offset = file.taken();
    in.receipt_at = static_cast<off_t>(file.taken() - digits);
}

Uint16 status_of(int status)
{
    switch (status) {
    case STATUS_LIMIT: return STATUS_OUT_OF_RESOURCES;
    case STATUS_INVALID:
    case STATUS_UNSUPPORTED: return STATUS_NOT_UNDERSTOOD;
    default: return STATUS_PROCESSING_FAILURE;
    }
}

/* What must hold before the object may be kept. */
Uint16 Session::check_object(Incoming &in, struct error *why)
{
    static const char name[] = "received object";
    struct dicom_instance found = {};
    Header header;
    /* The sink may have unlinked or never named its file. */
    std::string path = "/proc/self/fd/" + std::to_string(in.fd);
    int r = header.load(path.c_str(), name, settings_->limits.object_bytes, why);
    if (r == 0)
        r = header_read_uids(header.dataset(), name, &found, why);
    if (r < 0)
        return status_of(r);
    if (strcmp(found.sop_class_uid, in.request->AffectedSOPClassUID) != 0 ||
        strcmp(found.sop_instance_uid, in.request->AffectedSOPInstanceUID) != 0) {
        error_set(why, STATUS_INVALID, "%s: UIDs differ between command and data set", name);
        return STATUS_OTHER_CLASS;
    }
    memcpy(in.object.study_instance_uid, found.study_instance_uid, UID_SIZE);
    memcpy(in.object.series_instance_uid, found.series_instance_uid, UID_SIZE);
    return 0;
}

Uint16 Session::keep_object(Incoming &in, struct error *why)
{
    int r = sink_->study(sink_->context, &in.object, why);
    if (r < 0)
        return status_of(r);
    in.object.received_us = clock_realtime_us(clock());
    char digits[24];
    int n =
        snprintf(digits, sizeof digits, "%0*" PRId64,
                 static_cast<int>(static_cast<off_t>(in.object.data_set_offset) - in.receipt_at),
                 in.object.received_us);
    if (pwrite(in.fd, digits, static_cast<size_t>(n), in.receipt_at) != n) {
        error_set_errno(why, STATUS_IO, errno, "cannot write the time of receipt");
        return STATUS_PROCESSING_FAILURE;
    }
    r = sink_->commit(sink_->context, &in.object, why);
    return r < 0 ? status_of(r) : 0;
}

/* A peer that sends on and on past the limit is cut off. */
void stop_flood(void *consumer, unsigned long)
{
    const ShimConsumer *taken = static_cast<const ShimConsumer *>(consumer);
    if (taken->flooded())
        throw ShimFailure{EC_StreamNotifyClient};
}

Uint16 Session::receive(Incoming &in, ShimConsumer &file, struct error *why)
{
    ShimStream stream(file);
    T_ASC_PresentationContextID context = 0;
    shim_check(DIMSE_receiveDataSetInFile(peer_.association, DIMSE_NONBLOCKING,
                                          settings_->dimse_timeout_s, &context, &stream, stop_flood,
                                          &file));
    in.object.data_set_bytes = file.taken() - in.object.data_set_offset;
    if (in.fd < 0)
        return status_of(why->status);
    if (file.over_limit()) {
        error_set(why, STATUS_LIMIT, "received object: more than %llu bytes",
                  static_cast<unsigned long long>(settings_->limits.object_bytes));
        return STATUS_OUT_OF_RESOURCES;
    }
    if (int failed = file.finish()) {
        error_set_errno(why, STATUS_IO, failed, "cannot write the received object");
        bool full = failed == ENOSPC || failed == EDQUOT || failed == EFBIG;
        return full ? STATUS_OUT_OF_RESOURCES : STATUS_PROCESSING_FAILURE;
    }
    file.write_back(); /* while the object is looked at */
    if (context != in.context) {
        error_set(why, STATUS_INVALID, "received object: another presentation context");
        return STATUS_NOT_UNDERSTOOD;
    }
    Uint16 status = check_object(in, why);
    return status ? status : keep_object(in, why);
}

int Session::store(const T_DIMSE_C_StoreRQ &request, T_ASC_PresentationContextID context)
{
    struct error why = {};
    Incoming in;
    in.request = &request;
    in.context = context;
    T_ASC_PresentationContext accepted;
    shim_check(ASC_findAcceptedPresentationContext(peer_.association->params, context, &accepted));
    OFStandard::strlcpy(in.object.sop_class_uid, request.AffectedSOPClassUID, UID_SIZE);
    OFStandard::strlcpy(in.object.sop_instance_uid, request.AffectedSOPInstanceUID, UID_SIZE);
    OFStandard::strlcpy(in.object.transfer_syntax_uid, accepted.acceptedTransferSyntax, UID_SIZE);
    memcpy(in.object.calling_ae, result_->calling_ae, sizeof in.object.calling_ae);
    memcpy(in.object.called_ae, result_->called_ae, sizeof in.object.called_ae);

    int fd = -1;
    bool begun = sink_->begin(sink_->context, &fd, &why) == 0;
    in.fd = begun ? fd : -1;
    Uint16 status;
    try {
        ShimConsumer file(in.fd, nullptr, settings_->limits.object_bytes);
        write_meta(in, file);
        status = receive(in, file, &why);
    } catch (const ShimFailure &failure) {
        if (begun)
            sink_->abandon(sink_->context);
        return message_failed(failure.why);
    } catch (...) {
        if (begun)
            sink_->abandon(sink_->context);
        throw;
    }
    T_DIMSE_C_StoreRSP response = {};
    response.DimseStatus = status;
    DcmDataset detail;
    if (status == 0) {
        result_->stored++;
        result_->bytes += in.object.data_set_bytes;
    } else {
        result_->refused++;
        if (begun)
            sink_->abandon(sink_->context);
        if (sink_->refused)
            sink_->refused(sink_->context, status, &why);
        char comment[65];
        text_copy(why.message, strlen(why.message), comment, sizeof comment);
        detail.putAndInsertString(DCM_ErrorComment, comment);
    }
    OFCondition cond = DIMSE_sendStoreResponse(peer_.association, context, &request, &response,
                                               status ? &detail : nullptr);
    return cond.bad() ? message_failed(cond) : 1;
}

int Session::commitment(const T_DIMSE_N_EventReportRQ &request, T_ASC_PresentationContextID context)
{
    struct error why = {};
    Uint16 status = 0;
    try {
        OFCondition cond = commitment_receive(peer_.association, context, request,
                                              settings_->dimse_timeout_s, result_->calling_ae,
                                              settings_->commitment, &status, &why);
        if (cond.bad())
            return message_failed(cond);
    } catch (const ShimFailure &failure) {
        return message_failed(failure.why);
    }
    return 1;
}

int Session::request(const T_DIMSE_N_ActionRQ &request, T_ASC_PresentationContextID context)
{
    try {
        OFCondition cond =
            settings_->requests
                ? commitment_request_receive(peer_.association, context, request,
                                             settings_->dimse_timeout_s, result_->calling_ae,
                                             settings_->requests)
                : commitment_refuse(peer_.association, context, request,
                                    settings_->dimse_timeout_s);
        return cond.bad() ? message_failed(cond) : 1;
    } catch (const ShimFailure &failure) {
        return message_failed(failure.why);
    }
}

/* A command counts only on a context that was accepted for its service. */
int Session::answer(T_DIMSE_Message &message, T_ASC_PresentationContextID context)
{
    T_ASC_PresentationContext accepted;
    shim_check(ASC_findAcceptedPresentationContext(peer_.association->params, context, &accepted));
    if (message.CommandField == DIMSE_C_ECHO_RQ && contexts_is_verification(accepted.abstractSyntax)) {
        OFCondition cond = DIMSE_sendEchoResponse(peer_.association, context, &message.msg.CEchoRQ,
                                                  STATUS_Success, nullptr);
        if (cond.bad())
            return message_failed(cond);
        result_->echoes++;
        return 1;
    }
    if (message.CommandField == DIMSE_C_STORE_RQ && contexts_is_storage(accepted.abstractSyntax) &&
        message.msg.CStoreRQ.DataSetType != DIMSE_DATASET_NULL)
        return store(message.msg.CStoreRQ, context);
    if (message.CommandField == DIMSE_N_EVENT_REPORT_RQ && contexts_is_commitment(accepted.abstractSyntax))
        return commitment(message.msg.NEventReportRQ, context);
    if (message.CommandField == DIMSE_N_ACTION_RQ && contexts_is_commitment(accepted.abstractSyntax))
        return request(message.msg.NActionRQ, context);
    return abort(DICOM_END_FAILED, STATUS_INVALID, "the peer sent a command that is not served");
}

/* 1: go on; 0 or an error: the association is over. */
int Session::serve()
{
    int r = wait_for_message();
    if (r != 1)
        return r;
    T_DIMSE_Message message = {};
    T_ASC_PresentationContextID context = 0;
    OFCondition cond =
        DIMSE_receiveCommand(peer_.association, DIMSE_NONBLOCKING, settings_->dimse_timeout_s,
                             &context, &message, nullptr);
    return cond.bad() || cond == DUL_PEERREQUESTEDRELEASE ? message_failed(cond)
                                                          : answer(message, context);
}

int Session::run()
{
    try {
        int r = establish();
        while (r == 1)
            r = serve();
        return r;
    } catch (...) {
        tell_abort();
        throw;
    }
}

} // namespace

extern "C" int dicom_association_serve(int fd, const struct dicom_receiver_settings *settings,
                                       const struct dicom_receiver_sink *sink,
                                       struct dicom_association_result *ret_result,
                                       struct error *err)
{
    struct dicom_association_result result = {};
    result.end = DICOM_END_FAILED;
    result.reason = "internal failure";
    int r = shim_guard(err, "serve the association", [&]() -> int {
        association_set_timeouts(-1, settings->dimse_timeout_s);
        Session session(fd, settings, sink, &result, err);
        return session.run();
    });
    close(fd);
    *ret_result = result;
    return r;
}

const uint8_t dicom_reject_busy[10] = {3, 0, 0, 0, 0, 4, 0, 2, 3, 2};

extern "C" const char *dicom_refusal_text(enum dicom_refusal refusal)
{
    switch (refusal) {
    case DICOM_ADMITTED: return "admitted";
    case DICOM_REFUSED_CALLED_AE: return "called AE title is not ours";
    case DICOM_REFUSED_CALLING_AE: return "calling AE title is not listed";
    case DICOM_REFUSED_ADDRESS: return "calling AE title from an address that is not its peer's";
    case DICOM_REFUSED_WITHOUT_TLS: return "the peer must come by TLS";
    case DICOM_REFUSED_CERTIFICATE: return "the certificate is not the peer's";
    case DICOM_REFUSED_CONTEXTS: return "no proposed context is acceptable";
    }
    return "unknown";
}

extern "C" const char *dicom_association_end_name(enum dicom_association_end end)
{
    switch (end) {
    case DICOM_END_RELEASED: return "released";
    case DICOM_END_ABORTED: return "aborted";
    case DICOM_END_TIMEOUT: return "timeout";
    case DICOM_END_STOPPED: return "stopped";
    case DICOM_END_REJECTED: return "rejected";
    case DICOM_END_FAILED: return "failed";
    }
    return "unknown";
}
