/* Requests for storage commitment and answers to them as files, hand-made: good ones, and others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "dicom/commitment.h"
#include "dicom/setup.h"
#include "sample.h"

static char folder[SAMPLE_PATH_SIZE], path[SAMPLE_PATH_SIZE];

static void number(struct buffer *to, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(value >> 8 * i);
        assert_int_equal(buffer_add(to, &byte, 1, NULL), 0);
    }
}

/* One element, explicit little endian. */
static void put(struct buffer *to, uint32_t tag, const char *vr, const void *value, size_t n)
{
    number(to, tag >> 16, 2);
    number(to, tag & 0xffff, 2);
    assert_int_equal(buffer_add(to, vr, 2, NULL), 0);
    if (strcmp(vr, "SQ") == 0 || strcmp(vr, "OB") == 0) {
        number(to, 0, 2);
        number(to, (uint32_t)n, 4);
    } else {
        number(to, (uint32_t)n, 2);
    }
    assert_int_equal(buffer_add(to, value, n, NULL), 0);
}

static void put_uid(struct buffer *to, uint32_t tag, const char *uid)
{
    put(to, tag, "UI", uid, (strlen(uid) + 1) / 2 * 2); /* the NUL behind it pads */
}

/* An item of a sequence that names an object; `reason` -1: none. */
static void put_object(struct buffer *to, const char *uid, int reason)
{
    struct buffer item BUFFER_AUTO = {0};
    uint8_t bytes[2] = {(uint8_t)reason, (uint8_t)(reason >> 8)};
    put_uid(&item, 0x00081150, "1.2.840.10008.5.1.4.1.1.7");
    put_uid(&item, 0x00081155, uid);
    if (reason >= 0)
        put(&item, 0x00081197, "US", bytes, 2);
    number(to, 0xfffe, 2);
    number(to, 0xe000, 2);
    number(to, (uint32_t)item.size, 4);
    assert_int_equal(buffer_add(to, item.data, item.size, NULL), 0);
}

/* A file of the data set. */
static void save(const struct buffer *dataset)
{
    struct buffer file BUFFER_AUTO = {0}, meta BUFFER_AUTO = {0};
    static const char preamble[132] = {[128] = 'D', 'I', 'C', 'M'};
    uint8_t length[4];
    put(&meta, 0x00020001, "OB", "\0\1", 2);
    put_uid(&meta, 0x00020002, "1.2.840.10008.1.20.1");
    put_uid(&meta, 0x00020003, "1.2.840.10008.1.20.1.1");
    put_uid(&meta, 0x00020010, "1.2.840.10008.1.2.1");
    put_uid(&meta, 0x00020012, "1.2.3");
    put(&meta, 0x00020016, "AE", "PACS", 4);
    for (int i = 0; i < 4; i++)
        length[i] = (uint8_t)(meta.size >> 8 * i);
    assert_int_equal(buffer_add(&file, preamble, sizeof preamble, NULL), 0);
    put(&file, 0x00020000, "UL", length, 4);
    assert_int_equal(buffer_add(&file, meta.data, meta.size, NULL), 0);
    assert_int_equal(buffer_add(&file, dataset->data, dataset->size, NULL), 0);
    sample_save(path, file.data, file.size);
}

/* An answer with so many committed objects and one refused; `transaction` NULL: none. */
static void answer(const char *transaction, int committed, const char *refused)
{
    struct buffer dataset BUFFER_AUTO = {0}, good BUFFER_AUTO = {0}, bad BUFFER_AUTO = {0};
    char uid[32];
    for (int i = 0; i < committed; i++) {
        snprintf(uid, sizeof uid, "2.25.1.%d", i);
        put_object(&good, uid, -1);
    }
    if (refused)
        put_object(&bad, refused, 0x0112);
    if (bad.size)
        put(&dataset, 0x00081198, "SQ", bad.data, bad.size);
    if (good.size)
        put(&dataset, 0x00081199, "SQ", good.data, good.size);
    if (transaction)
        put_uid(&dataset, 0x00081195, transaction);
    save(&dataset);
}

static void test_good(void **state)
{
    (void)state;
    struct dicom_commitment got;
    answer("2.25.99", 2, "2.25.2.7");
    assert_int_equal(dicom_commitment_read(path, &got, NULL), 0);
    assert_string_equal(got.transaction_uid, "2.25.99");
    assert_string_equal(got.calling_ae, "PACS");
    assert_int_equal(got.count, 3);
    assert_true(got.objects[0].committed && got.objects[1].committed);
    assert_string_equal(got.objects[1].sop_instance_uid, "2.25.1.1");
    assert_false(got.objects[2].committed);
    assert_string_equal(got.objects[2].sop_instance_uid, "2.25.2.7");
    assert_int_equal(got.objects[2].reason, 0x0112);
    dicom_commitment_release(&got);
    answer("2.25.99", DICOM_COMMITMENT_OBJECTS_MAX, NULL);
    assert_int_equal(dicom_commitment_read(path, &got, NULL), 0);
    assert_int_equal(got.count, DICOM_COMMITMENT_OBJECTS_MAX);
    dicom_commitment_release(&got);
}

