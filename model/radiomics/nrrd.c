#include "model/radiomics/nrrd.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"

enum { FILE_SIZE_MAX = 1 << 30, LINE_MAX_SIZE = 1024, DEFLATE_RATIO_MAX = 1032 };

struct header {
    enum voxel_type type;
    int dimension;
    int size[3];        /* by axis of the file: column, row, slice */
    double spacing[3];
    double axis[3][3];  /* unit vectors, by axis of the file */
    double origin[3];
    double sign[3];     /* of x, y, z, to left, posterior, superior */
    bool has_type, has_sizes, has_encoding, gzip, big_endian;
};

struct input {
    const uint8_t *at, *end;
    const char *name;
    int line;
};

static int bad(const struct input *in, struct error *err, int status, const char *reason)
{
    return error_set(err, status, "%s:%d: %s", in->name, in->line, reason);
}

/* The next header line without its end; STATUS_INVALID when the file ends. */
static int next_line(struct input *in, char ret_line[LINE_MAX_SIZE], struct error *err)
{
    in->line++;
    const uint8_t *end = memchr(in->at, '\n', (size_t)(in->end - in->at));
    if (!end)
        return bad(in, err, STATUS_INVALID, "the header has no end");
    size_t n = (size_t)(end - in->at);
    const uint8_t *from = in->at;
    in->at = end + 1;
    if (n > 0 && from[n - 1] == '\r')
        n--;
    if (n >= LINE_MAX_SIZE || memchr(from, 0, n))
        return bad(in, err, STATUS_INVALID, "not a header line");
    memcpy(ret_line, from, n);
    ret_line[n] = 0;
    return 0;
}

static const struct {
    const char *name;
    enum voxel_type type;
} types[] = {
    {"uchar", VOXEL_UINT8}, {"unsigned char", VOXEL_UINT8}, {"uint8", VOXEL_UINT8},
    {"uint8_t", VOXEL_UINT8}, {"char", VOXEL_INT8}, {"signed char", VOXEL_INT8},
    {"int8", VOXEL_INT8}, {"int8_t", VOXEL_INT8}, {"short", VOXEL_INT16},
    {"short int", VOXEL_INT16}, {"signed short", VOXEL_INT16}, {"signed short int", VOXEL_INT16},
    {"int16", VOXEL_INT16}, {"int16_t", VOXEL_INT16}, {"ushort", VOXEL_UINT16},
    {"unsigned short", VOXEL_UINT16}, {"unsigned short int", VOXEL_UINT16},
    {"uint16", VOXEL_UINT16}, {"uint16_t", VOXEL_UINT16}, {"int", VOXEL_INT32},
    {"signed int", VOXEL_INT32}, {"int32", VOXEL_INT32}, {"int32_t", VOXEL_INT32},
    {"uint", VOXEL_UINT32}, {"unsigned int", VOXEL_UINT32}, {"uint32", VOXEL_UINT32},
    {"uint32_t", VOXEL_UINT32}, {"float", VOXEL_FLOAT}, {"double", VOXEL_DOUBLE},
};

static const size_t type_size[] = {
    [VOXEL_UINT8] = 1, [VOXEL_INT8] = 1, [VOXEL_UINT16] = 2, [VOXEL_INT16] = 2,
    [VOXEL_UINT32] = 4, [VOXEL_INT32] = 4, [VOXEL_FLOAT] = 4, [VOXEL_DOUBLE] = 8,
};

static int read_type(const struct input *in, struct header *h, const char *value,
                     struct error *err)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, value) == 0) {
            h->type = types[i].type;
            h->has_type = true;
            return 0;
        }
    return bad(in, err, STATUS_UNSUPPORTED, "voxel type is not supported");
}

/* The next blank-separated word of *text, or NULL; *text moves on. */
static char *word(char **text)
{
    char *w = *text + strspn(*text, " \t");
    if (!*w)
        return NULL;
    char *end = w + strcspn(w, " \t");
    *text = *end ? end + 1 : end;
    *end = 0;
    return w;
}

