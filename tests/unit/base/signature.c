#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/signature.h"

/* RFC 8032, section 7.1, test 2: the keys as PEM, message 0x72. */
static const char PRIVATE_KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                                  "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                                  "-----END PRIVATE KEY-----\n";
static const char PUBLIC_KEY[] = "-----BEGIN PUBLIC KEY-----\n"
                                 "MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n"
                                 "-----END PUBLIC KEY-----\n";
static const uint8_t SIGNATURE[SIGNATURE_SIZE] = {
    0x92, 0xa0, 0x09, 0xa9, 0xf0, 0xd4, 0xca, 0xb8, 0x72, 0x0e, 0x82, 0x0b,
    0x5f, 0x64, 0x25, 0x40, 0xa2, 0xb2, 0x7b, 0x54, 0x16, 0x50, 0x3f, 0x8f,
    0xb3, 0x76, 0x22, 0x23, 0xeb, 0xdb, 0x69, 0xda, 0x08, 0x5a, 0xc1, 0xe4,
    0x3e, 0x15, 0x99, 0x6e, 0x45, 0x8f, 0x36, 0x13, 0xd0, 0xf1, 0x1d, 0x8c,
    0x38, 0x7b, 0x2e, 0xae, 0xb4, 0x30, 0x2a, 0xee, 0xb0, 0x0d, 0x29, 0x16,
    0x12, 0xbb, 0x0c, 0x00};

static char folder[] = "/tmp/axnode-signature-XXXXXX", private_path[64], public_path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(private_path, sizeof private_path, "%s/key.pem", folder);
    snprintf(public_path, sizeof public_path, "%s/key.pub", folder);
    file_write(private_path, PRIVATE_KEY, strlen(PRIVATE_KEY), NULL);
    file_write(public_path, PUBLIC_KEY, strlen(PUBLIC_KEY), NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(private_path);
    unlink(public_path);
    return rmdir(folder);
}

static void test_published_vector(void **state)
{
    (void)state;
    uint8_t made[SIGNATURE_SIZE];
    bool valid = false;
    assert_int_equal(signature_make(private_path, "\x72", 1, made, NULL), 0);
    assert_memory_equal(made, SIGNATURE, sizeof made);
    assert_int_equal(signature_verify(public_path, "\x72", 1, SIGNATURE, &valid, NULL), 0);
    assert_true(valid);
    for (int i = 0; i < SIGNATURE_SIZE; i++) {
        made[i] ^= 1;
        assert_int_equal(signature_verify(public_path, "\x72", 1, made, &valid, NULL), 0);
        assert_false(valid);
        made[i] ^= 1;
    }
    assert_int_equal(signature_verify(public_path, "\x73", 1, SIGNATURE, &valid, NULL), 0);
    assert_false(valid);
}

static void test_wrong_keys(void **state)
{
    (void)state;
    uint8_t made[SIGNATURE_SIZE];
    bool valid;
    struct error err = {0};
    assert_int_equal(signature_make(public_path, "", 0, made, &err), STATUS_INVALID);
    assert_int_equal(signature_verify(private_path, "", 0, SIGNATURE, &valid, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "no Ed25519 public key"));
    assert_int_equal(signature_make("/tmp/axnode-no-key", "", 0, made, &err), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vector),
        cmocka_unit_test(test_wrong_keys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
