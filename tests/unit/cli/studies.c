/* Files to studies: grouping, repeats, dates, what is passed over and why. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/files.h"
#include "cli/studies.h"
#include "dicom/setup.h"
#include "dicom/us_image.h"

static char folder[64];

static void write_object(const char *name, const char *study_uid, const char *sop_uid,
                         const char *date, const char *comments)
{
    char path[128];
    struct image picture;
    struct error err = {0};
    assert_int_equal(image_init(&picture, 16, 16, 1, &err), 0);
    struct us_image image = {.sop_instance_uid = sop_uid,
                             .study_instance_uid = study_uid,
                             .series_instance_uid = "1.2.3.4",
                             .patient_id = "P",
                             .patient_name = "A^B",
                             .study_date = date,
                             .study_time = "101112",
                             .image_comments = comments,
                             .frames = &picture,
                             .frame_count = 1};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (us_image_write(path, &image, &err) < 0)
        fail_msg("%s", err.message);
    image_release(&picture);
}

static int setup(void **state)
{
    (void)state;
    char path[128];
    struct error err = {0};
    if (dicom_setup(&err) < 0)
        return -1;
    snprintf(folder, sizeof folder, "/tmp/axnode-studies-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/below", folder);
    return mkdir(path, 0700);
}

static int teardown(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof line, "rm -rf '%s'", folder);
    return system(line);
}

static void test_studies(void **state)
{
    (void)state;
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct error err = {0};
    struct file_list list;
    struct studies studies;
    char note[128];
    write_object("a.dcm", "1.2.2", "1.9.1", "20240102", "");
    write_object("b.dcm", "1.2.1", "1.9.2", "20230101", "");
    write_object("below/c.dcm", "1.2.2", "1.9.3", "20240103", "");
    write_object("d-again.dcm", "1.2.2", "1.9.1", "20240102", "");
    write_object("e-other.dcm", "1.2.1", "1.9.2", "20230101", "changed");
    write_object("f-undated.dcm", "1.2.9", "1.9.4", "", "");
    snprintf(note, sizeof note, "%s/notes.txt", folder);
    assert_int_equal(file_write(note, "hello", 5, &err), 0);

    char *paths[] = {folder, NULL};
    assert_int_equal(files_list(paths, &arena, &list, &err), 0);
    assert_int_equal(list.count, 7);
    struct dicom_limits limits = dicom_limits_default();
    assert_int_equal(studies_read(&list, &limits, &arena, &studies, &err), 0);
    assert_int_equal(studies.file_count, 4);
    assert_int_equal(studies_span(&studies, 0), 1);
    assert_string_equal(studies.files[0].study_uid, "1.2.1");
    assert_int_equal(studies_span(&studies, 1), 2);
    assert_string_equal(studies.files[1].sop_uid, "1.9.1");
    assert_int_equal(studies_span(&studies, 3), 1);

    char text[CLOCK_TEXT_SIZE];
    clock_format_iso(studies_date(&studies, 1, 2), text);
    assert_string_equal(text, "2024-01-03T10:11:12.000000Z");
    assert_int_equal(studies_date(&studies, 3, 1), 0);

    int unreadable = 0, same = 0, other = 0;
    for (size_t i = 0; i < studies.passed_over_count; i++) {
        unreadable += studies.passed_over[i].unreadable;
        same += strstr(studies.passed_over[i].reason, "the same object again") != NULL;
        other += strstr(studies.passed_over[i].reason, "other bytes") != NULL;
    }
    assert_int_equal(studies.passed_over_count, 3);
    assert_int_equal(unreadable, 1);
    assert_int_equal(same, 1);
    assert_int_equal(other, 1);
}

static void test_missing(void **state)
{
    (void)state;
    struct arena arena ARENA_AUTO;
    arena_init(&arena);
    struct error err = {0};
    struct file_list list;
    char missing[] = "/nonexistent/path";
    char *paths[] = {folder, missing, NULL};
    assert_int_equal(files_list(paths, &arena, &list, &err), STATUS_NOT_FOUND);
    assert_string_equal(err.message,
                        "cannot read /nonexistent/path: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_studies, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