static int read_sizes(const struct input *in, struct header *h, char *value, struct error *err)
{
    for (int d = 0; d < h->dimension; d++) {
        const char *w = word(&value);
        int64_t size;
        if (!w || number_parse_int(w, 1, VOLUME_VOXELS_MAX, &size, NULL) < 0)
            return bad(in, err, STATUS_INVALID, "sizes are not positive numbers");
        h->size[d] = (int)size;
    }
    if (h->dimension == 0 || word(&value))
        return bad(in, err, STATUS_INVALID, "sizes do not match the dimension");
    h->has_sizes = true;
    return 0;
}

static int read_spacings(const struct input *in, struct header *h, char *value,
                         struct error *err)
{
    for (int d = 0; d < h->dimension; d++) {
        const char *w = word(&value);
        if (!w)
            return bad(in, err, STATUS_INVALID, "fewer spacings than axes");
        if (strcasecmp(w, "nan") == 0)
            continue;
        double mm;
        if (number_parse_double(w, &mm, NULL) < 0 || mm == 0)
            return bad(in, err, STATUS_INVALID, "a spacing is not a number above 0");
        h->spacing[d] = fabs(mm);
    }
    return 0;
}

/* "(a,b,c)" at *text, which moves on; missing numbers are 0. */
static int read_vector(const struct input *in, char **text, double ret_vector[3],
                       struct error *err)
{
    double vector[3] = {0};
    char *at = *text + strspn(*text, " \t"), *end = strchr(at, ')');
    if (*at != '(' || !end)
        return bad(in, err, STATUS_INVALID, "not a vector in space");
    *end = 0;
    *text = end + 1;
    int count = 0;
    for (char *part = at + 1, *more; part; part = more) {
        more = strchr(part, ',');
        if (more)
            *more++ = 0;
        part += strspn(part, " ");
        part[strcspn(part, " ")] = 0;
        if (count == 3 || number_parse_double(part, &vector[count++], NULL) < 0)
            return bad(in, err, STATUS_INVALID, "a vector in space is not up to three numbers");
    }
    memcpy(ret_vector, vector, sizeof vector);
    return 0;
}

/* "(a,b,c) (d,e,f) …" or "none": the length of each vector is the axis's spacing. */
static int read_directions(const struct input *in, struct header *h, char *value,
                           struct error *err)
{
    for (int d = 0; d < h->dimension; d++) {
        value += strspn(value, " \t");
        if (strncmp(value, "none", 4) == 0)
            return bad(in, err, STATUS_UNSUPPORTED, "an axis has no direction in space");
        double *v = h->axis[d];
        int r = read_vector(in, &value, v, err);
        if (r < 0)
            return r;
        double squares = v[0] * v[0] + v[1] * v[1] + v[2] * v[2];
        if (!(squares > 0) || !isfinite(squares))
            return bad(in, err, STATUS_INVALID, "a space direction has no length");
        h->spacing[d] = sqrt(squares);
        for (int k = 0; k < 3; k++)
            v[k] /= h->spacing[d];
    }
    return 0;
}

/* As ITK: coordinates run to left, posterior and superior; other patient spaces are turned
 * around, unnamed ones taken as they are. */
static void read_space(struct header *h, const char *value)
{
    if (strcmp(value, "right-anterior-superior") == 0 || strcmp(value, "RAS") == 0)
        h->sign[0] = h->sign[1] = -1;
    else if (strcmp(value, "left-anterior-superior") == 0 || strcmp(value, "LAS") == 0)
        h->sign[1] = -1;
}

