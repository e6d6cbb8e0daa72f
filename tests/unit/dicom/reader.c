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

static char folder[SAMPLE_PATH_SIZE];
static struct dicom_limits limits;

static void read_file(const char *path, struct dicom_instance *instance)
{
    struct error err = {0};
    if (dicom_instance_read(path, &limits, instance, &err) < 0)
        fail_msg("%s (%s)", err.message, err.detail);
}

static void test_header(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE];
    static struct dicom_instance got;
    sample_write(folder, "header", 1, 3, "2.25.7", path);
    read_file(path, &got);
    assert_int_equal(got.kind, DICOM_KIND_ULTRASOUND);
    assert_string_equal(got.sop_class_uid, "1.2.840.10008.5.1.4.1.1.6.1");
    assert_string_equal(got.sop_instance_uid, "2.25.7");
    assert_string_equal(got.study_instance_uid, "2.25.1001");
    assert_string_equal(got.series_instance_uid, "2.25.1002");
    assert_string_equal(got.transfer_syntax_uid, "1.2.840.10008.1.2.1");
    assert_string_equal(got.modality, "US");
    assert_string_equal(got.patient_id, "P-17");
    assert_string_equal(got.patient_name, "Müller^Anna");
    assert_string_equal(got.patient_birth_date, "19700102");
    assert_string_equal(got.patient_sex, "F");
    assert_string_equal(got.accession_number, "A4711");
    assert_string_equal(got.study_date, "20260102");
    assert_string_equal(got.study_time, "101112");
    assert_string_equal(got.study_description, "Mamma und Axilla");
    assert_string_equal(got.series_description, "Axilla links");
    assert_string_equal(got.protocol_name, "Mamma");
    assert_string_equal(got.image_comments, "LT AXILLA");
    assert_string_equal(got.body_part_examined, "BREAST");
    assert_string_equal(got.manufacturer, "axnode phantom");
    assert_int_equal(got.laterality, 0);
    assert_int_equal(got.image_laterality, 'L');
    assert_int_equal(got.anatomic_laterality, 'L');
    assert_string_equal(got.anatomic_region.value, "91470000");
    assert_string_equal(got.anatomic_region.scheme, "SCT");
    assert_string_equal(got.anatomic_region.meaning, "Axilla");
    assert_string_equal(got.view.value, "399348003");
    assert_string_equal(got.primary_structure.value, "");
    assert_false(got.own);
    assert_true(got.synthetic_data);
    assert_int_equal(got.series_number, 3);
    assert_int_equal(got.instance_number, 4);
    assert_int_equal(got.rows, 16);
    assert_int_equal(got.columns, 20);
    assert_int_equal(got.frames, 1);
    assert_int_equal(got.samples_per_pixel, 3);
    assert_string_equal(got.photometric, "RGB");
    assert_int_equal(got.region_count, 2);
    assert_int_equal(got.regions[0].x0, 2);
    assert_int_equal(got.regions[0].y1, 14);
    assert_int_equal(got.regions[0].units_y, 3);
    assert_true(got.regions[0].delta_y > 0.0249 && got.regions[0].delta_y < 0.0251);
    assert_string_equal(got.calling_ae, "");
    assert_int_equal(got.received_us, 0);
}

static void test_own(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE];
    static struct dicom_instance got;
    struct image frame;
    sample_frames(&frame, 1, 1);
    struct us_image image = sample_image(&frame, 1);
    image.manufacturer = image.manufacturer_model = "axnode";
    image.synthetic_data = false;
    sample_path(folder, "own", path);
    assert_int_equal(us_image_write(path, &image, NULL), 0);
    image_release(&frame);
    read_file(path, &got);
    assert_true(got.own);
    assert_false(got.synthetic_data);
}

