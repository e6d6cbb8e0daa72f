#include "dicom/fragments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fragment {
    uint64_t in_file, in_stream;
    uint32_t length;
    bool starts_frame;
};

struct fragments {
    int fd;
    const char *name;
    uint32_t count;
    int frames;
    uint64_t size;       /* of the stream */
    uint64_t first_item; /* where offsets count from */
    uint64_t basic_at;   /* the basic offset table's entries */
    uint32_t basic_bytes;
    uint32_t *firsts; /* [frames + 1]: each frame's first fragment */
    struct fragment fragment[];
};

enum { ITEM_HEAD = 8, START_BYTES = 12 };

static int read_at(int fd, const char *name, uint64_t at, void *ret_bytes, size_t n,
                   struct error *err)
{
    uint8_t *to = ret_bytes;
    while (n > 0) {
        ssize_t got = pread(fd, to, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot read %s", name);
        if (got == 0)
            return error_set(err, STATUS_INVALID, "%s: the file is cut off", name);
        to += got;
        at += (uint64_t)got;
        n -= (size_t)got;
    }
    return 0;
}

static uint64_t little_endian(const uint8_t *bytes, int n)
{
    uint64_t value = 0;
    while (n-- > 0)
        value = value << 8 | bytes[n];
    return value;
}

static int item_length(const struct fragments *f, uint64_t at, uint32_t *ret_length,
                       struct error *err)
{
    uint8_t head[ITEM_HEAD];
    int r = read_at(f->fd, f->name, at, head, sizeof head, err);
    if (r == 0)
        *ret_length = (uint32_t)little_endian(head + 4, 4);
    return r;
}

/* The scan has seen to it that items follow each other in the file. */
static int read_items(struct fragments *f, uint64_t at, struct error *err)
{
    int r = item_length(f, at, &f->basic_bytes, err);
    f->basic_at = at + ITEM_HEAD;
    f->first_item = at = f->basic_at + (r == 0 ? f->basic_bytes : 0);
    for (uint32_t i = 0; r == 0 && i < f->count; i++) {
        struct fragment *fragment = &f->fragment[i];
        r = item_length(f, at, &fragment->length, err);
        fragment->in_file = at + ITEM_HEAD;
        fragment->in_stream = f->size;
        f->size += fragment->length;
        at = fragment->in_file + fragment->length;
    }
    return r;
}

/* True when the marks make as many frames as the header says, the first at the beginning. */
static bool assign(struct fragments *f)
{
    int frame = 0;
    if (f->count == 0 || !f->fragment[0].starts_frame)
        return false;
    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->fragment[i].starts_frame)
            continue;
        if (frame >= f->frames)
            return false;
        f->firsts[frame++] = i;
    }
    f->firsts[frame] = f->count;
    return frame == f->frames;
}

/* A table of offsets of `width` bytes each; every one must be a fragment's start. */
static int assign_by_table(struct fragments *f, uint64_t at, uint64_t bytes, int width,
                           bool *ret_done, struct error *err)
{
    if (bytes / (uint64_t)width != (uint64_t)f->frames)
        return 0;
    uint8_t entry[8];
    uint32_t next = 0;
    for (uint32_t i = 0; i < f->count; i++)
        f->fragment[i].starts_frame = false;
    for (int frame = 0; frame < f->frames; frame++) {
        int r = read_at(f->fd, f->name, at + (uint64_t)frame * (uint64_t)width, entry,
                        (size_t)width, err);
        if (r < 0)
            return r;
        uint64_t offset = little_endian(entry, width);
        while (next < f->count && f->fragment[next].in_file - ITEM_HEAD - f->first_item < offset)
            next++;
        if (next == f->count || f->fragment[next].in_file - ITEM_HEAD - f->first_item != offset)
            return 0;
        f->fragment[next++].starts_frame = true;
    }
    *ret_done = assign(f);
    return 0;
}

static bool starts_picture(enum dicom_codec codec, const uint8_t *bytes)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff}, codestream[] = {0xff, 0x4f, 0xff, 0x51};
    static const uint8_t jp2[] = {0, 0, 0, 12, 'j', 'P', ' ', ' ', 13, 10, 0x87, 10};
    if (codec == DICOM_CODEC_JPEG || codec == DICOM_CODEC_JPEG_LS)
        return memcmp(bytes, jpeg, sizeof jpeg) == 0;
    return codec == DICOM_CODEC_JPEG2000 && (memcmp(bytes, codestream, sizeof codestream) == 0 ||
                                             memcmp(bytes, jp2, sizeof jp2) == 0);
}