static int read_field(const struct input *in, struct header *h, const char *key, char *value,
                      struct error *err)
{
    int64_t number;
    if (strcmp(key, "type") == 0)
        return read_type(in, h, value, err);
    if (strcmp(key, "dimension") == 0) {
        if (number_parse_int(value, 1, 16, &number, NULL) < 0)
            return bad(in, err, STATUS_INVALID, "dimension is not a number");
        if (number < 2 || number > 3)
            return bad(in, err, STATUS_UNSUPPORTED, "only 2 and 3 axes are supported");
        h->dimension = (int)number;
        return 0;
    }
    if (strcmp(key, "sizes") == 0)
        return read_sizes(in, h, value, err);
    if (strcmp(key, "spacings") == 0)
        return read_spacings(in, h, value, err);
    if (strcmp(key, "space directions") == 0)
        return read_directions(in, h, value, err);
    if (strcmp(key, "space origin") == 0)
        return read_vector(in, &value, h->origin, err);
    if (strcmp(key, "space") == 0) {
        read_space(h, value);
        return 0;
    }
    if (strcmp(key, "endian") == 0) {
        h->big_endian = strcmp(value, "big") == 0;
        return h->big_endian || strcmp(value, "little") == 0
                   ? 0 : bad(in, err, STATUS_INVALID, "endian is neither little nor big");
    }
    if (strcmp(key, "encoding") == 0) {
        h->gzip = strcmp(value, "gzip") == 0 || strcmp(value, "gz") == 0;
        h->has_encoding = true;
        return h->gzip || strcmp(value, "raw") == 0
                   ? 0 : bad(in, err, STATUS_UNSUPPORTED, "encoding is neither raw nor gzip");
    }
    if (strcmp(key, "byte skip") == 0 || strcmp(key, "byteskip") == 0 ||
        strcmp(key, "line skip") == 0 || strcmp(key, "lineskip") == 0) {
        return strcmp(value, "0") == 0
                   ? 0 : bad(in, err, STATUS_UNSUPPORTED, "skipping data is not supported");
    }
    if (strcmp(key, "data file") == 0 || strcmp(key, "datafile") == 0)
        return bad(in, err, STATUS_UNSUPPORTED, "data in another file is not supported");
    return 0; /* nothing the voxels' meaning depends on */
}

static int read_header(struct input *in, struct header *h, struct error *err)
{
    char line[LINE_MAX_SIZE];
    int r = next_line(in, line, err);
    if (r < 0)
        return r;
    if (strncmp(line, "NRRD000", 7) != 0)
        return bad(in, err, STATUS_INVALID, "not an NRRD file");
    for (;;) {
        r = next_line(in, line, err);
        if (r < 0)
            return r;
        if (!*line)
            break;
        char *separator = strstr(line, ": ");
        if (*line == '#' || strstr(line, ":=") || !separator)
            continue; /* comment, or key and value of the file's own */
        *separator = 0;
        r = read_field(in, h, line, separator + 2, err);
        if (r < 0)
            return r;
    }
    if (!h->has_type || !h->has_sizes || !h->has_encoding)
        return bad(in, err, STATUS_INVALID, "type, sizes or encoding is missing");
    return 0;
}

/* Exactly `n` bytes of a gzip stream. */
static int inflate_all(const struct input *in, uint8_t *to, size_t n, struct error *err)
{
    z_stream z = {.next_in = (uint8_t *)(uintptr_t)in->at,
                  .avail_in = (uInt)(in->end - in->at), .next_out = to};
    if (inflateInit2(&z, 32 + 15) != Z_OK)
        return error_set(err, STATUS_NOMEM, "no memory to unpack %s", in->name);
    int r = Z_OK;
    size_t left = n;
    while (r == Z_OK && left > 0) {
        z.avail_out = left > 1 << 30 ? 1 << 30 : (uInt)left;
        uInt before = z.avail_out;
        r = inflate(&z, Z_NO_FLUSH);
        left -= before - z.avail_out;
    }
    inflateEnd(&z);
    if (left > 0)
        return error_set(err, STATUS_INVALID, "%s: packed data is damaged or too short",
                         in->name);
    return 0;
}

static uint64_t load(const uint8_t *at, size_t size, bool big_endian)
{
    uint64_t v = 0;
    switch (size) { /* apart from each other: this runs for every voxel */
    case 1:
        return at[0];
    case 2:
        return big_endian ? (uint64_t)at[0] << 8 | at[1] : (uint64_t)at[1] << 8 | at[0];
    default:
        for (size_t i = 0; i < size; i++)
            v |= (uint64_t)at[big_endian ? size - 1 - i : i] << 8 * i;
        return v;
    }
}