static void check_frames(const char *path, int count, int channels)
{
    struct image made[4];
    sample_frames(made, count, channels);
    for (int i = 0; i < count; i++) {
        struct image got = {0};
        struct error err = {0};
        if (dicom_frame_decode(path, i, &limits, &got, &err) < 0)
            fail_msg("%s (%s)", err.message, err.detail);
        assert_int_equal(got.rows, 16);
        assert_int_equal(got.columns, 20);
        assert_int_equal(got.channels, channels);
        assert_memory_equal(got.pixels, made[i].pixels, (size_t)(16 * 20 * channels));
        image_release(&got);
        image_release(&made[i]);
    }
    struct image none = {0};
    assert_int_equal(dicom_frame_decode(path, count, &limits, &none, NULL), STATUS_INVALID);
    assert_int_equal(dicom_frame_decode(path, -1, &limits, &none, NULL), STATUS_INVALID);
    assert_null(none.pixels);
}

static void test_pixels(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE], other[SAMPLE_PATH_SIZE];
    static const char *const encodings[][2] = {{"dcmconv", "+ti"},
                                               {"dcmconv", "+tb"},
                                               {"dcmcrle", "+te"},
                                               {"dcmcjpeg", "+e1"},
                                               {"dcmcjpls", "+el"}};
    for (int channels = 1; channels <= 3; channels += 2) {
        for (int count = 1; count <= 3; count += 2) {
            sample_write(folder, "pixels", count, channels, "2.25.7", path);
            check_frames(path, count, channels);
            for (size_t i = 0; i < sizeof encodings / sizeof *encodings; i++) {
                sample_path(folder, "other", other);
                const char *run[] = {encodings[i][0], encodings[i][1], path, other, NULL};
                int r = sample_run(i < 2 ? run : (const char *[]){run[0], path, other, NULL}, NULL);
                if (r == -1)
                    skip();
                assert_int_equal(r, 0);
                check_frames(other, count, channels);
            }
        }
    }
}

static void test_monochrome1(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE];
    struct buffer file;
    struct image frame, got = {0};
    sample_write(folder, "inverse", 1, 1, "2.25.7", path);
    sample_load(path, &file);
    file.data[sample_find(&file, "MONOCHROME2", 11) + 10] = '1';
    sample_save(path, file.data, file.size);
    buffer_release(&file);
    assert_int_equal(dicom_frame_decode(path, 0, &limits, &got, NULL), 0);
    sample_frames(&frame, 1, 1);
    for (int i = 0; i < 16 * 20; i++)
        assert_int_equal(got.pixels[i], 255 - frame.pixels[i]);
    image_release(&frame);
    image_release(&got);
}

static void check_name(const char *path, const struct buffer *file, const char *charset,
                       const char *name, const char *expected)
{
    static struct dicom_instance got;
    struct buffer patched;
    buffer_init(&patched);
    assert_int_equal(buffer_add(&patched, file->data, file->size, NULL), 0);
    memcpy(patched.data + sample_find(file, "ISO_IR 192", 10), charset, 10);
    memcpy(patched.data + sample_find(file, "M\xc3\xbcller", 7), name, 7);
    sample_save(path, patched.data, patched.size);
    buffer_release(&patched);
    read_file(path, &got);
    assert_string_equal(got.patient_name, expected);
}

static void test_character_sets(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE];
    struct buffer file;
    sample_write(folder, "texts", 1, 1, "2.25.7", path);
    sample_load(path, &file);
    check_name(path, &file, "ISO_IR 192", "M\xc3\xbcller", "Müller^Anna");
    check_name(path, &file, "ISO_IR 192", "M\xff\xbcller", "M??ller^Anna");
    check_name(path, &file, "ISO_IR 192", "\xed\xa0\x80ller", "???ller^Anna"); /* surrogate */
    check_name(path, &file, "ISO_IR 192", "\xc0\xafuller", "??uller^Anna");    /* overlong */
    check_name(path, &file, "ISO_IR 192", "M\x01\x7fller", "M  ller^Anna");
    check_name(path, &file, "ISO_IR 100", "M\xfcller ", "Müller ^Anna");
    check_name(path, &file, "ISO_IR 144", "\xb8\xd2\xd0\xdd\xde\xd2 ", "Иванов ^Anna");
    check_name(path, &file, "ISO_IR 999", "M\xfcller ", "M?ller ^Anna");
    check_name(path, &file, "          ", "M\xfcller ", "M?ller ^Anna");
    buffer_release(&file);
}

