#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/uid.h"

static void uid_rules_of_ps3_5(void **state)
{
    (void)state;
    static const struct {
        const char *uid;
        bool valid;
    } rows[] = {
        {"1.2.840.10008.1.1", true},
        {"0.0", true},
        {"1.0.10", true},
        {"", false},
        {".1", false},
        {"1.", false},
        {"1..2", false},
        {"1.02", false},
        {"1.00", false},
        {"1.2a", false},
        {"1/2", false},
        {"../../etc/passwd", false},
        {"1.234567890123456789012345678901234567890123456789012345678901234", false}, /* 65 */
        {"1.23456789012345678901234567890123456789012345678901234567890123", true},   /* 64 */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(uid_valid(rows[i].uid), rows[i].valid);
}

static void derived_uids_are_valid_stable_and_differ_by_purpose(void **state)
{
    (void)state;
    uint8_t content[DIGEST_SIZE];
    char sr[UID_SIZE], seg[UID_SIZE], again[UID_SIZE];
    for (int i = 0; i < 500; i++) {
        digest_bytes(&i, sizeof i, content);
        uid_derive(content, "sr", sr);
        uid_derive(content, "seg", seg);
        uid_derive(content, "sr", again);
        assert_true(uid_valid(sr));
        assert_true(uid_valid(seg));
        assert_string_equal(sr, again);
        assert_string_not_equal(sr, seg);
        assert_memory_equal(sr, "2.25.", 5);
    }
}

static void file_and_memory_digests_agree(void **state)
{
    (void)state;
    char path[] = "/tmp/axnode-test-XXXXXX", hex[DIGEST_TEXT_SIZE], text[DIGEST_TEXT_SIZE];
    int fd = mkstemp(path);
    uint64_t size = 0;
    uint8_t digest[DIGEST_SIZE];
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "abc", 3), 3);
    close(fd);
    assert_int_equal(digest_file(path, hex, &size, NULL), 0);
    digest_bytes("abc", 3, digest);
    digest_format(digest, text);
    assert_string_equal(hex, text);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(size, 3);
    unlink(path);
    assert_int_equal(digest_file(path, hex, &size, NULL), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uid_rules_of_ps3_5),
        cmocka_unit_test(derived_uids_are_valid_stable_and_differ_by_purpose),
        cmocka_unit_test(file_and_memory_digests_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
