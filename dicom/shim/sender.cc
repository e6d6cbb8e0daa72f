#include "dicom/shim/header.h"
#include "dicom/shim/sender.h"
#include "dicom/shim/text.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <dcmtk/dcmdata/dcostrmb.h>
#include <dcmtk/dcmnet/diutil.h>

extern "C" {
#include "base/digest.h"
#include "dicom/receiver.h"
#include "dicom/sender.h"
}

int sender_unavailable(struct error *err, const OFCondition &why, const std::string &name,
                       const char *what)
{
    return shim_error(err, STATUS_UNAVAILABLE, why, "%s %s", what, name.c_str());
}

static int check_peer(const struct dicom_peer *peer, size_t contexts, struct error *err)
{
    if (!*peer->ae_title || strlen(peer->ae_title) > 16 || !*peer->our_ae ||
        strlen(peer->our_ae) > 16)
        return error_set(err, STATUS_INVALID, "an AE title has 1 to 16 characters");
    if (!*peer->host || strlen(peer->host) > 63 || peer->port < 1 || peer->port > 65535)
        return error_set(err, STATUS_INVALID, "%s: not a host of at most 63 characters and a port",
                         peer->host);
    if (peer->pdu_bytes_max < DICOM_PDU_BYTES_MIN || peer->pdu_bytes_max > DICOM_PDU_BYTES_MAX)
        return error_set(err, STATUS_INVALID, "a PDU has %d to %d bytes", DICOM_PDU_BYTES_MIN,
                         DICOM_PDU_BYTES_MAX);
    if (contexts + peer->commitment + peer->commitment_scp < 1 || contexts > DICOM_CONTEXTS_MAX)
        return error_set(err, STATUS_INVALID, "1 to %d contexts can be proposed",
                         DICOM_CONTEXTS_MAX);
    return 0;
}

static void propose(T_ASC_Parameters *params, const struct dicom_context *contexts, size_t count,
                    const struct dicom_peer *peer)
{
    const char *plain[] = {UID_LittleEndianExplicitTransferSyntax,
                           UID_LittleEndianImplicitTransferSyntax};
    int id = 1;
    for (size_t i = 0; i < count; i++) {
        bool repeated = false;
        for (size_t k = 0; k < i && !repeated; k++)
            repeated =
                strcmp(contexts[k].sop_class_uid, contexts[i].sop_class_uid) == 0 &&
                strcmp(contexts[k].transfer_syntax_uid, contexts[i].transfer_syntax_uid) == 0;
        if (repeated)
            continue;
        const char *syntax = contexts[i].transfer_syntax_uid;
        shim_check(ASC_addPresentationContext(params, static_cast<T_ASC_PresentationContextID>(id),
                                              contexts[i].sop_class_uid, &syntax, 1));
        id += 2;
    }
    if ((peer->commitment || peer->commitment_scp) && id <= 255)
        shim_check(ASC_addPresentationContext(
            params, static_cast<T_ASC_PresentationContextID>(id),
            UID_StorageCommitmentPushModelSOPClass, plain, 2,
            peer->commitment_scp ? ASC_SC_ROLE_SCP : ASC_SC_ROLE_DEFAULT));
}

static std::string reason_of_rejection(T_ASC_Association *association)
{
    T_ASC_RejectParameters rejected;
    OFString text;
    if (!association || ASC_getRejectParameters(association->params, &rejected).bad())
        return "";
    std::string lines = ASC_printRejectParameters(text, &rejected).c_str();
    for (size_t at; (at = lines.find('\n')) != std::string::npos;)
        lines.replace(at, 1, ", ");
    return lines;
}

static bool given(const char *text)
{
    return text && *text;
}

static int use_tls(struct dicom_sender *sender, const struct dicom_peer *peer, struct error *err)
{
    if (!peer->tls)
        return 0;
    sender->tls = std::make_unique<TlsLayer>(NET_REQUESTOR);
    struct dicom_tls_settings settings = *peer->tls;
    settings.require_certificate = true;
    int r = sender->tls->load(settings, err);
    if (r == 0 && !given(peer->certificate_sha256))
        r = sender->tls->expect(
            given(peer->certificate_name) ? peer->certificate_name : peer->host, err);
    if (r == 0)
        shim_check(ASC_setTransportLayer(sender->peer.network, sender->tls->layer(), 0));
    return r;
}