static void test_same_bytes(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE], again[SAMPLE_PATH_SIZE], hex[2][DIGEST_TEXT_SIZE];
    sample_write(folder, "one", 3, 3, "2.25.7", path);
    sample_write(folder, "two", 3, 3, "2.25.7", again);
    assert_int_equal(digest_file(path, hex[0], NULL, NULL), 0);
    assert_int_equal(digest_file(again, hex[1], NULL, NULL), 0);
    assert_string_equal(hex[0], hex[1]);
}

static void test_content_digest(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE], other[SAMPLE_PATH_SIZE];
    char first[DIGEST_TEXT_SIZE], second[DIGEST_TEXT_SIZE];
    static const char *const encodings[] = {"+te", "+ti", "+tb"};
    sample_write(folder, "digest", 1, 3, "2.25.7", path);
    sample_path(folder, "digest2", other);
    assert_int_equal(dicom_content_digest(path, &limits, first, NULL), 0);
    for (int i = 0; i < 3; i++) {
        const char *run[] = {"dcmconv", encodings[i], "+e", i ? "-e" : "+e", path, other, NULL};
        const char *plain[] = {"dcmconv", encodings[i], path, other, NULL};
        int r = sample_run(i ? plain : run, NULL);
        if (r == -1)
            skip();
        assert_int_equal(r, 0);
        assert_int_equal(dicom_content_digest(other, &limits, second, NULL), 0);
        assert_string_equal(first, second);
    }
    sample_write(folder, "digest", 1, 3, "2.25.8", path);
    assert_int_equal(dicom_content_digest(path, &limits, second, NULL), 0);
    assert_string_not_equal(first, second);
}

/* (0008,001C) is newer than the tool, so these files are made without it. */
static void test_valid_object(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE], output[SAMPLE_PATH_SIZE];
    struct image frames[2];
    for (int count = 1; count <= 2; count++) {
        sample_frames(frames, count, 3);
        struct us_image image = sample_image(frames, count);
        image.synthetic_data = false;
        sample_path(folder, "valid", path);
        sample_path(folder, "valid.txt", output);
        assert_int_equal(us_image_write(path, &image, NULL), 0);
        for (int i = 0; i < count; i++)
            image_release(&frames[i]);
        const char *run[] = {"dciodvfy", "-new", path, NULL};
        struct buffer said;
        if (sample_run(run, output) == -1)
            skip();
        sample_load(output, &said);
        if (strstr(buffer_text(&said), "Error"))
            fail_msg("%s", said.data);
        buffer_release(&said);
    }
}

static void test_writer_refuses(void **state)
{
    (void)state;
    char path[SAMPLE_PATH_SIZE];
    struct image frames[2];
    sample_frames(frames, 1, 1);
    sample_frames(frames + 1, 1, 3);
    sample_path(folder, "refused", path);
    struct us_image image = sample_image(frames, 2);
    assert_int_equal(us_image_write(path, &image, NULL), STATUS_INVALID);
    image = sample_image(frames, 1);
    image.study_instance_uid = "1.02";
    assert_int_equal(us_image_write(path, &image, NULL), STATUS_INVALID);
    image = sample_image(frames, 1);
    image.laterality = 'X';
    assert_int_equal(us_image_write(path, &image, NULL), STATUS_INVALID);
    image = sample_image(frames, 0);
    assert_int_equal(us_image_write(path, &image, NULL), STATUS_INVALID);
    image = sample_image(frames, 1);
    assert_int_equal(us_image_write("/nonexistent/x.dcm", &image, NULL), STATUS_IO);
    assert_int_equal(access(path, F_OK), -1);
    image_release(&frames[0]);
    image_release(&frames[1]);
}

static int make_folder(void **state)
{
    (void)state;
    struct error err = {0};
    if (dicom_setup(&err) < 0 || dicom_setup(&err) < 0)
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header),         cmocka_unit_test(test_own),
        cmocka_unit_test(test_pixels),         cmocka_unit_test(test_monochrome1),
        cmocka_unit_test(test_character_sets), cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_content_digest), cmocka_unit_test(test_valid_object),
        cmocka_unit_test(test_writer_refuses),
    };
    return cmocka_run_group_tests_name("dicom reader", tests, make_folder, remove_folder);
}
