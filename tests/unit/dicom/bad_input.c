/* Damaged, foreign and hostile files: an error each time, never a crash or a wrong answer. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/reader.h"
#include "dicom/scan.h"
#include "dicom/setup.h"
#include "sample.h"

static char folder[SAMPLE_PATH_SIZE], path[SAMPLE_PATH_SIZE];
static struct dicom_limits limits;
static struct dicom_instance instance;

/* Read and decode; the worse of both answers. */
static int read_all(const char *file, struct error *err)
{
    struct image image = {0};
    struct deep_image deep = {0};
    int r = dicom_instance_read(file, &limits, &instance, err);
    if (r == 0)
        r = dicom_frame_decode(file, 0, &limits, &image, err);
    if (r == 0)
        r = dicom_frame_decode_deep(file, 0, &limits, &deep, err);
    image_release(&image);
    deep_image_release(&deep);
    return r;
}

static void test_cut_off(void **state)
{
    (void)state;
    struct buffer file;
    struct error err = {0};
    sample_write(folder, "whole", 2, 1, "2.25.7", path);
    assert_int_equal(read_all(path, &err), 0);
    sample_load(path, &file);
    sample_path(folder, "cut", path);
    for (size_t n = 0; n < file.size; n += n < 2200 ? 1 : 97) {
        sample_save(path, file.data, n);
        assert_int_equal(read_all(path, &err), STATUS_INVALID);
        assert_true(err.message[0]);
    }
    sample_save(path, file.data, file.size - 1);
    assert_int_equal(dicom_instance_read(path, &limits, &instance, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "cut off"));
    buffer_release(&file);
}

static void test_not_dicom(void **state)
{
    (void)state;
    struct error err = {0};
    char text[400];
    memset(text, 'x', sizeof text);
    sample_path(folder, "foreign", path);
    sample_save(path, text, sizeof text);
    assert_int_equal(read_all(path, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "not a DICOM file"));
    memcpy(text + 128, "DICM", 4);
    sample_save(path, text, sizeof text);
    assert_int_equal(read_all(path, &err), STATUS_INVALID);
    assert_int_equal(read_all(folder, &err), STATUS_INVALID);
    assert_int_equal(read_all("/dev/null", &err), STATUS_INVALID);
    sample_path(folder, "missing", path);
    assert_int_equal(read_all(path, &err), STATUS_NOT_FOUND);
    sample_path(folder, "pipe", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_all(path, &err), STATUS_INVALID); /* and does not wait */
}

/* A sample with the first `from` replaced by `to`, `n` bytes each. */
struct patch {
    const char *what, *from, *to;
    size_t n;
    int status;
    const char *message; /* part of it */
};

#define BYTES(from, to) from, to, sizeof(from) - 1