static int check_fingerprint(struct dicom_sender *sender, const struct dicom_peer *peer,
                             struct error *err)
{
    if (!peer->tls || !given(peer->certificate_sha256))
        return 0;
    unsigned long size = ASC_getPeerCertificateLength(sender->peer.association);
    std::vector<unsigned char> certificate(size);
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_TEXT_SIZE];
    size = size ? ASC_getPeerCertificate(sender->peer.association, certificate.data(), size) : 0;
    digest_bytes(certificate.data(), size, digest);
    digest_format(digest, text);
    if (size && strcmp(text, peer->certificate_sha256) == 0)
        return 0;
    sender->broken = true;
    return error_set(err, STATUS_UNAVAILABLE, "%s showed another certificate than its own",
                     sender->name.c_str());
}

/* What a person may look at. */
static void hint_rejected(T_ASC_Association *association, struct error *err)
{
    T_ASC_RejectParameters rejected;
    if (!association || ASC_getRejectParameters(association->params, &rejected).bad())
        return;
    switch (rejected.reason) {
    case ASC_REASON_SU_CALLEDAETITLENOTRECOGNIZED:
        error_hint(err, "the peer has another AE title than the one it was called by");
        break;
    case ASC_REASON_SU_CALLINGAETITLENOTRECOGNIZED:
        error_hint(err, "the peer does not know our AE title, or not from this address: enter both "
                        "there");
        break;
    case ASC_REASON_SP_PRES_TEMPORARYCONGESTION:
    case ASC_REASON_SP_PRES_LOCALLIMITEXCEEDED:
        error_hint(err, "the peer has no room for now: try again");
        break;
    default: break;
    }
}

static void hint_unreachable(const OFCondition &cond, struct error *err)
{
    const char *text = cond.text();
    if (strstr(text, "refused"))
        error_hint(err, "nothing listens at that address and port, or a firewall says no");
    else if (cond == DUL_READTIMEOUT || strstr(text, "timed out") || strstr(text, "Timeout"))
        error_hint(err, "no answer in time: check address and port, and the firewall between");
    else if (cond.code() == DULC_UNKNOWNHOST)
        error_hint(err, "no such host: check the name");
    else if (cond == DUL_NETWORKCLOSED || cond == DUL_PEERABORTEDASSOCIATION)
        error_hint(err, "it hung up: is the port one of DICOM, and without TLS as we called it?");
}

static int not_associated(struct dicom_sender *sender, const OFCondition &cond, struct error *err)
{
    if (cond == DUL_ASSOCIATIONREJECTED) {
        error_set(err, STATUS_UNAVAILABLE, "%s rejected the association", sender->name.c_str());
        error_detail(err, "%s", reason_of_rejection(sender->peer.association).c_str());
        hint_rejected(sender->peer.association, err);
        return STATUS_UNAVAILABLE;
    }
    sender_unavailable(err, cond, sender->name, "no association with");
    if (sender->tls && sender->tls->fault() != DICOM_TLS_NONE)
        error_detail(err, "%s", dicom_tls_fault_text(sender->tls->fault()));
    else
        hint_unreachable(cond, err);
    return STATUS_UNAVAILABLE;
}