static int assign_by_marks(struct fragments *f, enum dicom_codec codec, bool *ret_done,
                           struct error *err)
{
    for (uint32_t i = 0; i < f->count; i++) {
        struct fragment *fragment = &f->fragment[i];
        uint8_t bytes[START_BYTES] = {0};
        size_t n = fragment->length < sizeof bytes ? fragment->length : sizeof bytes;
        int r = read_at(f->fd, f->name, fragment->in_file, bytes, n, err);
        if (r < 0)
            return r;
        fragment->starts_frame = starts_picture(codec, bytes);
    }
    *ret_done = assign(f);
    return 0;
}

static int assign_frames(struct fragments *f, const struct dicom_scan *scan, enum dicom_codec codec,
                         struct error *err)
{
    int r = 0;
    bool done = f->frames == 1 || f->count == (uint32_t)f->frames;
    for (uint32_t i = 0; done && i < f->count; i++)
        f->fragment[i].starts_frame = i == 0 || f->frames > 1;
    if (done)
        done = assign(f);
    if (!done)
        r = assign_by_table(f, scan->extended_at, scan->extended_bytes, 8, &done, err);
    if (r == 0 && !done)
        r = assign_by_table(f, f->basic_at, f->basic_bytes, 4, &done, err);
    if (r == 0 && !done)
        r = assign_by_marks(f, codec, &done, err);
    if (r == 0 && !done)
        r = error_set(err, STATUS_INVALID, "%s: %u fragments cannot be assigned to %d frames",
                      f->name, f->count, f->frames);
    return r;
}

int fragments_open(int fd, const char *name, const struct dicom_scan *scan,
                   const struct dicom_syntax *syntax, int frames, struct fragments **ret_fragments,
                   struct error *err)
{
    struct fragments *f = calloc(1, sizeof *f + scan->fragments * sizeof *f->fragment);
    if (f)
        f->firsts = calloc((size_t)frames + 1, sizeof *f->firsts);
    if (!f || !f->firsts) {
        free(f);
        return error_set(err, STATUS_NOMEM, "cannot read %s: out of memory", name);
    }
    f->fd = fd;
    f->name = name;
    f->count = scan->fragments;
    f->frames = frames;
    int r = read_items(f, scan->pixel_at, err);
    if (r == 0 && !dicom_syntax_video(syntax))
        r = assign_frames(f, scan, syntax->codec, err);
    if (r < 0)
        fragments_close(f);
    else
        *ret_fragments = f;
    return r;
}

void fragments_close(struct fragments *fragments)
{
    if (fragments)
        free(fragments->firsts);
    free(fragments);
}

uint64_t fragments_size(const struct fragments *fragments)
{
    return fragments->size;
}

int fragments_frame(const struct fragments *f, int frame, uint64_t bytes_max,
                    struct buffer *ret_bytes, struct error *err)
{
    uint32_t first = f->firsts[frame], end = f->firsts[frame + 1];
    uint64_t begin = f->fragment[first].in_stream;
    uint64_t n = (end < f->count ? f->fragment[end].in_stream : f->size) - begin;
    if (n > bytes_max)
        return error_set(err, STATUS_LIMIT,
                         "%s: frame %d has %llu compressed bytes, more than %llu", f->name, frame,
                         (unsigned long long)n, (unsigned long long)bytes_max);
    ret_bytes->size = 0;
    char part[16384];
    for (uint64_t at = 0; at < n;) {
        size_t got = 0, wanted = n - at < sizeof part ? (size_t)(n - at) : sizeof part;
        int r = fragments_read(f, begin + at, part, wanted, &got, err);
        if (r == 0)
            r = buffer_add(ret_bytes, part, got, err);
        if (r < 0)
            return r;
        at += got;
    }
    return 0;
}

/* The last fragment that begins at or before `at`. */
static const struct fragment *fragment_at(const struct fragments *f, uint64_t at)
{
    uint32_t low = 0, high = f->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (f->fragment[middle].in_stream <= at)
            low = middle;
        else
            high = middle;
    }
    return &f->fragment[low];
}

int fragments_read(const struct fragments *f, uint64_t at, void *ret_bytes, size_t n, size_t *ret_n,
                   struct error *err)
{
    *ret_n = 0;
    if (at >= f->size)
        return 0;
    const struct fragment *fragment = fragment_at(f, at);
    uint64_t inside = at - fragment->in_stream;
    if (n > fragment->length - inside)
        n = (size_t)(fragment->length - inside);
    int r = read_at(f->fd, f->name, fragment->in_file + inside, ret_bytes, n, err);
    if (r == 0)
        *ret_n = n;
    return r;
}
