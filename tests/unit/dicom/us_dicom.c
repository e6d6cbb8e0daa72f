/* The reader over real ultrasound files of many makers; their pixels as DCMTK's own program
 * decodes them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dicom/reader.h"
#include "dicom/setup.h"
#include "sample.h"

#define DATA SOURCE_DIR "/../shared/data/us-dicom"

static char folder[SAMPLE_PATH_SIZE];
static struct dicom_limits limits;

/* Length of the head of a binary PGM or PPM: behind the third number after the magic. */
static size_t pnm_head(const struct buffer *pnm)
{
    size_t at = 2;
    for (int numbers = 0; numbers < 3 && at < pnm->size; numbers++) {
        while (at < pnm->size && (pnm->data[at] < '0' || pnm->data[at] > '9')) {
            if (pnm->data[at] == '#')
                while (at < pnm->size && pnm->data[at] != '\n')
                    at++;
            at++;
        }
        while (at < pnm->size && pnm->data[at] >= '0' && pnm->data[at] <= '9')
            at++;
    }
    return at + 1;
}

/* False when the program cannot tell: it is missing, or fails on its own. */
static bool check_against_program(const char *path, int frame, const struct image *image)
{
    char output[SAMPLE_PATH_SIZE], number[16];
    struct buffer pnm;
    snprintf(number, sizeof number, "%d", frame + 1);
    sample_path(folder, "frame.pnm", output);
    const char *run[] = {"dcmj2pnm", "--write-raw-pnm", "+F", number, path, output, NULL};
    if (sample_run(run, NULL) != 0)
        return false;
    sample_load(output, &pnm);
    size_t size = (size_t)image->rows * (size_t)image->columns * (size_t)image->channels;
    size_t head = pnm_head(&pnm);
    assert_int_equal(pnm.size, head + size);
    assert_memory_equal(pnm.data + head, image->pixels, size);
    buffer_release(&pnm);
    unlink(output);
    return true;
}

static void check_file(const char *name, bool decodes, int *compared)
{
    char path[512];
    static struct dicom_instance instance;
    struct error err = {0};
    snprintf(path, sizeof path, DATA "/%s", name);
    int r = dicom_instance_read(path, &limits, &instance, &err);
    if (r < 0 && decodes)
        fail_msg("%s", err.message);
    if (r < 0)
        return;
    assert_int_equal(instance.kind, DICOM_KIND_ULTRASOUND);
    assert_true(instance.rows > 0 && instance.columns > 0);
    for (int frame = 0;
         frame<instance.frames; frame += instance.frames> 1 ? instance.frames - 1 : 1) {
        struct image image = {0};
        r = dicom_frame_decode(path, frame, &limits, &image, &err);
        if (decodes && r < 0)
            fail_msg("%s frame %d: %d %s", name, frame, r, r ? err.message : "decoded");
        if (r == 0)
            *compared += check_against_program(path, frame, &image);
        image_release(&image);
    }
}

static void test_us_dicom(void **state)
{
    (void)state;
    struct buffer manifest;
    int files = 0, compared = 0;
    sample_load(DATA "/MANIFEST.csv", &manifest);
    char *rest = NULL, *line = strtok_r(manifest.data, "\r\n", &rest); /* the heading */
    while ((line = strtok_r(NULL, "\r\n", &rest))) {
        char *comma = strchr(line, ','), *last = strrchr(line, ',');
        assert_non_null(comma);
        *comma = '\0';
        check_file(line, strcmp(last + 1, "ok") == 0, &compared);
        files++;
    }
    buffer_release(&manifest);
    assert_true(files > 40);
    print_message("%d files, %d frames as dcmj2pnm has them\n", files, compared);
}

static int make_folder(void **state)
{
    (void)state;
    struct error err = {0};
    if (dicom_setup(&err) < 0)
        fail_msg("%s", err.message);
    limits = dicom_limits_default();
    sample_folder_make(folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_us_dicom)};
    if (access(DATA "/MANIFEST.csv", R_OK) != 0)
        return 77;
    return cmocka_run_group_tests_name("us-dicom", tests, make_folder, remove_folder);
}