static const struct patch patches[] = {
    {"SOP class gone", BYTES("\x08\0\x16\0UI", "\x08\0\x17\0UI"), STATUS_INVALID, "no SOP Class"},
    {"SOP instance gone", BYTES("\x08\0\x18\0UI", "\x08\0\x19\0UI"), STATUS_INVALID,
     "no SOP Instance"},
    {"study gone", BYTES("\x20\0\x0d\0UI", "\x20\0\x0c\0UI"), STATUS_INVALID, "no Study"},
    {"series gone", BYTES("\x20\0\x0e\0UI", "\x20\0\x0f\0UI"), STATUS_INVALID, "no Series"},
    {"study UID a path", BYTES("2.25.1001", "../../etc"), STATUS_INVALID, "malformed"},
    {"leading zero", BYTES("2.25.1001", "2.25.0001"), STATUS_INVALID, "malformed"},
    {"two UIDs", BYTES("2.25.1001", "2.25\\1001"), STATUS_INVALID, "malformed"},
    {"no pixels", BYTES("\xe0\x7f\x10\0OB", "\xe0\x7f\x11\0OB"), STATUS_INVALID, "no pixels"},
    {"rows 0", BYTES("\x28\0\x10\0US\x02\0\x10\0", "\x28\0\x10\0US\x02\0\0\0"), STATUS_INVALID,
     "without rows"},
    {"rows 17", BYTES("\x28\0\x10\0US\x02\0\x10\0", "\x28\0\x10\0US\x02\0\x11\0"), STATUS_INVALID,
     "bytes of pixels"},
    {"rows and columns 65535",
     BYTES("\x28\0\x10\0US\x02\0\x10\0\x28\0\x11\0US\x02\0\x14\0",
           "\x28\0\x10\0US\x02\0\xff\xff\x28\0\x11\0US\x02\0\xff\xff"),
     STATUS_LIMIT, "65535"},
    {"rows 65535", BYTES("\x28\0\x10\0US\x02\0\x10\0", "\x28\0\x10\0US\x02\0\xff\xff"),
     STATUS_LIMIT, "a side longer"},
    {"32 bits", BYTES("\x28\0\0\x01US\x02\0\x08\0", "\x28\0\0\x01US\x02\0\x20\0"),
     STATUS_UNSUPPORTED, "32 bits"},
    {"16 bits", BYTES("\x28\0\0\x01US\x02\0\x08\0", "\x28\0\0\x01US\x02\0\x10\0"), STATUS_INVALID,
     "bytes of pixels"},
    {"4 samples", BYTES("\x28\0\x02\0US\x02\0\x01\0", "\x28\0\x02\0US\x02\0\x04\0"),
     STATUS_UNSUPPORTED, "4 samples"},
    {"3 samples", BYTES("\x28\0\x02\0US\x02\0\x01\0", "\x28\0\x02\0US\x02\0\x03\0"), STATUS_INVALID,
     "bytes of pixels"},
    {"3 frames",
     BYTES("\x28\0\x08\0IS\x02\0"
           "2 ",
           "\x28\0\x08\0IS\x02\0"
           "3 "),
     STATUS_INVALID, "bytes of pixels"},
    {"frames in words",
     BYTES("\x28\0\x08\0IS\x02\0"
           "2 ",
           "\x28\0\x08\0IS\x02\0xx"),
     STATUS_INVALID, "no number"},
    {"no frames",
     BYTES("\x28\0\x08\0IS\x02\0"
           "2 ",
           "\x28\0\x08\0IS\x02\0"
           "-1"),
     STATUS_INVALID, "no number"},
    {"unknown transfer syntax", BYTES("1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.9\0"),
     STATUS_UNSUPPORTED, "unknown transfer syntax"},
    {"fragments that are none",
     BYTES("\xe0\x7f\x10\0OB\0\0\x80\x02\0\0", "\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"),
     STATUS_INVALID, ""},
    {"a delimiter for an item", BYTES("\xfe\xff\0\xe0", "\xfe\xff\xdd\xe0"), STATUS_INVALID, ""},
    {"no transfer syntax", BYTES("\x02\0\x10\0UI", "\x02\0\x11\0UI"), STATUS_INVALID,
     "no transfer syntax"},
    {"a word as representation",
     BYTES("\x28\0\x02\0US", "\x28\0\x02\0"
                             "12"),
     STATUS_INVALID, "value representation"},
};

