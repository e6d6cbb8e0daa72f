#include "session.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/commitment.h"
#include "dicom/receiver.h"
#include "dicom/setup.h"

int session_setup(void)
{
    return dicom_setup(NULL) < 0 ? -1 : 0;
}

/* What the receiver promises its sinks; a fuzzer's finding when it does not hold. */
static void promised(bool holds)
{
    if (!holds)
        abort();
}

static int begin(void *context, int *ret_fd, struct error *err)
{
    int *fd = context;
    *fd = memfd_create("fuzz-object", MFD_CLOEXEC);
    if (*fd < 0)
        return error_set(err, STATUS_IO, "no file");
    *ret_fd = *fd;
    return 0;
}

static int study(void *context, const struct dicom_received *object, struct error *err)
{
    struct stat file;
    (void)err;
    promised(uid_valid(object->study_instance_uid) && uid_valid(object->series_instance_uid) &&
             uid_valid(object->sop_class_uid) && uid_valid(object->sop_instance_uid));
    promised(fstat(*(int *)context, &file) == 0 &&
             (uint64_t)file.st_size == object->data_set_offset + object->data_set_bytes);
    return 0;
}

static void end(void *context)
{
    int *fd = context;
    close(*fd);
    *fd = -1;
}

static int commit(void *context, const struct dicom_received *object, struct error *err)
{
    (void)object, (void)err;
    end(context);
    return 0;
}

/* What is kept is read again later: the same must come out. */
static int answer(void *context, const struct dicom_commitment *given, const char *path,
                  struct error *err)
{
    struct dicom_commitment again;
    (void)context, (void)err;
    promised(dicom_commitment_read(path, &again, NULL) == 0 && again.count == given->count &&
             strcmp(again.transaction_uid, given->transaction_uid) == 0);
    dicom_commitment_release(&again);
    return 0;
}

static int request(void *context, const struct dicom_commitment_request *given, const char *path,
                   struct error *err)
{
    struct dicom_commitment_request again;
    (void)context, (void)err;
    promised(dicom_commitment_request_read(path, &again, NULL) == 0 &&
             again.count == given->count &&
             strcmp(again.transaction_uid, given->transaction_uid) == 0);
    dicom_commitment_request_release(&again);
    return 0;
}

/* Both ends of a TCP connection: DCMTK asks a socket for its peer's address. */
static int connection_open(int ends[2])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof here;
    int room = 4 * SESSION_BYTES_MAX;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    bool open = bind(listener, (struct sockaddr *)&here, n) == 0 && listen(listener, 1) == 0 &&
                getsockname(listener, (struct sockaddr *)&here, &n) == 0 &&
                connect(ends[0], (struct sockaddr *)&here, n) == 0;
    ends[1] = open ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    close(listener);
    if (ends[1] < 0)
        close(ends[0]);
    return ends[1] < 0 ? -1 : 0;
}

static void serve(int fd)
{
    int file = -1;
    const struct dicom_receiver_sink sink = {&file, begin, study, commit, end, NULL};
    const struct dicom_commitment_sink answers = {NULL, answer, NULL};
    const struct dicom_request_sink requests = {NULL, request, NULL};
    const struct dicom_receiver_settings how = {
        .ae_title = "AXNODE",
        .peer_address = "127.0.0.1",
        .association = "fuzz",
        .pdu_bytes_max = DICOM_PDU_BYTES_MAX,
        .handshake_timeout_s = 1,
        .idle_timeout_s = 1,
        .dimse_timeout_s = 1,
        .limits = {.object_bytes = 1 << 20, .frames = 64, .frame_pixels = 1 << 18},
        .commitment = &answers,
        .requests = &requests};
    struct dicom_association_result result;
    dicom_association_serve(fd, &how, &sink, &result, NULL);
    promised(file < 0);
}

void session_run(const uint8_t *sent, size_t size)
{
    int ends[2];
    if (size > SESSION_BYTES_MAX || connection_open(ends) < 0)
        return;
    if (send(ends[0], sent, size, MSG_NOSIGNAL) == (ssize_t)size) {
        shutdown(ends[0], SHUT_WR);
        serve(ends[1]);
    } else {
        close(ends[1]);
    }
    close(ends[0]);
}
