#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <png.h>

#include "base/buffer.h"
#include "base/file.h"
#include "image/png.h"

static char folder[] = "/tmp/axnode-png-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/a.png", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* A file of any colour type, by libpng itself. `rows` hold packed samples. */
static void write_raw(int columns, int rows, int depth, int colour, const uint8_t *bytes,
                      size_t stride, const png_color *palette, int palette_count)
{
    FILE *f = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, f);
    png_set_IHDR(png, info, (png_uint_32)columns, (png_uint_32)rows, depth, colour,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette)
        png_set_PLTE(png, info, palette, palette_count);
    png_set_check_for_invalid_index(png, 0); /* a writer that cares not */
    png_write_info(png, info);
    for (int y = 0; y < rows; y++)
        png_write_row(png, bytes + (size_t)y * stride);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

static void test_round_trip(void **state)
{
    (void)state;
    for (int channels = 1; channels <= 3; channels += 2) {
        struct image image, back;
        assert_int_equal(image_init(&image, 13, 7, channels, NULL), 0);
        size_t n = (size_t)(13 * 7 * channels);
        for (size_t i = 0; i < n; i++)
            image.pixels[i] = (uint8_t)(i * 31);
        assert_int_equal(image_write_png(path, &image, NULL), 0);
        assert_int_equal(image_read_png(path, &back, NULL), 0);
        assert_int_equal(back.channels, channels);
        assert_int_equal(back.rows, 13);
        assert_memory_equal(back.pixels, image.pixels, n);
        image_release(&image);
        image_release(&back);
    }
    struct mask mask, again;
    assert_int_equal(mask_init(&mask, 5, 9, NULL), 0);
    mask.pixels[3] = mask.pixels[40] = 1;
    assert_int_equal(mask_write_png(path, &mask, NULL), 0);
    assert_int_equal(mask_read_png(path, &again, NULL), 0);
    assert_memory_equal(mask.pixels, again.pixels, 45);
    mask_release(&mask);
    mask_release(&again);
}

static void test_every_kind_of_file(void **state)
{
    (void)state;
    struct image image;
    struct mask mask;
    const uint8_t deep[] = {0, 1, 0x80, 0, 0xff, 0xff, 0, 0};
    write_raw(4, 1, 16, PNG_COLOR_TYPE_GRAY, deep, 8, NULL, 0);
    assert_int_equal(image_read_png(path, &image, NULL), 0);
    assert_int_equal(image.channels, 1);
    assert_memory_equal(image.pixels, ((const uint8_t[]){0, 128, 255, 0}), 4);
    image_release(&image);
    struct deep_image grey;
    assert_int_equal(deep_image_read_png(path, &grey, NULL), 0);
    assert_int_equal(grey.type, VOXEL_UINT16);
    for (int i = 0; i < 4; i++)
        assert_true(grey.values[i] == (deep[2 * i] << 8 | deep[2 * i + 1]));
    deep_image_release(&grey);
    const uint8_t deep_rgb[] = {1, 2, 3, 4, 5, 6};
    write_raw(1, 1, 16, PNG_COLOR_TYPE_RGB, deep_rgb, 6, NULL, 0);
    assert_int_equal(deep_image_read_png(path, &grey, NULL), STATUS_UNSUPPORTED);
    const uint8_t rgb_alpha[] = {200, 100, 50, 9};
    write_raw(1, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, rgb_alpha, 4, NULL, 0);
    assert_int_equal(deep_image_read_png(path, &grey, NULL), 0);
    assert_true(grey.from_colour && grey.type == VOXEL_UINT8);
    assert_true(grey.values[0] == 124); /* (299 · 200 + 587 · 100 + 114 · 50 + 500) / 1000 */
    deep_image_release(&grey);
    write_raw(4, 1, 16, PNG_COLOR_TYPE_GRAY, deep, 8, NULL, 0);
    /* A value of 1 in 16 bits is set all the same. */
    assert_int_equal(mask_read_png(path, &mask, NULL), 0);
    assert_memory_equal(mask.pixels, ((const uint8_t[]){1, 1, 1, 0}), 4);
    mask_release(&mask);

    const uint8_t bits[] = {0xa0};
    write_raw(4, 1, 1, PNG_COLOR_TYPE_GRAY, bits, 1, NULL, 0);
    assert_int_equal(mask_read_png(path, &mask, NULL), 0);
    assert_memory_equal(mask.pixels, ((const uint8_t[]){1, 0, 1, 0}), 4);
    mask_release(&mask);
    assert_int_equal(image_read_png(path, &image, NULL), 0);
    assert_memory_equal(image.pixels, ((const uint8_t[]){255, 0, 255, 0}), 4);
    image_release(&image);

    const uint8_t rgba[] = {1, 2, 3, 0, 0, 0, 0, 255};
    write_raw(2, 1, 8, PNG_COLOR_TYPE_RGB_ALPHA, rgba, 8, NULL, 0);
    assert_int_equal(image_read_png(path, &image, NULL), 0);
    assert_int_equal(image.channels, 3);
    assert_memory_equal(image.pixels, ((const uint8_t[]){1, 2, 3, 0, 0, 0}), 6);
    image_release(&image);
    assert_int_equal(mask_read_png(path, &mask, NULL), 0);
    assert_memory_equal(mask.pixels, ((const uint8_t[]){1, 0}), 2);
    mask_release(&mask);

    const png_color colours[] = {{0, 0, 0}, {9, 8, 7}};
    const uint8_t indices[] = {0x40};
    write_raw(2, 1, 1, PNG_COLOR_TYPE_PALETTE, indices, 1, colours, 2);
    assert_int_equal(image_read_png(path, &image, NULL), 0);
    assert_memory_equal(image.pixels, ((const uint8_t[]){0, 0, 0, 9, 8, 7}), 6);
    image_release(&image);
}