static void test_patches(void **state)
{
    (void)state;
    struct buffer file;
    for (size_t i = 0; i < sizeof patches / sizeof *patches; i++) {
        const struct patch *p = &patches[i];
        struct error err = {0};
        sample_write(folder, "patched", 2, 1, "2.25.7", path);
        sample_load(path, &file);
        memcpy(file.data + sample_find(&file, p->from, p->n), p->to, p->n);
        sample_save(path, file.data, file.size);
        buffer_release(&file);
        int r = read_all(path, &err);
        if (r != p->status || !strstr(err.message, p->message))
            fail_msg("%s: status %d, %s", p->what, r, err.message);
        assert_null(strstr(err.message, "Anna"));
        assert_null(strstr(err.message, "P-17"));
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct error err = {0};
    struct stat st;
    sample_write(folder, "limits", 3, 1, "2.25.7", path);
    assert_int_equal(stat(path, &st), 0);
    struct dicom_limits tight = limits;
    tight.object_bytes = (uint64_t)st.st_size - 1;
    assert_int_equal(dicom_instance_read(path, &tight, &instance, &err), STATUS_LIMIT);
    tight = limits;
    tight.frames = 2;
    assert_int_equal(dicom_instance_read(path, &tight, &instance, &err), STATUS_LIMIT);
    tight = limits;
    tight.frame_pixels = 16 * 20 - 1;
    assert_int_equal(dicom_instance_read(path, &tight, &instance, &err), STATUS_LIMIT);
    tight.frame_pixels = 16 * 20;
    tight.frames = 3;
    tight.object_bytes = (uint64_t)st.st_size;
    assert_int_equal(dicom_instance_read(path, &tight, &instance, &err), 0);
}

/* Preamble and file meta information with that transfer syntax. */
static void start_file(struct buffer *file, const char *syntax)
{
    char head[132] = {0}, element[80] = {2, 0, 0x10, 0, 'U', 'I'};
    size_t n = strlen(syntax) + strlen(syntax) % 2;
    memcpy(head + 128, "DICM", 4);
    element[6] = (char)n;
    memcpy(element + 8, syntax, strlen(syntax));
    buffer_init(file);
    assert_int_equal(buffer_add(file, head, sizeof head, NULL), 0);
    assert_int_equal(buffer_add(file, element, 8 + n, NULL), 0);
}

static int read_built(struct buffer *file, struct error *err)
{
    sample_path(folder, "built", path);
    sample_save(path, file->data, file->size);
    buffer_release(file);
    return dicom_instance_read(path, &limits, &instance, err);
}

static void test_deep_nesting(void **state)
{
    (void)state;
    struct buffer file;
    struct error err = {0};
    static const char sequence[] =
        "\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff";
    start_file(&file, "1.2.840.10008.1.2.1");
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buffer_add(&file, sequence, sizeof sequence - 1, NULL), 0);
    assert_int_equal(read_built(&file, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "nested"));

    /* Lengths given, nothing tells that these are sequences: as DCMTK's dictionary does. */
    static char nested[16 * 5000];
    for (int i = 0; i < 5000; i++) {
        uint32_t inside = (uint32_t)(sizeof nested - (size_t)i * 16 - 8);
        char *at = nested + (size_t)i * 16;
        memcpy(at, "\x08\0\x40\x11", 4);
        memcpy(at + 4, &inside, 4);
        memcpy(at + 8, "\xfe\xff\0\xe0", 4);
        inside -= 8;
        memcpy(at + 12, &inside, 4);
    }
    start_file(&file, "1.2.840.10008.1.2");
    assert_int_equal(buffer_add(&file, nested, sizeof nested, NULL), 0);
    assert_int_equal(read_built(&file, &err), STATUS_INVALID);
}

static void test_many_elements(void **state)
{
    (void)state;
    struct buffer file;
    struct error err = {0};
    static const char empty[16384] = {0};
    start_file(&file, "1.2.840.10008.1.2");
    for (int i = 0; i < 8 * (DICOM_ELEMENTS_MAX + 16384) / 16384; i++)
        assert_int_equal(buffer_add(&file, empty, sizeof empty, NULL), 0);
    assert_int_equal(read_built(&file, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "elements"));
}

static void test_deflated(void **state)
{
    (void)state;
    struct buffer file;
    struct error err = {0};
    start_file(&file, "1.2.840.10008.1.2.1.99");
    assert_int_equal(buffer_add(&file, "\x4b\x4c\x02\0", 4, NULL), 0);
    assert_int_equal(read_built(&file, &err), STATUS_INVALID);
    assert_non_null(strstr(err.message, "cut off"));
}

