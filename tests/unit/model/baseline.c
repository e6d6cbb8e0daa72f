/* The reference network on stills with a known outline; skipped where the data are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "image/png.h"
#include "model/outline.h"

#define SHARED SOURCE_DIR "/../shared/"

enum { STILLS = 73, STEP = 5 /* spread over the 365 stills of the fold */ };

/* The next still of fold 4; false at the end. The table's columns: id,case,fold,… */
static bool next_still(char **line, char id[64])
{
    while (**line) {
        char *end = strchr(*line, '\n'), *comma = strchr(*line, ',');
        char *second = comma ? strchr(comma + 1, ',') : NULL;
        bool wanted = second && strncmp(second, ",4,", 3) == 0 && comma - *line < 64;
        if (wanted)
            snprintf(id, 64, "%.*s", (int)(comma - *line), *line);
        *line = end ? end + 1 : *line + strlen(*line);
        if (wanted)
            return true;
    }
    return false;
}

static double dice_of(const struct net *net, const struct outline_network *network, const char *id)
{
    char path[512];
    struct image image, grey;
    struct mask mask;
    struct region_finding region;
    snprintf(path, sizeof path, SHARED "data/bus-bra/images/%s.png", id);
    assert_int_equal(image_read_png(path, &image, NULL), 0);
    snprintf(path, sizeof path, SHARED "data/bus-bra/masks/%s.png", id);
    assert_int_equal(mask_read_png(path, &mask, NULL), 0);
    assert_int_equal(image_to_grey(&image, &grey, NULL), 0);
    assert_int_equal(outline_run(net, network, &(struct outline_input){.grey = &grey}, &region, NULL), 0);
    double dice = region.found ? mask_dice(&region.mask, &mask) : 0;
    region_finding_release(&region);
    mask_release(&mask);
    image_release(&grey);
    image_release(&image);
    return dice;
}

static void test_mean_dice(void **state)
{
    (void)state;
    const struct outline_network network = {
        .input_rows = 256, .input_columns = 256, .scale = 1 / 255.0, .mean = 0, .std = 1, .input = "image",
        .output = "probability", .channels = 1, .region_channel = 0, .hilum_channel = -1,
        .threshold = 0.5, .min_area_fraction = 0.001};
    struct net_library *library;
    struct net *net;
    struct buffer table = {0};
    assert_int_equal(net_library_open(ORT_LIBRARY, &library, NULL), 0);
    assert_int_equal(net_open(library, SHARED "reference/baseline-tumour.onnx", NULL, &net, NULL),
                     0);
    assert_int_equal(outline_check(net, &network, NULL), 0);
    assert_int_equal(file_read(SHARED "data/bus-bra/index.csv", 1 << 24, &table, NULL), 0);
    char *line = table.data, id[64];
    double sum = 0;
    int n = 0;
    for (int i = 0; n < STILLS && next_still(&line, id); i++)
        if (i % STEP == 0) {
            sum += dice_of(net, &network, id);
            n++;
        }
    printf("mean Dice of %d stills: %.4f\n", n, sum / n);
    assert_true(n == STILLS && sum / n > 0.85);
    buffer_release(&table);
    net_free(net);
    net_library_free(library);
}

int main(void)
{
    if (access(SHARED "reference/baseline-tumour.onnx", R_OK) != 0 ||
        access(SHARED "data/bus-bra/index.csv", R_OK) != 0)
        return 77;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mean_dice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