/* A palette shorter than the indices in use must not read past it. */
static void test_index_beyond_palette(void **state)
{
    (void)state;
    const png_color colours[] = {{0, 0, 0}, {9, 8, 7}};
    const uint8_t indices[] = {0, 200, 1};
    struct image image;
    write_raw(3, 1, 8, PNG_COLOR_TYPE_PALETTE, indices, 3, colours, 2);
    if (image_read_png(path, &image, NULL) == 0)
        image_release(&image);
}

static void test_refuses(void **state)
{
    (void)state;
    struct image image;
    struct error err = {0};
    assert_int_equal(image_read_png("/tmp/axnode-no-such-file.png", &image, &err),
                     STATUS_NOT_FOUND);
    file_write(path, "", 0, NULL);
    assert_int_equal(image_read_png(path, &image, &err), STATUS_INVALID);
    file_write(path, "GIF89a not a png at all", 23, NULL);
    assert_int_equal(image_read_png(path, &image, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "damaged"));
    /* Signature, then an IHDR that claims 100,000 columns; its checksum is right. */
    uint8_t wide[] = {0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0,   0,   0, 13, 'I', 'H', 'D', 'R', 0,
                      1,    0x86, 0xa0, 0, 0,  0,  1,  8,  0,   0,   0, 0,  0,   0,   0,   0};
    uint32_t crc = 0xffffffffu;
    for (int i = 12; i < 29; i++) {
        crc ^= wide[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        wide[29 + i] = (uint8_t)(crc >> (24 - 8 * i));
    /* libpng wants a data chunk before it reports a header. */
    const uint8_t data[] = {0, 0, 0, 0, 'I', 'D', 'A', 'T', 0x35, 0xaf, 0x06, 0x1e};
    uint8_t whole[sizeof wide + sizeof data];
    memcpy(whole, wide, sizeof wide);
    memcpy(whole + sizeof wide, data, sizeof data);
    file_write(path, whole, sizeof whole, NULL);
    assert_int_equal(image_read_png(path, &image, &err), STATUS_LIMIT);
}

/* Every cut and every flipped byte of a good file: an answer, never a crash. */
static void test_damaged_files(void **state)
{
    (void)state;
    struct image image, back;
    struct buffer good = {0};
    assert_int_equal(image_init(&image, 20, 20, 3, NULL), 0);
    for (int i = 0; i < 1200; i++)
        image.pixels[i] = (uint8_t)(i * 7 ^ i >> 3);
    assert_int_equal(image_write_png(path, &image, NULL), 0);
    assert_int_equal(file_read(path, 1 << 20, &good, NULL), 0);
    size_t refused = 0;
    for (size_t n = 0; n < good.size; n++) {
        file_write(path, good.data, n, NULL);
        assert_int_equal(image_read_png(path, &back, NULL), STATUS_INVALID);
        char kept = good.data[n];
        good.data[n] ^= 0x55;
        file_write(path, good.data, good.size, NULL);
        if (image_read_png(path, &back, NULL) == 0)
            image_release(&back);
        else
            refused++;
        good.data[n] = kept;
    }
    assert_true(refused > good.size * 9 / 10);
    buffer_release(&good);
    image_release(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_every_kind_of_file),
        cmocka_unit_test(test_index_beyond_palette),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_damaged_files),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