static int connect(struct dicom_sender *sender, const struct dicom_peer *peer,
                   const struct dicom_context *contexts, size_t count, struct error *err)
{
    association_set_timeouts(peer->connect_timeout_s, peer->dimse_timeout_s);
    shim_check(
        ASC_initializeNetwork(NET_REQUESTOR, 0, peer->handshake_timeout_s, &sender->peer.network));
    int r = use_tls(sender, peer, err);
    if (r < 0)
        return r;
    T_ASC_Parameters *params = nullptr;
    shim_check(ASC_createAssociationParameters(&params, static_cast<long>(peer->pdu_bytes_max)));
    auto destroy = [](T_ASC_Parameters *p) { ASC_destroyAssociationParameters(&p); };
    std::unique_ptr<T_ASC_Parameters, decltype(destroy)> owned(params, destroy);
    std::string address = std::string(peer->host) + ":" + std::to_string(peer->port);
    shim_check(ASC_setAPTitles(params, peer->our_ae, peer->ae_title, nullptr));
    shim_check(ASC_setTransportLayerType(params, peer->tls != nullptr));
    shim_check(
        ASC_setPresentationAddresses(params, OFStandard::getHostName().c_str(), address.c_str()));
    association_set_implementation(params);
    propose(params, contexts, count, peer);
    OFCondition cond =
        ASC_requestAssociation(sender->peer.network, params, &sender->peer.association, nullptr,
                               nullptr, DUL_NOBLOCK, peer->handshake_timeout_s);
    if (sender->peer.association)
        owned.release(); /* the association's from here on */
    return cond.bad() ? not_associated(sender, cond, err) : check_fingerprint(sender, peer, err);
}

static int sender_open(const struct dicom_peer *peer, const struct dicom_context *contexts,
                       size_t count, struct dicom_sender **ret_sender, struct error *err)
{
    int r = check_peer(peer, count, err);
    if (r < 0)
        return r;
    auto sender = std::make_unique<struct dicom_sender>();
    sender->name =
        std::string(peer->ae_title) + " at " + peer->host + ":" + std::to_string(peer->port);
    sender->handshake_timeout_s = peer->handshake_timeout_s;
    sender->dimse_timeout_s = peer->dimse_timeout_s;
    sender->broken = false;
    r = connect(sender.get(), peer, contexts, count, err);
    if (r == 0)
        *ret_sender = sender.release();
    return r;
}

extern "C" int dicom_sender_open(const struct dicom_peer *peer,
                                 const struct dicom_context *contexts, size_t count,
                                 struct dicom_sender **ret_sender, struct error *err)
{
    return shim_guard(err, "open an association",
                      [&]() -> int { return sender_open(peer, contexts, count, ret_sender, err); });
}

extern "C" void dicom_sender_close(struct dicom_sender *sender)
{
    if (!sender)
        return;
    shim_guard(nullptr, "close the association", [&]() -> int {
        if (!sender->broken)
            ASC_releaseAssociation(sender->peer.association);
        delete sender;
        return 0;
    });
}

static OFCondition send_part(T_ASC_Association *association, T_ASC_PresentationContextID context,
                             DUL_DATAPDV type, void *bytes, size_t n, bool last)
{
    DUL_PDV part = {};
    part.fragmentLength = static_cast<unsigned long>(n);
    part.presentationContextID = context;
    part.pdvType = type;
    part.lastPDV = last;
    part.data = bytes;
    DUL_PDVLIST list = {};
    list.count = 1;
    list.pdv = &part;
    return DUL_WritePDVs(&association->DULassociation, &list);
}

/* DIMSE_sendMessage sends data sets only after encoding them anew, and no command without its
 * data set: so the command (PS3.7 9.3.1.1) is encoded here. */
static OFCondition send_command(T_ASC_Association *association, T_ASC_PresentationContextID context,
                                Uint16 message, const struct dicom_instance *object)
{
    DcmDataset command;
    ShimItem out(command);
    out.text(DCM_AffectedSOPClassUID, object->sop_class_uid);
    out.us(DCM_CommandField, DIMSE_C_STORE_RQ);
    out.us(DCM_MessageID, message);
    out.us(DCM_Priority, DIMSE_PRIORITY_MEDIUM);
    out.us(DCM_CommandDataSetType, DIMSE_DATASET_PRESENT);
    out.text(DCM_AffectedSOPInstanceUID, object->sop_instance_uid);
    char bytes[512];
    DcmOutputBufferStream stream(bytes, sizeof bytes);
    command.transferInit();
    shim_check(command.write(stream, EXS_LittleEndianImplicit, EET_ExplicitLength, nullptr,
                             EGL_withGL, EPD_withoutPadding));
    command.transferEnd();
    void *encoded = nullptr;
    offile_off_t length = 0;
    stream.flushBuffer(encoded, length);
    return send_part(association, context, DUL_COMMANDPDV, encoded, static_cast<size_t>(length),
                     true);
}

