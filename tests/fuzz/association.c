/* libFuzzer target: what a peer sends over one association, association requests and DIMSE messages,
 * through a connection of this machine. The peer has sent all and closed before it is served.
 * Seeds: tests/integration/pdu.py FOLDER. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dicom/receiver.h"
#include "dicom/setup.h"

enum { BYTES_MAX = 64 << 10 }; /* what the connection holds without anybody who reads */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return dicom_setup(NULL) < 0;
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
    (void)context, (void)object, (void)err;
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

/* Both ends of a TCP connection: DCMTK asks a socket for its peer's address. */
static int connection_open(int ends[2])
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof here;
    int room = 4 * BYTES_MAX;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    bool open = bind(listener, (struct sockaddr *)&here, n) == 0 && listen(listener, 1) == 0 &&
                getsockname(listener, (struct sockaddr *)&here, &n) == 0 &&
                connect(ends[0], (struct sockaddr *)&here, n) == 0;
    ends[1] = open ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    close(listener);
    return ends[1] < 0 ? -1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int file = -1, ends[2];
    const struct dicom_receiver_sink sink = {&file, begin, study, commit, end, NULL};
    const struct dicom_receiver_settings how = {
        .ae_title = "AXNODE",
        .peer_address = "127.0.0.1",
        .association = "fuzz",
        .pdu_bytes_max = DICOM_PDU_BYTES_MAX,
        .handshake_timeout_s = 1,
        .idle_timeout_s = 1,
        .dimse_timeout_s = 1,
        .limits = {.object_bytes = 1 << 20, .frames = 64, .frame_pixels = 1 << 18}};
    struct dicom_association_result result;
    if (size > BYTES_MAX || connection_open(ends) < 0) {
        if (size <= BYTES_MAX)
            close(ends[0]);
        return 0;
    }
    if (send(ends[0], data, size, MSG_NOSIGNAL) == (ssize_t)size) {
        shutdown(ends[0], SHUT_WR);
        dicom_association_serve(ends[1], &how, &sink, &result, NULL);
    } else {
        close(ends[1]);
    }
    close(ends[0]);
    return 0;
}
