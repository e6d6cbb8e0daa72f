/* The synthetic ultrasound references: five settings, two regions, every feature to 1e-6
 * relative, noise bands included. Prints class x case x setting x largest relative difference. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/radiomics/radiomics.h"
#include "radiomics_table.h"

#define FOLDER SOURCE_DIR "/../shared/reference/radiomics/ultrasound/"

static void read_pixels(const char *name, uint8_t *pixels)
{
    struct buffer content BUFFER_AUTO = {0};
    char path[512];
    snprintf(path, sizeof path, FOLDER "%s", name);
    assert_int_equal(file_read(path, 512 * 512, &content, NULL), 0);
    assert_int_equal(content.size, 512 * 512);
    memcpy(pixels, content.data, content.size);
}

static void read_settings(const cJSON *meta, struct radiomics_settings *s)
{
    const cJSON *from = cJSON_GetObjectItem(meta, "settings");
    radiomics_settings_wavelet(s);
    s->force_2d = cJSON_IsTrue(cJSON_GetObjectItem(from, "force2D"));
    s->normalize = cJSON_IsTrue(cJSON_GetObjectItem(from, "normalize"));
    s->normalize_scale = cJSON_GetObjectItem(from, "normalizeScale")->valuedouble;
    if (cJSON_GetObjectItem(from, "binWidth"))
        s->texture.bin_width = cJSON_GetObjectItem(from, "binWidth")->valuedouble;
    if (cJSON_GetObjectItem(from, "binCount"))
        s->texture.bin_count = cJSON_GetObjectItem(from, "binCount")->valueint;
}

static void compare(const char *region, const char *config, int features)
{
    struct image image;
    struct mask mask;
    assert_int_equal(image_init(&image, 512, 512, 1, NULL), 0);
    assert_int_equal(mask_init(&mask, 512, 512, NULL), 0);
    read_pixels("us512_image_u8_512x512.raw", image.pixels);
    char name[256];
    snprintf(name, sizeof name, "us512_mask_%s_u8_512x512.raw", region);
    read_pixels(name, mask.pixels);
    for (int i = 0; i < 512 * 512; i++)
        mask.pixels[i] = mask.pixels[i] != 0;

    struct buffer text BUFFER_AUTO = {0};
    snprintf(name, sizeof name, FOLDER "us512_%s__%s.json", region, config);
    assert_int_equal(file_read(name, 1 << 20, &text, NULL), 0);
    cJSON *json = cJSON_Parse(buffer_text(&text));
    assert_non_null(json);
    struct radiomics_settings settings;
    read_settings(cJSON_GetObjectItem(json, "meta"), &settings);

    struct radiomics_input input = {.image = &image, .mask = &mask};
    struct feature_list list = {0};
    struct error err;
    if (radiomics_extract(&input, &settings, "", &list, &err) < 0)
        fail_msg("%s", err.message);
    const cJSON *expected = cJSON_GetObjectItem(json, "features");
    assert_int_equal(cJSON_GetArraySize(expected), features);
    assert_int_equal(list.count, features);
    struct table table = {.limit = 1e-6};
    size_t noise = 0;
    for (const cJSON *f = expected->child; f; f = f->next) {
        const struct feature *own = feature_list_find(&list, f->string);
        if (!own)
            fail_msg("%s is missing", f->string);
        table_add(&table, f->string, f->valuedouble, own->value);
        noise += own->meaningless && strncmp(f->string, "wavelet", 7) == 0;
    }
    snprintf(name, sizeof name, "us512_%s", region);
    table_print(&table, name, config);
    assert_int_equal(noise, settings.force_2d ? 0 : 372);
    assert_true(table.worst <= table.limit);
    cJSON_Delete(json);
    feature_list_release(&list);
    image_release(&image);
    mask_release(&mask);
}

static void test_references(void **state)
{
    (void)state;
    static const char *const regions[] = {"roi20k", "roi5k"};
    for (int i = 0; i < 2; i++) {
        compare(regions[i], "force2D_true", 488);
        compare(regions[i], "force2D_true_bincount32", 488);
        compare(regions[i], "force2D_true_normalize100_binwidth5", 488);
        compare(regions[i], "force2D_false", 851);
        compare(regions[i], "force2D_false_binwidth5", 851);
    }
}

int main(void)
{
    if (access(FOLDER, R_OK) != 0)
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_references)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