/* The file's bytes from `at` to its end. An unreadable file leaves a message begun: the caller
 * must not go on with this association. */
static int send_file(struct dicom_sender *sender, T_ASC_PresentationContextID context, int fd,
                     const char *path, const struct dicom_scan *scan, struct error *err)
{
    T_ASC_Association *association = sender->peer.association;
    std::vector<char> part(association->sendPDVLength);
    uint64_t at = scan->data_set_offset;
    while (at < scan->file_bytes) {
        uint64_t left = scan->file_bytes - at;
        size_t n = left < part.size() ? static_cast<size_t>(left) : part.size();
        ssize_t got = pread(fd, part.data(), n, static_cast<off_t>(at));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot read %s", path);
        if (static_cast<size_t>(got) != n)
            return error_set(err, STATUS_INVALID, "%s: the file became shorter", path);
        at += n;
        OFCondition cond =
            send_part(association, context, DUL_DATASETPDV, part.data(), n, at == scan->file_bytes);
        if (cond.bad())
            return sender_unavailable(err, cond, sender->name, "lost the connection to");
    }
    return 0;
}

enum dicom_delivery dicom_delivery_of_status(uint16_t status)
{
    if (status >> 8 == 0xa7 || status == 0x0110 || status == 0x0213)
        return DICOM_TRY_LATER;
    bool warning = status >> 12 == 0xb || status == 0x0001 || status == 0x0107 || status == 0x0116;
    return status == 0 || warning || status == 0x0111 ? DICOM_DELIVERED : DICOM_REFUSED;
}

extern "C" const char *dicom_delivery_name(enum dicom_delivery delivery)
{
    switch (delivery) {
    case DICOM_DELIVERED: return "delivered";
    case DICOM_TRY_LATER: return "try later";
    case DICOM_REFUSED: return "refused";
    }
    return "unknown";
}

static void describe(Uint16 status, DcmDataset *detail, struct dicom_store_reply *ret_reply)
{
    struct dicom_store_reply reply = {};
    char comment[65] = "";
    OFString sent;
    if (detail && detail->findAndGetOFString(DCM_ErrorComment, sent).good()) {
        for (size_t i = 0; i < sent.length(); i++)
            if (static_cast<unsigned char>(sent[i]) >= 0x80)
                sent[i] = '?';
        text_copy(sent.c_str(), sent.length(), comment, sizeof comment);
    }
    reply.status = status;
    reply.delivery = dicom_delivery_of_status(status);
    snprintf(reply.text, sizeof reply.text, "0x%04X %s%s%s", status, DU_cstoreStatusString(status),
             *comment ? ": " : "", comment);
    *ret_reply = reply;
}

static int receive_reply(struct dicom_sender *sender, Uint16 message,
                         struct dicom_store_reply *ret_reply, struct error *err)
{
    T_DIMSE_Message answer = {};
    T_ASC_PresentationContextID context = 0;
    DcmDataset *detail = nullptr;
    OFCondition cond = DIMSE_receiveCommand(sender->peer.association, DIMSE_NONBLOCKING,
                                            sender->dimse_timeout_s, &context, &answer, &detail);
    std::unique_ptr<DcmDataset> owned(detail);
    if (cond.bad() || cond == DUL_PEERREQUESTEDRELEASE)
        return sender_unavailable(err, cond, sender->name, "no answer to C-STORE from");
    if (answer.CommandField != DIMSE_C_STORE_RSP ||
        answer.msg.CStoreRSP.MessageIDBeingRespondedTo != message)
        return error_set(err, STATUS_UNAVAILABLE, "%s answered something else to C-STORE",
                         sender->name.c_str());
    describe(answer.msg.CStoreRSP.DimseStatus, detail, ret_reply);
    return 0;
}

