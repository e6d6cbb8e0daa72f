#include "dicom/jpeg2000.h"

#include <openjpeg.h>
#include <string.h>

#include "dicom/codestream.h"

/* Pieces that a picture may be cut into: OpenJPEG keeps a record of some 100 bytes of each
 * precinct and code block, and one of some kilobytes of each tile. */
enum { PIECES_MAX = 1 << 20, TILES_MAX = 1 << 12 };

struct source {
    const uint8_t *bytes;
    size_t size, at;
};

struct decoder {
    const char *name;
    struct error *err;
    const struct jpeg2000_shape *shape;
    struct source source;
    opj_codec_t *codec;
    opj_stream_t *stream;
    opj_image_t *image;
    char reason[128]; /* OpenJPEG's first complaint */
};

static OPJ_SIZE_T read_source(void *to, OPJ_SIZE_T n, void *user)
{
    struct source *source = user;
    size_t left = source->size - source->at;
    if (left == 0)
        return (OPJ_SIZE_T)-1;
    n = n < left ? n : left;
    memcpy(to, source->bytes + source->at, n);
    source->at += n;
    return n;
}

static OPJ_OFF_T skip_source(OPJ_OFF_T n, void *user)
{
    struct source *source = user;
    OPJ_OFF_T left = (OPJ_OFF_T)(source->size - source->at);
    if (n < 0)
        return -1;
    n = n < left ? n : left;
    source->at += (size_t)n;
    return n;
}

static OPJ_BOOL seek_source(OPJ_OFF_T at, void *user)
{
    struct source *source = user;
    if (at < 0 || (size_t)at > source->size)
        return OPJ_FALSE;
    source->at = (size_t)at;
    return OPJ_TRUE;
}

static void keep_reason(const char *text, void *user)
{
    struct decoder *d = user;
    if (*d->reason)
        return;
    size_t n = strcspn(text, "\r\n");
    n = n < sizeof d->reason - 1 ? n : sizeof d->reason - 1;
    memcpy(d->reason, text, n);
}

static int damaged(struct decoder *d)
{
    error_set(d->err, STATUS_INVALID, "%s: the JPEG 2000 pixels are damaged", d->name);
    error_detail(d->err, "%s", d->reason);
    return STATUS_INVALID;
}

static int find_source(struct decoder *d, const void *bytes, size_t n)
{
    struct codestream found;
    int r = codestream_read(bytes, n, d->name, &found, d->err);
    if (r < 0)
        return r;
    if (found.components != (uint32_t)d->shape->samples)
        return error_set(d->err, STATUS_INVALID, "%s: %u components where %d samples belong",
                         d->name, found.components, d->shape->samples);
    if (found.rows != (uint32_t)d->shape->rows || found.columns != (uint32_t)d->shape->columns)
        return error_set(d->err, STATUS_INVALID, "%s: the decoded size differs", d->name);
    if (found.tiles > TILES_MAX || found.pieces > PIECES_MAX)
        return error_set(d->err, STATUS_LIMIT, "%s: JPEG 2000 in %llu tiles and %llu pieces",
                         d->name, (unsigned long long)found.tiles,
                         (unsigned long long)found.pieces);
    d->source = (struct source){.bytes = found.bytes, .size = found.size};
    return 0;
}

static int open_codec(struct decoder *d)
{
    opj_dparameters_t parameters;
    d->codec = opj_create_decompress(OPJ_CODEC_J2K);
    d->stream = opj_stream_default_create(OPJ_TRUE);
    if (!d->codec || !d->stream)
        return error_set(d->err, STATUS_NOMEM, "cannot decode %s: out of memory", d->name);
    opj_set_default_decoder_parameters(&parameters);
    opj_set_error_handler(d->codec, keep_reason, d);
    opj_stream_set_read_function(d->stream, read_source);
    opj_stream_set_skip_function(d->stream, skip_source);
    opj_stream_set_seek_function(d->stream, seek_source);
    opj_stream_set_user_data(d->stream, &d->source, NULL);
    opj_stream_set_user_data_length(d->stream, d->source.size);
    /* Strict: a picture that is cut off is refused, not filled up with grey. */
    if (!opj_setup_decoder(d->codec, &parameters) ||
        !opj_decoder_set_strict_mode(d->codec, OPJ_TRUE) ||
        !opj_read_header(d->stream, d->codec, &d->image))
        return damaged(d);
    return 0;
}

static int check_components(struct decoder *d)
{
    const opj_image_t *image = d->image;
    if (image->numcomps != (OPJ_UINT32)d->shape->samples)
        return damaged(d);
    for (OPJ_UINT32 c = 0; c < image->numcomps; c++) {
        const opj_image_comp_t *component = &image->comps[c];
        if (component->dx != 1 || component->dy != 1)
            return error_set(d->err, STATUS_UNSUPPORTED, "%s: JPEG 2000 with coarser colours",
                             d->name);
        if (component->prec < 1 || component->prec > (OPJ_UINT32)d->shape->bits)
            return error_set(d->err, STATUS_INVALID, "%s: %u bits per sample where %d fit", d->name,
                             component->prec, d->shape->bits);
    }
    return 0;
}

static int copy_samples(struct decoder *d, void *ret_samples)
{
    size_t count = (size_t)d->shape->rows * (size_t)d->shape->columns;
    size_t samples = (size_t)d->shape->samples;
    uint8_t *bytes = ret_samples;
    uint16_t *words = ret_samples;
    for (size_t c = 0; c < samples; c++) {
        const opj_image_comp_t *component = &d->image->comps[c];
        if (!component->data || component->w != (OPJ_UINT32)d->shape->columns ||
            component->h != (OPJ_UINT32)d->shape->rows)
            return damaged(d);
        for (size_t i = 0; i < count; i++) {
            if (d->shape->bits == 8)
                bytes[i * samples + c] = (uint8_t)component->data[i];
            else
                words[i * samples + c] = (uint16_t)component->data[i];
        }
    }
    return 0;
}

int jpeg2000_decode(const void *bytes, size_t n, const struct jpeg2000_shape *shape,
                    const char *name, void *ret_samples, struct error *err)
{
    struct decoder d = {.name = name, .err = err, .shape = shape};
    int r = find_source(&d, bytes, n);
    if (r == 0)
        r = open_codec(&d);
    if (r == 0)
        r = check_components(&d);
    if (r == 0 &&
        (!opj_decode(d.codec, d.stream, d.image) || !opj_end_decompress(d.codec, d.stream)))
        r = damaged(&d);
    if (r == 0)
        r = copy_samples(&d, ret_samples);
    opj_image_destroy(d.image);
    if (d.stream)
        opj_stream_destroy(d.stream);
    if (d.codec)
        opj_destroy_codec(d.codec);
    return r;
}