/* A private value that merely begins like an item is no sequence. */
static void test_value_like_an_item(void **state)
{
    (void)state;
    struct dicom_scan scan;
    struct buffer file;
    start_file(&file, "1.2.840.10008.1.2");
    static const char value[] = "\x09\0\x10\x10\x10\0\0\0\xfe\xff\0\xe0\xff\xff\0\0garbage!";
    assert_int_equal(buffer_add(&file, value, sizeof value - 1, NULL), 0);
    sample_path(folder, "built", path);
    sample_save(path, file.data, file.size);
    buffer_release(&file);
    assert_int_equal(dicom_scan_file(path, limits.object_bytes, &scan, NULL), 0);
    assert_false(scan.pixels);
}

/* A fixed seed, so that a failure can be repeated. */
static void test_random_damage(void **state)
{
    (void)state;
    struct error err = {0};
    char hex[DIGEST_TEXT_SIZE];
    static const char *const encodings[] = {NULL, "dcmcrle", "dcmcjpeg"};
    uint32_t random = 20261123;
    for (size_t e = 0; e < sizeof encodings / sizeof *encodings; e++) {
        struct buffer file;
        char other[SAMPLE_PATH_SIZE];
        sample_write(folder, "random", 2, 3, "2.25.7", path);
        sample_path(folder, "encoded", other);
        bool encoded = encodings[e] &&
                       sample_run((const char *[]){encodings[e], path, other, NULL}, NULL) == 0;
        sample_load(encoded ? other : path, &file);
        for (int i = 0; i < 400; i++) {
            uint8_t before[4];
            size_t at[4];
            for (int k = 0; k < 4; k++) {
                random = random * 1664525u + 1013904223u;
                at[k] = 128 + (random >> 8) % (file.size - 128);
                before[k] = (uint8_t)file.data[at[k]];
                file.data[at[k]] = (char)(random >> 3);
            }
            sample_save(path, file.data, file.size);
            read_all(path, &err);
            dicom_content_digest(path, &limits, hex, &err);
            for (int k = 3; k >= 0; k--)
                file.data[at[k]] = (char)before[k];
        }
        buffer_release(&file);
    }
}

/* DCMTK's decoder follows these offsets wherever they point. */
static void test_rle_offsets(void **state)
{
    (void)state;
    char plain[SAMPLE_PATH_SIZE];
    struct buffer file;
    struct error err = {0};
    static const uint8_t header[] = {3, 0, 0, 0, 0x40, 0, 0, 0};
    static const struct {
        size_t at;
        uint8_t value;
    } changes[] = {{0, 4}, {3, 1}, {4, 0}, {10, 0xff}, {14, 1}, {15, 0x80}};
    sample_write(folder, "plain", 1, 3, "2.25.7", plain);
    sample_path(folder, "rle", path);
    if (sample_run((const char *[]){"dcmcrle", plain, path, NULL}, NULL) != 0)
        skip();
    assert_int_equal(read_all(path, &err), 0);
    sample_load(path, &file);
    size_t start = sample_find(&file, header, sizeof header);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char *byte = file.data + start + changes[i].at, before = *byte;
        *byte = (char)changes[i].value;
        sample_save(path, file.data, file.size);
        assert_int_equal(read_all(path, &err), STATUS_INVALID);
        *byte = before;
    }
    buffer_release(&file);
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
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_off),      cmocka_unit_test(test_not_dicom),
        cmocka_unit_test(test_patches),      cmocka_unit_test(test_limits),
        cmocka_unit_test(test_deep_nesting), cmocka_unit_test(test_many_elements),
        cmocka_unit_test(test_deflated),     cmocka_unit_test(test_value_like_an_item),
        cmocka_unit_test(test_rle_offsets),  cmocka_unit_test(test_random_damage),
    };
    return cmocka_run_group_tests_name("dicom bad input", tests, make_folder, remove_folder);
}
