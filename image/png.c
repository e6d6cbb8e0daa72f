#include "image/png.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"

enum { FILE_BYTES_MAX = 256 << 20, CHUNK_BYTES_MAX = 8 << 20 };
/* Of zlib: speckle hardly gets smaller with more, and takes five times as long. */
enum { LEVEL = 2 };

/* What libpng's callbacks and the code around setjmp share. It lives outside the function that
 * calls setjmp, so that a jump leaves it intact. */
struct work {
    const char *path;
    struct error *err;
    const char *input;
    size_t input_size, input_at;
    struct buffer output;
    int status;
    png_structp png;
    png_infop info;
    bool keep_depth; /* reading: leave 16-bit samples and alpha as they are */
    int rows, columns, channels, sample_bytes;
    bool alpha;
    uint8_t *pixels;
    png_bytep *row_pointers;
};

static void on_error(png_structp png, png_const_charp text)
{
    struct work *w = png_get_error_ptr(png);
    if (w->status == 0) {
        w->status = error_set(w->err, STATUS_INVALID, "PNG file %s is damaged", w->path);
        error_detail(w->err, "%s", text);
    }
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void on_read(png_structp png, png_bytep out, size_t n)
{
    struct work *w = png_get_io_ptr(png);
    if (n > w->input_size - w->input_at)
        png_error(png, "the file ends too early");
    memcpy(out, w->input + w->input_at, n);
    w->input_at += n;
}

static void on_write(png_structp png, png_bytep bytes, size_t n)
{
    struct work *w = png_get_io_ptr(png);
    w->status = buffer_add(&w->output, bytes, n, w->err);
    if (w->status < 0)
        png_error(png, "out of memory");
}

static void on_flush(png_structp png)
{
    (void)png;
}

/* Rows of `pixels`; jumps out when memory is short. */
static void point_rows(struct work *w, uint8_t *pixels, size_t stride)
{
    w->row_pointers = malloc((size_t)w->rows * sizeof *w->row_pointers);
    if (!w->row_pointers) {
        w->status = error_set(w->err, STATUS_NOMEM, "out of memory for PNG file %s", w->path);
        png_error(w->png, "out of memory");
    }
    for (int y = 0; y < w->rows; y++)
        w->row_pointers[y] = pixels + (size_t)y * stride;
}

static void read_header(struct work *w)
{
    png_read_info(w->png, w->info);
    png_uint_32 columns = png_get_image_width(w->png, w->info);
    png_uint_32 rows = png_get_image_height(w->png, w->info);
    if (columns > IMAGE_SIDE_MAX || rows > IMAGE_SIDE_MAX) {
        w->status = error_set(w->err, STATUS_LIMIT,
                              "PNG file %s has %lu × %lu pixels, a side may have %d", w->path,
                              (unsigned long)columns, (unsigned long)rows, IMAGE_SIDE_MAX);
        png_error(w->png, "too large");
    }
    w->columns = (int)columns;
    w->rows = (int)rows;
    png_set_expand(w->png); /* palette to RGB, fewer than 8 bits to 8, transparency to alpha */
    if (!w->keep_depth) {
        png_set_scale_16(w->png);
        png_set_strip_alpha(w->png);
    }
    png_set_interlace_handling(w->png);
    png_read_update_info(w->png, w->info);
    w->channels = png_get_channels(w->png, w->info);
    w->sample_bytes = png_get_bit_depth(w->png, w->info) / 8;
    w->alpha = png_get_color_type(w->png, w->info) & PNG_COLOR_MASK_ALPHA;
}

static int read_pixels(struct work *w)
{
    if (setjmp(png_jmpbuf(w->png)))
        return w->status;
    png_set_user_limits(w->png, 0x7fffffff, 0x7fffffff); /* read_header has the real ones */
    png_set_chunk_malloc_max(w->png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(w->png, 64);
    png_set_read_fn(w->png, w, on_read);
    read_header(w);
    size_t stride = png_get_rowbytes(w->png, w->info);
    w->pixels = calloc((size_t)w->rows, stride);
    if (!w->pixels) {
        w->status = error_set(w->err, STATUS_NOMEM, "out of memory for PNG file %s", w->path);
        png_error(w->png, "out of memory");
    }
    point_rows(w, w->pixels, stride);
    png_read_image(w->png, w->row_pointers);
    png_read_end(w->png, NULL);
    return 0;
}

/* On success w->pixels holds rows × columns × channels samples, owned by the caller. */
static int read_file(struct work *w)
{
    struct buffer content BUFFER_AUTO = {0};
    int status = file_read(w->path, FILE_BYTES_MAX, &content, w->err);
    if (status < 0)
        return status;
    w->input = buffer_text(&content);
    w->input_size = content.size;
    w->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, w, on_error, on_warning);
    w->info = w->png ? png_create_info_struct(w->png) : NULL;
    status = w->info ? read_pixels(w)
                     : error_set(w->err, STATUS_NOMEM, "out of memory for PNG file %s", w->path);
    png_destroy_read_struct(&w->png, &w->info, NULL);
    free(w->row_pointers);
    w->row_pointers = NULL;
    if (status < 0) {
        free(w->pixels);
        w->pixels = NULL;
    }
    return status;
}

int image_read_png(const char *path, struct image *ret_image, struct error *err)
{
    struct work w = {.path = path, .err = err};
    int status = read_file(&w);
    if (status < 0)
        return status;
    *ret_image = (struct image){w.rows, w.columns, w.channels, w.pixels};
    return 0;
}

static int deep_from_samples(const struct work *w, struct deep_image *ret_image, struct error *err)
{
    size_t n = (size_t)w->rows * (size_t)w->columns;
    int colours = w->channels - (w->alpha ? 1 : 0);
    if (colours > 1 && w->sample_bytes > 1)
        return error_set(err, STATUS_UNSUPPORTED,
                         "PNG file %s has colours of 16 bits: grey of them is not defined here",
                         w->path);
    if (colours > 1) {
        struct image colour;
        int status = image_init(&colour, w->rows, w->columns, 3, err);
        if (status < 0)
            return status;
        for (size_t i = 0; i < n; i++)
            memcpy(colour.pixels + 3 * i, w->pixels + (size_t)w->channels * i, 3);
        status = deep_image_from_image(&colour, ret_image, err);
        image_release(&colour);
        return status;
    }
    int status = deep_image_init(ret_image, w->rows, w->columns,
                                 w->sample_bytes == 2 ? VOXEL_UINT16 : VOXEL_UINT8, err);
    size_t step = (size_t)(w->channels * w->sample_bytes);
    for (size_t i = 0; status == 0 && i < n; i++) { /* the file's order is big-endian */
        const uint8_t *sample = w->pixels + i * step;
        ret_image->values[i] = w->sample_bytes == 2 ? sample[0] << 8 | sample[1] : sample[0];
    }
    return status;
}

int deep_image_read_png(const char *path, struct deep_image *ret_image, struct error *err)
{
    struct work w = {.path = path, .err = err, .keep_depth = true};
    int status = read_file(&w);
    if (status < 0)
        return status;
    status = deep_from_samples(&w, ret_image, err);
    free(w.pixels);
    return status;
}

int mask_read_png(const char *path, struct mask *ret_mask, struct error *err)
{
    struct work w = {.path = path, .err = err, .keep_depth = true};
    struct mask mask;
    int status = read_file(&w);
    if (status < 0)
        return status;
    status = mask_init(&mask, w.rows, w.columns, err);
    if (status == 0) {
        size_t n = (size_t)w.rows * (size_t)w.columns;
        size_t pixel_bytes = (size_t)(w.channels * w.sample_bytes);
        size_t colour_bytes = pixel_bytes - (w.alpha ? (size_t)w.sample_bytes : 0);
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < colour_bytes; k++)
                mask.pixels[i] |= w.pixels[i * pixel_bytes + k] != 0;
        *ret_mask = mask;
    }
    free(w.pixels);
    return status;
}

