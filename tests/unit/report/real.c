/* Reports on real files of many machines, with an ellipse for a tumour: whatever their headers
 * hold, our objects are valid. Skipped without the data, which is not part of the repository. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "dicom/setup.h"
#include "model/measure.h"
#include "report/report.h"

#include "fixture.h"

#define DATA SOURCE_DIR "/../shared/data/us-dicom"

static char root[64];

static void ellipse(struct mask *mask)
{
    const double cx = mask->columns * 0.5, cy = mask->rows * 0.5;
    for (int y = 0; y < mask->rows; y++)
        for (int x = 0; x < mask->columns; x++) {
            const double dx = (x - cx) / (mask->columns * 0.15);
            const double dy = (y - cy) / (mask->rows * 0.1);
            mask->pixels[(size_t)y * mask->columns + x] = dx * dx + dy * dy <= 1;
        }
}

/* The UIDs of a study are not ours to change, even those with a root that nobody has. */
static void check_objects(const char *name, const struct report_object *objects, int count)
{
    for (int i = 0; i < count; i++) {
        struct buffer output = {0};
        run(&output,
            "dciodvfy -new '%s/%s' 2>&1 | grep -v 'Illegal root for UID'; dcmdump -q +E '%s/%s' "
            "2>&1 >/dev/null",
            root, objects[i].file_name, root, objects[i].file_name);
        if (strstr(buffer_text(&output), "Error"))
            fail_msg("%s, %s:\n%s", name, objects[i].file_name, buffer_text(&output));
        buffer_release(&output);
    }
}

/* A file that cannot be read or decoded is the pipeline's business: false. */
static bool report_on(const char *name)
{
    char path[512];
    struct dicom_instance header;
    struct image picture = {0};
    struct error err = {0};
    struct report_object objects[REPORT_OBJECTS_MAX];
    int count = 0;
    uint8_t digest[DIGEST_SIZE];
    const struct dicom_limits limits = dicom_limits_default();
    snprintf(path, sizeof path, "%s/%.300s", DATA, name);
    if (dicom_instance_read(path, &limits, &header, &err) < 0 || header.rows == 0 ||
        header.kind != DICOM_KIND_ULTRASOUND)
        return false;
    const int frame = header.frames / 2 < header.frames ? header.frames / 2 : 0;
    if (dicom_frame_decode(path, frame, &limits, &picture, &err) < 0)
        return false;
    struct region_finding tumour = {.found = true, .agreement = 0.9};
    assert_int_equal(mask_init(&tumour.mask, picture.rows, picture.columns, NULL), 0);
    ellipse(&tumour.mask);
    tumour.calibration =
        calibration_for_mask(header.regions, (size_t)header.region_count, &tumour.mask);
    assert_int_equal(
        measure_region(&tumour.mask, NULL, &tumour.calibration, &tumour.measurements, NULL), 0);
    const struct report_image image = {path, &header, &picture, frame, ROI_TUMOUR};
    struct score score = {0};
    score_add_reason(&score, "no node image");
    digest_bytes(name, strlen(name), digest);
    const struct report_input input = {.images = &image,
                                       .image_count = 1,
                                       .tumour = &tumour,
                                       .score = &score,
                                       .package_name = "p",
                                       .package_version = "1",
                                       .package_digest = "00",
                                       .intended_use = "Test",
                                       .outcome_text = "Risk",
                                       .software_version = "0.1.0",
                                       .content_digest = digest,
                                       .generation = 1};
    if (report_write(&input, root, objects, &count, &err) < 0)
        fail_msg("%s: %s (%s)", name, err.message, err.detail);
    assert_int_equal(count, 3);
    check_objects(name, objects, count);
    region_finding_release(&tumour);
    image_release(&picture);
    score_release(&score);
    return true;
}

static void test_real(void **state)
{
    int made = 0;
    DIR *folder = opendir(DATA);
    (void)state;
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.')
            made += report_on(entry->d_name);
    closedir(folder);
    print_message("%d reports\n", made);
    assert_true(made >= 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_real)};
    snprintf(root, sizeof root, "/tmp/axnode-real-XXXXXX");
    if (access(DATA, R_OK) != 0)
        return 77;
    if (!mkdtemp(root) || dicom_setup(NULL) < 0)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    struct buffer output = {0};
    run(&output, "rm -rf '%s'", root);
    buffer_release(&output);
    return failed;
}
