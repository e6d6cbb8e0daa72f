#include "dicom/codestream.h"

#include <stdbool.h>
#include <string.h>

enum {
    MARKER_SOC = 0xff4f,
    MARKER_SIZ = 0xff51,
    MARKER_COD = 0xff52,
    MARKER_COC = 0xff53,
    MARKER_SOT = 0xff90,
    MARKER_SOD = 0xff93,
    MARKER_EOC = 0xffd9,
    BOX_CODESTREAM = 0x6a703263, /* 'jp2c' */
    LEVELS_MAX = 32,
    PRECINCT_DEFAULT = 15,
};

struct walk {
    struct codestream out;
    size_t at;
    size_t tile_end; /* of the current tile-part; 0: to the end */
};

static uint32_t number(const uint8_t *bytes, int n)
{
    uint32_t value = 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* A JP2 file's codestream lies in one of its boxes. */
static bool find_codestream(const uint8_t *bytes, size_t n, struct codestream *out)
{
    static const uint8_t signature[] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
    size_t at = 0;
    if (n < sizeof signature || memcmp(bytes, signature, sizeof signature) != 0) {
        out->bytes = bytes;
        out->size = n;
        return true;
    }
    while (n - at >= 8) {
        uint64_t length = number(bytes + at, 4), head = 8;
        if (length == 1 && n - at >= 16) {
            length = (uint64_t)number(bytes + at + 8, 4) << 32 | number(bytes + at + 12, 4);
            head = 16;
        }
        if (length == 0)
            length = n - at;
        if (length < head || length > n - at)
            return false;
        if (number(bytes + at + 4, 4) == BOX_CODESTREAM) {
            out->bytes = bytes + at + head;
            out->size = (size_t)(length - head);
            return true;
        }
        at += (size_t)length;
    }
    return false;
}

/* How many cells of 2^bits a side of `size` has at most when cut into tiles first. */
static uint64_t cells(uint64_t size, unsigned bits, uint64_t tiles)
{
    return (size >> bits) + 2 * tiles;
}

static bool read_size(struct walk *w, const uint8_t *b, size_t n)
{
    if (n < 36)
        return false;
    uint64_t right = number(b + 2, 4), bottom = number(b + 6, 4);
    uint64_t left = number(b + 10, 4), top = number(b + 14, 4);
    uint64_t tile_columns = number(b + 18, 4), tile_rows = number(b + 22, 4);
    uint64_t tile_left = number(b + 26, 4), tile_top = number(b + 30, 4);
    if (right <= left || bottom <= top || tile_columns == 0 || tile_rows == 0 || tile_left > left ||
        tile_top > top)
        return false;
    w->out.columns = (uint32_t)(right - left);
    w->out.rows = (uint32_t)(bottom - top);
    w->out.components = number(b + 34, 2);
    w->out.tiles = ((right - tile_left + tile_columns - 1) / tile_columns) *
                   ((bottom - tile_top + tile_rows - 1) / tile_rows);
    return w->out.components > 0;
}

/* Levels, code block's size, style, transform, and the precincts' sizes where they are given. */
static bool read_coding(struct walk *w, const uint8_t *b, size_t n, bool precincts)
{
    if (n < 5 || b[0] > LEVELS_MAX || (precincts && n < 6u + b[0]))
        return false;
    unsigned levels = b[0], block_x = (b[1] & 15u) + 2, block_y = (b[2] & 15u) + 2;
    uint64_t pieces = 0;
    for (unsigned r = 0; r <= levels; r++) {
        uint64_t columns = (uint64_t)w->out.columns >> (levels - r);
        uint64_t rows = (uint64_t)w->out.rows >> (levels - r);
        unsigned x = precincts ? b[5 + r] & 15u : PRECINCT_DEFAULT;
        unsigned y = precincts ? b[5 + r] >> 4 : PRECINCT_DEFAULT;
        uint64_t tiles = w->out.tiles;
        pieces += cells(columns, x, tiles) * cells(rows, y, tiles);
        pieces += cells(columns, block_x < x ? block_x : x, tiles) *
                  cells(rows, block_y < y ? block_y : y, tiles);
    }
    pieces *= w->out.components;
    if (pieces > w->out.pieces)
        w->out.pieces = pieces;
    return true;
}

/* One marker segment's content. */
static bool read_segment(struct walk *w, uint32_t marker, const uint8_t *b, size_t n)
{
    size_t skip = w->out.components < 257 ? 1 : 2; /* the component's index in COC */
    switch (marker) {
    case MARKER_SIZ: return w->out.components == 0 && read_size(w, b, n);
    case MARKER_COD:
        return w->out.components > 0 && n >= 5 && read_coding(w, b + 5, n - 5, b[0] & 1);
    case MARKER_COC:
        return w->out.components > 0 && n > skip &&
               read_coding(w, b + skip + 1, n - skip - 1, b[skip] & 1);
    case MARKER_SOT: {
        if (n < 8)
            return false;
        uint64_t length = number(b + 2, 4), start = w->at - n - 4;
        if (length != 0 && (length < 14 || length > w->out.size - start))
            return false;
        w->tile_end = length ? (size_t)(start + length) : w->out.size;
        return true;
    }
    default: return true;
    }
}

/* False: damaged. `*ret_done`: the end of the codestream. */
static bool step(struct walk *w, bool *ret_done)
{
    const uint8_t *bytes = w->out.bytes;
    size_t left = w->out.size - w->at;
    if (left < 2) { /* the end marker is often missing */
        *ret_done = true;
        return w->tile_end > 0;
    }
    uint32_t marker = number(bytes + w->at, 2);
    w->at += 2;
    if (marker == MARKER_EOC) {
        *ret_done = true;
        return w->tile_end > 0;
    }
    if (marker == MARKER_SOD) {
        if (w->tile_end < w->at)
            return false;
        w->at = w->tile_end;
        return true;
    }
    left -= 2;
    if (left < 2 || marker < 0xff00)
        return false;
    size_t length = number(bytes + w->at, 2);
    if (length < 2 || length > left)
        return false;
    w->at += length;
    return read_segment(w, marker, bytes + w->at - length + 2, length - 2);
}

int codestream_read(const uint8_t *bytes, size_t n, const char *name,
                    struct codestream *ret_codestream, struct error *err)
{
    struct walk w = {.at = 2};
    bool done = false;
    bool sound = find_codestream(bytes, n, &w.out) && w.out.size >= 4 &&
                 number(w.out.bytes, 4) == ((uint32_t)MARKER_SOC << 16 | MARKER_SIZ);
    while (sound && !done)
        sound = step(&w, &done);
    if (!sound)
        return error_set(err, STATUS_INVALID, "%s: the JPEG 2000 pixels are damaged", name);
    *ret_codestream = w.out;
    return 0;
}
