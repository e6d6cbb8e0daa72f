/* Files of synthetic studies: readable as DICOM, and the same for every run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "dicom/reader.h"
#include "dicom/setup.h"
#include "image/png.h"
#include "phantom/phantom.h"

enum { PATH_SIZE = 512 };

static char root[] = "/tmp/axnode-phantom-XXXXXX";

static int count_calls(void *context, int done, int studies)
{
    assert_true(done <= studies);
    ++*(int *)context;
    return 0;
}

static int stop_at_once(void *context, int done, int studies)
{
    (void)context, (void)done, (void)studies;
    return 1;
}

static int generate(const char *path, int studies, uint64_t seed, phantom_progress *progress,
                    void *context, struct error *err)
{
    struct phantom_request request = {studies, seed, PHANTOM_STILLS};
    return phantom_generate(path, &request, progress, context, err);
}

static const char *join(char out[PATH_SIZE], const char *folder, const char *name)
{
    snprintf(out, PATH_SIZE, "%s/%s/%s", root, folder, name);
    return out;
}

static cJSON *truth_read(const char *folder)
{
    char path[PATH_SIZE];
    BUFFER_AUTO struct buffer text;
    buffer_init(&text);
    assert_int_equal(file_read(join(path, folder, "truth.json"), 1 << 24, &text, NULL), STATUS_OK);
    cJSON *truth = cJSON_Parse(buffer_text(&text));
    assert_non_null(truth);
    return truth;
}

static const char *text_of(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    assert_non_null(text);
    return text;
}

static void check_image(const cJSON *study, const cJSON *image)
{
    char path[PATH_SIZE];
    struct dicom_limits limits = dicom_limits_default();
    struct dicom_instance instance;
    join(path, "a", text_of(image, "file"));
    assert_int_equal(dicom_instance_read(path, &limits, &instance, NULL), STATUS_OK);
    assert_int_equal(instance.kind, DICOM_KIND_ULTRASOUND);
    assert_true(instance.synthetic_data);
    assert_false(instance.own);
    assert_string_equal(instance.study_instance_uid, text_of(study, "study_instance_uid"));
    assert_string_equal(instance.sop_instance_uid, text_of(image, "sop_instance_uid"));
    assert_int_equal(instance.region_count, 1);
    const cJSON *region = cJSON_GetObjectItem(image, "region");
    assert_int_equal(instance.regions[0].x0, cJSON_GetObjectItem(region, "x0")->valueint);
    assert_int_equal(instance.regions[0].y1, cJSON_GetObjectItem(region, "y1")->valueint);

    struct image picture;
    assert_int_equal(dicom_frame_decode(path, 0, &limits, &picture, NULL), STATUS_OK);
    const cJSON *lesion = cJSON_GetObjectItem(image, "tumour");
    if (!lesion)
        lesion = cJSON_GetObjectItem(image, "node");
    struct mask mask;
    assert_int_equal(mask_read_png(join(path, "a", text_of(lesion, "mask")), &mask, NULL),
                     STATUS_OK);
    assert_int_equal(mask.rows, picture.rows);
    assert_int_equal(mask.columns, picture.columns);
    struct calibration c =
        calibration_for_mask(instance.regions, (size_t)instance.region_count, &mask);
    assert_int_equal(c.source, CALIBRATION_REGION);
    mask_release(&mask);
    image_release(&picture);
}

static void readable(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    int calls = 0;
    snprintf(path, sizeof path, "%s/a", root);
    assert_int_equal(generate(path, 4, 11, count_calls, &calls, NULL), STATUS_OK);
    assert_int_equal(calls, 4);
    cJSON *truth = truth_read("a");
    const cJSON *studies = cJSON_GetObjectItem(truth, "studies"), *study, *image;
    assert_int_equal(cJSON_GetArraySize(studies), 4);
    cJSON_ArrayForEach(study, studies)
        cJSON_ArrayForEach(image, cJSON_GetObjectItem(study, "images")) check_image(study, image);
    cJSON_Delete(truth);
}

/* Study 2 does not care how many follow it. */
static void reproducible(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/b", root);
    assert_int_equal(generate(path, 2, 11, NULL, NULL, NULL), STATUS_OK);
    char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE];
    join(path, "a", "study-0002/IMG0001.dcm");
    assert_int_equal(digest_file(path, a, NULL, NULL), STATUS_OK);
    join(path, "b", "study-0002/IMG0001.dcm");
    assert_int_equal(digest_file(path, b, NULL, NULL), STATUS_OK);
    assert_string_equal(a, b);
}

static void same_file(const char *a, const char *b, const char *name)
{
    char path[PATH_SIZE], digest_a[DIGEST_TEXT_SIZE], digest_b[DIGEST_TEXT_SIZE];
    assert_int_equal(digest_file(join(path, a, name), digest_a, NULL, NULL), STATUS_OK);
    assert_int_equal(digest_file(join(path, b, name), digest_b, NULL, NULL), STATUS_OK);
    assert_string_equal(digest_a, digest_b);
}

/* A loop changes nothing of the stills beside it, and is the same without them. */
static void loops(void **state)
{
    (void)state;
    char path[PATH_SIZE];
    struct phantom_request beside = {1, 11, PHANTOM_STILLS | PHANTOM_LOOPS};
    struct phantom_request only = {1, 11, PHANTOM_LOOPS};
    snprintf(path, sizeof path, "%s/l", root);
    assert_int_equal(phantom_generate(path, &beside, NULL, NULL, NULL), STATUS_OK);
    snprintf(path, sizeof path, "%s/o", root);
    assert_int_equal(phantom_generate(path, &only, NULL, NULL, NULL), STATUS_OK);
    same_file("a", "l", "study-0001/IMG0001.dcm");
    same_file("l", "o", "study-0001/LOOP0001.dcm");

    cJSON *truth = truth_read("l");
    const cJSON *study = cJSON_GetArrayItem(cJSON_GetObjectItem(truth, "studies"), 0);
    const cJSON *loop = cJSON_GetObjectItem(study, "loop");
    struct dicom_limits limits = dicom_limits_default();
    struct dicom_instance instance;
    join(path, "l", text_of(loop, "file"));
    assert_int_equal(dicom_instance_read(path, &limits, &instance, NULL), STATUS_OK);
    assert_true(instance.synthetic_data);
    assert_int_equal(instance.frames, cJSON_GetArraySize(cJSON_GetObjectItem(loop, "shows")));
    assert_int_equal(instance.region_count, 1);
    struct mask mask;
    const cJSON *tumour = cJSON_GetObjectItem(loop, "tumour");
    assert_int_equal(mask_read_png(join(path, "l", text_of(tumour, "mask")), &mask, NULL),
                     STATUS_OK);
    assert_true(mask_count(&mask) > 100);
    mask_release(&mask);
    cJSON_Delete(truth);
}

static void refusals(void **state)
{
    (void)state;
    struct error err;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/c", root);
    assert_int_equal(generate(path, 0, 1, NULL, NULL, &err), STATUS_INVALID);
    assert_int_equal(generate(path, PHANTOM_STUDIES_MAX + 1, 1, NULL, NULL, &err), STATUS_INVALID);
    assert_int_equal(generate(path, 3, 1, stop_at_once, NULL, &err), STATUS_UNAVAILABLE);
    assert_true(generate("/proc/nowhere", 1, 1, NULL, NULL, &err) < 0);
}

static int make_root(void **state)
{
    (void)state;
    if (dicom_setup(NULL) != STATUS_OK)
        return -1;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    char command[PATH_SIZE];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readable),
        cmocka_unit_test(reproducible),
        cmocka_unit_test(loops),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