/* Closes a file on every way out. */
struct File {
    explicit File(int opened) : fd(opened)
    {
    }
    ~File()
    {
        if (fd >= 0)
            close(fd);
    }
    int fd;
};

static int store(struct dicom_sender *sender, const char *path, struct dicom_store_reply *ret_reply,
                 struct error *err)
{
    struct dicom_instance object = {};
    Header header;
    const struct dicom_scan &scan = header.scan;
    if (sender->broken)
        return error_set(err, STATUS_UNAVAILABLE, "the association with %s is over",
                         sender->name.c_str());
    int r = header.load(path, path, UINT64_MAX, err);
    if (r == 0)
        r = header_read_uids(header.dataset(), path, &object, err);
    if (r == 0 && (scan.file_bytes - scan.data_set_offset) % 2)
        r = error_set(err, STATUS_INVALID, "%s: a data set of odd length", path);
    if (r == 0 && scan.deflated)
        r = error_set(err, STATUS_UNSUPPORTED, "%s: deflated objects are not sent", path);
    if (r < 0)
        return r;
    T_ASC_PresentationContextID context = ASC_findAcceptedPresentationContextID(
        sender->peer.association, object.sop_class_uid, scan.transfer_syntax_uid);
    if (context == 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s does not accept class %s as %s",
                         sender->name.c_str(), object.sop_class_uid, scan.transfer_syntax_uid);
    File file(open(path, O_RDONLY | O_CLOEXEC));
    if (file.fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read %s", path);
    Uint16 message = sender->peer.association->nextMsgID++;
    sender->broken = true; /* until the answer is here */
    OFCondition cond = send_command(sender->peer.association, context, message, &object);
    if (cond.bad())
        return sender_unavailable(err, cond, sender->name, "lost the connection to");
    r = send_file(sender, context, file.fd, path, &scan, err);
    if (r == 0)
        r = receive_reply(sender, message, ret_reply, err);
    sender->broken = r < 0;
    return r;
}

extern "C" int dicom_sender_store(struct dicom_sender *sender, const char *path,
                                  struct dicom_store_reply *ret_reply, struct error *err)
{
    return shim_guard(err, "send the object",
                      [&]() -> int { return store(sender, path, ret_reply, err); });
}

extern "C" int dicom_context_read(const char *path, struct dicom_context *ret_context,
                                  struct error *err)
{
    return shim_guard(err, "read DICOM header", [&]() -> int {
        struct dicom_instance object = {};
        Header header;
        int r = header.load(path, path, UINT64_MAX, err);
        if (r == 0)
            r = header_read_uids(header.dataset(), path, &object, err);
        if (r < 0)
            return r;
        memcpy(ret_context->sop_class_uid, object.sop_class_uid, UID_SIZE);
        memcpy(ret_context->transfer_syntax_uid, header.scan.transfer_syntax_uid, UID_SIZE);
        return 0;
    });
}

static int echo(struct dicom_sender *sender, struct error *err)
{
    Uint16 status = 0;
    DcmDataset *detail = nullptr;
    OFCondition cond =
        DIMSE_echoUser(sender->peer.association, sender->peer.association->nextMsgID++,
                       DIMSE_NONBLOCKING, sender->dimse_timeout_s, &status, &detail);
    delete detail;
    sender->broken = cond.bad();
    if (cond.bad())
        return sender_unavailable(err, cond, sender->name, "no answer to C-ECHO from");
    if (status != 0)
        return error_set(err, STATUS_UNAVAILABLE, "%s answered C-ECHO with status 0x%04X",
                         sender->name.c_str(), status);
    return 0;
}

extern "C" int dicom_echo(const struct dicom_peer *peer, struct error *err)
{
    struct dicom_context context = {UID_VerificationSOPClass,
                                    UID_LittleEndianImplicitTransferSyntax};
    struct dicom_sender *sender = nullptr;
    int r = dicom_sender_open(peer, &context, 1, &sender, err);
    if (r == 0)
        r = shim_guard(err, "send C-ECHO", [&]() -> int { return echo(sender, err); });
    dicom_sender_close(sender);
    return r;
}