static int write_pixels(struct work *w, uint8_t *pixels)
{
    if (setjmp(png_jmpbuf(w->png)))
        return w->status;
    png_set_write_fn(w->png, w, on_write, on_flush);
    png_set_IHDR(w->png, w->info, (png_uint_32)w->columns, (png_uint_32)w->rows, 8,
                 w->channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(w->png, LEVEL);
    png_write_info(w->png, w->info);
    point_rows(w, pixels, (size_t)w->columns * (size_t)w->channels);
    png_write_image(w->png, w->row_pointers);
    png_write_end(w->png, NULL);
    return 0;
}

int image_write_png(const char *path, const struct image *image, struct error *err)
{
    struct work w = {.path = path,
                     .err = err,
                     .rows = image->rows,
                     .columns = image->columns,
                     .channels = image->channels};
    w.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning);
    w.info = w.png ? png_create_info_struct(w.png) : NULL;
    int status = w.info ? write_pixels(&w, image->pixels)
                        : error_set(err, STATUS_NOMEM, "out of memory for PNG file %s", path);
    png_destroy_write_struct(&w.png, &w.info);
    free(w.row_pointers);
    if (status == 0)
        status = file_write(path, w.output.data, w.output.size, err);
    buffer_release(&w.output);
    return status;
}

int mask_write_png(const char *path, const struct mask *mask, struct error *err)
{
    struct image image;
    int status = image_init(&image, mask->rows, mask->columns, 1, err);
    if (status < 0)
        return status;
    size_t n = (size_t)mask->rows * (size_t)mask->columns;
    for (size_t i = 0; i < n; i++)
        image.pixels[i] = mask->pixels[i] ? 255 : 0;
    status = image_write_png(path, &image, err);
    image_release(&image);
    return status;
}
