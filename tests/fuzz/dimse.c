/* libFuzzer target: the messages of an association that was accepted with a context for each service:
 * commands, data sets, requests and answers of storage commitment.
 *
 * An input is a row of fragments, each behind the mark F7 'P' 'D' 'V'; its first two bytes are the
 * presentation context and the message control header (PS3.8 E.2), the rest its content. Lengths are
 * written here: what the fuzzer inserts or cuts away leaves the framing whole, which is the other
 * target's. Seeds: tests/integration/pdu.py FOLDER makes FOLDER/dimse. */
#include <string.h>

#include "session.h"

enum { PDU_REQUEST = 1, PDU_DATA = 4, FRAGMENT_HEAD = 2 };

struct stream {
    uint8_t data[SESSION_BYTES_MAX];
    size_t size;
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return session_setup();
}

static void put(struct stream *to, const void *bytes, size_t count)
{
    if (count > sizeof to->data - to->size)
        count = sizeof to->data - to->size;
    memcpy(to->data + to->size, bytes, count);
    to->size += count;
}

static void put_number(struct stream *to, size_t number, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--)
        put(to, &(uint8_t){(uint8_t)(number >> 8 * i)}, 1);
}

static void put_item(struct stream *to, uint8_t kind, const void *content, size_t size)
{
    put(to, (uint8_t[]){kind, 0}, 2);
    put_number(to, size, 2);
    put(to, content, size);
}

static void put_text(struct stream *to, uint8_t kind, const char *text)
{
    put_item(to, kind, text, strlen(text));
}

static void put_context(struct stream *to, uint8_t id, const char *service, const char *syntax)
{
    struct stream context;
    context.size = 0;
    put(&context, (uint8_t[]){id, 0, 0, 0}, 4);
    put_text(&context, 0x30, service);
    put_text(&context, 0x40, syntax);
    put_item(to, 0x20, context.data, context.size);
}

/* A-ASSOCIATE-RQ (PS3.8 9.3.2) */
static void put_request(struct stream *to)
{
    static const uint8_t user[] = {0x51, 0, 0, 4, 0, 0, 0x40, 0, 0x52, 0, 0, 5, '1', '.', '2', '.', '3'};
    struct stream body;
    body.size = 0;
    put_number(&body, 1 << 16, 4); /* the protocol's version, and two reserved bytes */
    put(&body, "AXNODE          FUZZ            ", 32);
    put(&body, (uint8_t[32]){0}, 32);
    put_text(&body, 0x10, "1.2.840.10008.3.1.1.1");
    put_context(&body, 1, "1.2.840.10008.1.1", "1.2.840.10008.1.2");
    put_context(&body, 3, "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.1.2.1");
    put_context(&body, 5, "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.1.2.4.50"); /* JPEG */
    put_context(&body, 7, "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.1.2");
    put_context(&body, 9, "1.2.840.10008.1.20.1", "1.2.840.10008.1.2");
    put_context(&body, 11, "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.1.2.1.99"); /* deflated */
    put_context(&body, 13, "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.1.2.2"); /* big endian */
    put_context(&body, 15, "1.2.840.10008.1.20.1", "1.2.840.10008.1.2.1");
    put_item(&body, 0x50, user, sizeof user);
    put(to, (uint8_t[]){PDU_REQUEST, 0}, 2);
    put_number(to, body.size, 4);
    put(to, body.data, body.size);
}

static void put_fragment(struct stream *to, const uint8_t *fragment, size_t size)
{
    put(to, (uint8_t[]){PDU_DATA, 0}, 2);
    put_number(to, size + 4, 4);
    put_number(to, size, 4);
    put(to, fragment, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mark[] = {0xF7, 'P', 'D', 'V'};
    const uint8_t *end = data + size, *at = memmem(data, size, mark, sizeof mark);
    struct stream stream;
    stream.size = 0;
    put_request(&stream);
    while (at) {
        const uint8_t *fragment = at + sizeof mark;
        at = memmem(fragment, (size_t)(end - fragment), mark, sizeof mark);
        size_t length = (size_t)((at ? at : end) - fragment);
        if (length >= FRAGMENT_HEAD)
            put_fragment(&stream, fragment, length);
    }
    put(&stream, (uint8_t[]){5, 0, 0, 0, 0, 4, 0, 0, 0, 0}, 10); /* A-RELEASE-RQ */
    session_run(stream.data, stream.size);
    return 0;
}
