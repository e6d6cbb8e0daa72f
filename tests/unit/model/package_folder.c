#include "package_folder.h"

#include <assert.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "image/png.h"

#define DATA SOURCE_DIR "/tests/unit/model/data/"

const char *const GOOD_PACKAGE =
    "format: 1\n"
    "name: test-package\n"
    "version: 1.2.3\n"
    "intended_use: Tests of the program. Never for patients.\n"
    "outcome: {text: one or more node metastases, short: node metastasis}\n"
    "population:\n"
    "  - {evidence: synthetic_data, text: the study is synthetic}\n"
    "inputs: {regions: [tumour, node], sizes_require_calibration: region}\n"
    "networks:\n"
    "  tumour:\n"
    "    file: tumour.onnx\n"
    "    input_size: 32\n"
    "    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}\n"
    "    channels: [tumour]\n"
    "    threshold: 0.5\n"
    "    min_area_fraction: 0.001\n"
    "  node:\n"
    "    file: node.onnx\n"
    "    input_size: 32\n"
    "    normalisation: {scale: 0.00392156862745098, mean: 0, std: 1}\n"
    "    channels: [node, hilum]\n"
    "    threshold: 0.5\n"
    "    min_area_fraction: 0.001\n"
    "radiomics:\n"
    "  imageType: {Original: {}}\n"
    "  featureClass: {firstorder: [], shape2D: []}\n"
    "  setting: {binWidth: 25, force2D: true}\n"
    "agreement_min: 0.7\n"
    "model:\n"
    "  link: logistic\n"
    "  intercept: -0.5\n"
    "  terms:\n"
    "    - {feature: tumour_original_firstorder_Entropy, centre: 2, scale: 0.5,\n"
    "       coefficient: 0.7, needs_calibration: false, missing: refuse}\n"
    "    - {feature: node_measure_ShortAxis, centre: 5, scale: 2,\n"
    "       coefficient: 0.9, needs_calibration: true, missing: refuse}\n"
    "    - {feature: node_measure_HilumFraction, centre: 0.2, scale: 0.1,\n"
    "       coefficient: -0.4, needs_calibration: false, missing: refuse}\n"
    "  cutoff: {value: 0.4, rule: Youden}\n"
    "provenance: {data: made up, method: made up, licence: Apache-2.0}\n"
    "performance:\n"
    "  held_out: {auc: 0.9, interval: [0.85, 0.95]}\n";

static char folder[64];

const char *package_folder_path(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void package_folder_write(const char *name, const void *bytes, size_t n)
{
    int status = file_write(package_folder_path(name), bytes, n, NULL);
    if (status < 0)
        abort();
}

static void copy(const char *name)
{
    char from[512];
    struct buffer content = {0};
    snprintf(from, sizeof from, DATA "%s", name);
    if (file_read(from, 1 << 20, &content, NULL) < 0)
        abort();
    package_folder_write(name, content.data, content.size);
    buffer_release(&content);
}

/* An ellipse with a bright core and texture, and its mask, hilum. */
static void draw(const char *picture, const char *mask_name, const char *hilum_name)
{
    struct image image;
    struct mask mask, hilum;
    if (image_init(&image, 80, 100, 1, NULL) < 0 || mask_init(&mask, 80, 100, NULL) < 0 ||
        mask_init(&hilum, 80, 100, NULL) < 0)
        abort();
    for (int y = 0; y < 80; y++)
        for (int x = 0; x < 100; x++) {
            double r = hypot((x - 50) / 36.0, (y - 40) / 22.0);
            int i = y * 100 + x;
            mask.pixels[i] = r <= 1;
            hilum.pixels[i] = r <= 0.4;
            image.pixels[i] = (uint8_t)(r <= 0.4 ? 200 + i * 7 % 50 : r <= 1 ? 90 + i * 13 % 60 : 10);
        }
    if (image_write_png(package_folder_path(picture), &image, NULL) < 0 ||
        mask_write_png(package_folder_path(mask_name), &mask, NULL) < 0 ||
        (hilum_name && mask_write_png(package_folder_path(hilum_name), &hilum, NULL) < 0))
        abort();
    image_release(&image);
    mask_release(&mask);
    mask_release(&hilum);
}

const char *package_folder_make(const char *yaml)
{
    snprintf(folder, sizeof folder, "/tmp/axnode-package-XXXXXX");
    if (!mkdtemp(folder) || folder_make(package_folder_path("selftest"), NULL) < 0)
        abort();
    copy("tumour.onnx");
    copy("node.onnx");
    package_folder_write("package.yaml", yaml, strlen(yaml));
    draw("selftest/tumour.png", "selftest/tumour-mask.png", NULL);
    draw("selftest/node.png", "selftest/node-mask.png", "selftest/node-hilum.png");
    return folder;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info;
    (void)type;
    (void)at;
    return remove(path);
}

void package_folder_remove(void)
{
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

char *package_edit(const char *from, const char *to)
{
    const char *place = strstr(GOOD_PACKAGE, from);
    struct buffer text = {0};
    if (!place || buffer_add(&text, GOOD_PACKAGE, (size_t)(place - GOOD_PACKAGE), NULL) < 0 ||
        buffer_print(&text, NULL, "%s%s", to, place + strlen(from)) < 0)
        abort();
    return text.data;
}