static int status_of_file(void)
{
    struct dicom_commitment got = {0};
    struct error err = {0};
    int status = dicom_commitment_read(path, &got, &err);
    if (status == 0)
        dicom_commitment_release(&got);
    return status;
}

static void test_refused(void **state)
{
    (void)state;
    char long_uid[81];
    memset(long_uid, '1', 80);
    long_uid[80] = '\0';
    static const char *const transactions[] = {NULL, "", "1..2", "01.2", "abc", "1.2.3'; --"};
    for (size_t i = 0; i < sizeof transactions / sizeof *transactions; i++) {
        answer(transactions[i], 1, NULL);
        assert_int_equal(status_of_file(), STATUS_INVALID);
    }
    answer(long_uid, 1, NULL);
    assert_int_equal(status_of_file(), STATUS_INVALID);
    answer("2.25.99", 0, NULL);
    assert_int_equal(status_of_file(), STATUS_INVALID);
    answer("2.25.99", 1, "no.uid");
    assert_int_equal(status_of_file(), STATUS_INVALID);
    answer("2.25.99", DICOM_COMMITMENT_OBJECTS_MAX, "1.2");
    assert_int_equal(status_of_file(), STATUS_INVALID);
    sample_save(path, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(status_of_file(), STATUS_INVALID);
}

static int status_of_request(void)
{
    struct dicom_commitment_request got = {0};
    struct error err = {0};
    int status = dicom_commitment_request_read(path, &got, &err);
    if (status == 0)
        dicom_commitment_request_release(&got);
    return status;
}

/* A request is an answer's committed part. */
static void test_request(void **state)
{
    (void)state;
    struct dicom_commitment_request got;
    answer("2.25.99", 2, NULL);
    assert_int_equal(dicom_commitment_request_read(path, &got, NULL), 0);
    assert_string_equal(got.transaction_uid, "2.25.99");
    assert_string_equal(got.calling_ae, "PACS");
    assert_int_equal(got.count, 2);
    assert_string_equal(got.objects[1].sop_instance_uid, "2.25.1.1");
    assert_string_equal(got.objects[1].sop_class_uid, "1.2.840.10008.5.1.4.1.1.7");
    dicom_commitment_request_release(&got);
    answer("2.25.99", DICOM_COMMITMENT_OBJECTS_MAX, NULL);
    assert_int_equal(status_of_request(), 0);
    answer("2.25.99", DICOM_COMMITMENT_OBJECTS_MAX + 1, NULL);
    assert_int_equal(status_of_request(), STATUS_INVALID);
    answer("2.25.99", 0, "1.2.3"); /* no Referenced SOP Sequence */
    assert_int_equal(status_of_request(), STATUS_INVALID);
    answer(NULL, 1, NULL);
    assert_int_equal(status_of_request(), STATUS_INVALID);
    answer("1.2.3'; --", 1, NULL);
    assert_int_equal(status_of_request(), STATUS_INVALID);
    sample_save(path, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(status_of_request(), STATUS_INVALID);
}

/* An item without its class, and with one or an instance that is no UID. */
static void test_request_items(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {NULL, "1.2.3"}, {"1.2.3", NULL}, {"1.2.3,1.2", "1.2"}, {"1.2.3", "1.2}"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct buffer dataset BUFFER_AUTO = {0}, item BUFFER_AUTO = {0}, list BUFFER_AUTO = {0};
        if (pairs[i][0])
            put_uid(&item, 0x00081150, pairs[i][0]);
        if (pairs[i][1])
            put_uid(&item, 0x00081155, pairs[i][1]);
        number(&list, 0xfffe, 2);
        number(&list, 0xe000, 2);
        number(&list, (uint32_t)item.size, 4);
        assert_int_equal(buffer_add(&list, item.data, item.size, NULL), 0);
        put_uid(&dataset, 0x00081195, "2.25.99");
        put(&dataset, 0x00081199, "SQ", list.data, list.size);
        save(&dataset);
        assert_int_equal(status_of_request(), STATUS_INVALID);
    }
}

/* Cut off or changed anywhere: read or refused, never worse. */
static void test_damaged(void **state)
{
    (void)state;
    struct buffer whole BUFFER_AUTO = {0};
    uint32_t chance = 1;
    answer("2.25.99", 2, "2.25.2.7");
    sample_load(path, &whole);
    for (size_t n = 0; n < whole.size; n++) {
        sample_save(path, whole.data, n);
        status_of_file();
        status_of_request();
    }
    for (int i = 0; i < 2000; i++) {
        chance = chance * 1664525 + 1013904223;
        size_t at = 132 + (chance >> 8) % (whole.size - 132);
        char was = whole.data[at];
        whole.data[at] = (char)(chance >> 3);
        sample_save(path, whole.data, whole.size);
        status_of_file();
        status_of_request();
        whole.data[at] = was;
    }
}

static int setup(void **state)
{
    (void)state;
    sample_folder_make(folder);
    sample_path(folder, "answer.dcm", path);
    return dicom_setup(NULL);
}

static int teardown(void **state)
{
    (void)state;
    sample_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_request_items),
        cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