static double decode(const uint8_t *at, enum voxel_type type, bool big_endian)
{
    uint64_t bits = load(at, type_size[type], big_endian);
    switch (type) {
    case VOXEL_UINT8:
    case VOXEL_UINT16:
    case VOXEL_UINT32:
        return (double)bits;
    case VOXEL_INT8:
        return (int8_t)bits;
    case VOXEL_INT16:
        return (int16_t)bits;
    case VOXEL_INT32:
        return (int32_t)bits;
    case VOXEL_FLOAT: {
        uint32_t half = (uint32_t)bits;
        float f;
        memcpy(&f, &half, sizeof f);
        return f;
    }
    case VOXEL_DOUBLE:
        break;
    }
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

static int read_voxels(const struct input *in, const struct header *h, struct volume *v,
                       struct error *err)
{
    size_t size = type_size[h->type], count = volume_count(v->size), n = count * size;
    uint8_t *unpacked = NULL;
    const uint8_t *bytes = in->at;
    if (h->gzip) {
        unpacked = malloc(n);
        if (!unpacked)
            return error_set(err, STATUS_NOMEM, "no memory for %s", in->name);
        int r = inflate_all(in, unpacked, n, err);
        if (r < 0) {
            free(unpacked);
            return r;
        }
        bytes = unpacked;
    }
    for (size_t i = 0; i < count; i++)
        v->values[i] = decode(bytes + i * size, h->type, h->big_endian);
    free(unpacked);
    return 0;
}

/* Before anything of the volume's size is allocated: can the data be that much at all? */
static int check_data(const struct input *in, const struct header *h, struct error *err)
{
    uint64_t there = (uint64_t)(in->end - in->at) * (h->gzip ? DEFLATE_RATIO_MAX : 1);
    uint64_t row = (uint64_t)h->size[0] * type_size[h->type], rows = there / row;
    if ((uint64_t)h->size[1] > rows || (uint64_t)h->size[2] > rows / (uint64_t)h->size[1])
        return error_set(err, STATUS_INVALID, "%s: data is too short", in->name);
    return 0;
}

int nrrd_read_bytes(const void *bytes, size_t n, const char *name, struct volume *ret_volume,
                    struct error *err)
{
    struct input in = {bytes, (const uint8_t *)bytes + n, name, 0};
    struct header h = {.size = {1, 1, 1}, .spacing = {1, 1, 1}, .sign = {1, 1, 1},
                       .axis = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
    int r = read_header(&in, &h, err);
    if (r < 0)
        return r;
    r = check_data(&in, &h, err);
    if (r < 0)
        return r;
    struct volume v;
    r = volume_init(&v, (int[3]){h.size[2], h.size[1], h.size[0]}, h.type, err);
    if (r < 0)
        return error_prefix(err, "%s", name);
    v.placement.known = true;
    for (int d = 0; d < 3; d++) {
        v.spacing_mm[d] = h.spacing[2 - d];
        v.placement.origin_mm[d] = h.sign[d] * h.origin[d];
        for (int k = 0; k < 3; k++)
            v.placement.axis[d][k] = h.sign[k] * h.axis[2 - d][k];
    }
    r = read_voxels(&in, &h, &v, err);
    if (r < 0)
        volume_release(&v);
    else
        *ret_volume = v;
    return r;
}

int nrrd_read(const char *path, struct volume *ret_volume, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    int r = file_read(path, FILE_SIZE_MAX, &content, err);
    return r < 0 ? r : nrrd_read_bytes(content.data, content.size, path, ret_volume, err);
}

int label_volume_from_volume(const struct volume *volume, struct label_volume *ret_labels,
                             struct error *err)
{
    struct label_volume labels;
    int r = label_volume_init(&labels, volume->size, err);
    if (r < 0)
        return r;
    for (size_t i = 0, n = volume_count(volume->size); i < n; i++) {
        double v = volume->values[i];
        if (!(v >= INT32_MIN && v <= INT32_MAX) || v != floor(v)) {
            label_volume_release(&labels);
            return error_set(err, STATUS_INVALID, "the mask has values that are not labels");
        }
        labels.labels[i] = (int32_t)v;
    }
    labels.placement = volume->placement;
    memcpy(labels.spacing_mm, volume->spacing_mm, sizeof labels.spacing_mm);
    *ret_labels = labels;
    return 0;
}
