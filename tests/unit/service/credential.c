#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "service/credential.h"

#define NAME "database-password"

static char folder[64];

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/axnode-test-XXXXXX");
    return mkdtemp(folder) ? setenv("CREDENTIALS_DIRECTORY", folder, 1) : -1;
}

static int teardown(void **state)
{
    char path[128];
    (void)state;
    snprintf(path, sizeof path, "%s/" NAME, folder);
    if (unlink(path) < 0)
        rmdir(path);
    return rmdir(folder);
}

static void put(const void *bytes, size_t n, mode_t mode)
{
    char path[128];
    snprintf(path, sizeof path, "%s/" NAME, folder);
    unlink(path); /* it may not be writable */
    assert_int_equal(file_write(path, bytes, n, NULL), 0);
    assert_int_equal(chmod(path, mode), 0);
}

/* Fails with this status and word; the output stays as it was, the message without the secret. */
static void assert_refused(int status, const char *word)
{
    char text[CREDENTIAL_TEXT_SIZE] = "untouched";
    struct error err = {0};
    assert_int_equal(credential_text(NAME, text, &err), status);
    assert_string_equal(text, "untouched");
    if (!strstr(err.message, word))
        fail_msg("'%s' does not say '%s'", err.message, word);
    assert_null(strstr(err.message, "secret"));
}

static void assert_text(const char *expected)
{
    char text[CREDENTIAL_TEXT_SIZE];
    struct error err = {0};
    if (credential_text(NAME, text, &err) < 0)
        fail_msg("%s", err.message);
    assert_string_equal(text, expected);
}

static void a_password_is_the_first_line(void **state)
{
    static const char *const files[] = {"secret", "secret\n", "secret\r\n", "secret\n\n",
                                        "secret\nsomething else\n"};
    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        put(files[i], strlen(files[i]), 0400);
        assert_text("secret");
    }
    put(" a secret with blanks \n", 23, 0400);
    assert_text(" a secret with blanks ");
}

static void what_is_missing_is_named_with_the_remedy(void **state)
{
    char path[PATH_MAX] = "untouched";
    struct error err = {0};
    (void)state;
    assert_refused(STATUS_NOT_FOUND, "was not given it");
    assert_int_equal(credential_path(NAME, path, &err), STATUS_NOT_FOUND);
    assert_non_null(strstr(err.hint, "LoadCredential=" NAME));
    unsetenv("CREDENTIALS_DIRECTORY");
    assert_refused(STATUS_NOT_FOUND, "was given none");
    setenv("CREDENTIALS_DIRECTORY", "", 1);
    assert_refused(STATUS_NOT_FOUND, "was given none");
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
}

static void empty_and_torn_files_are_refused(void **state)
{
    (void)state;
    put("", 0, 0400);
    assert_refused(STATUS_INVALID, "empty");
    put("\n", 1, 0600);
    assert_refused(STATUS_INVALID, "empty");
    put("\nsecret\n", 8, 0600);
    assert_refused(STATUS_INVALID, "empty");
    put("sec\0ret\n", 8, 0600);
    assert_refused(STATUS_INVALID, "no text");
    put("secret\n\0", 8, 0600);
    assert_refused(STATUS_INVALID, "no text");
}

static void the_limit_is_exact(void **state)
{
    char bytes[CREDENTIAL_TEXT_SIZE];
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    put(bytes, sizeof bytes, 0600);
    assert_refused(STATUS_LIMIT, "larger");
    put(bytes, sizeof bytes - 1, 0600);
    bytes[sizeof bytes - 1] = '\0';
    assert_text(bytes);
}

static void only_the_service_may_read_it(void **state)
{
    static const mode_t well[] = {0400, 0600, 0440, 0640}, wrong[] = {0404, 0444, 0644, 0602};
    (void)state;
    for (size_t i = 0; i < sizeof well / sizeof *well; i++) {
        put("secret", 6, well[i]);
        assert_text("secret");
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        put("secret", 6, wrong[i]);
        assert_refused(STATUS_INVALID, "everybody");
    }
    put("secret", 6, 0);
    if (geteuid() != 0) /* whom no mode keeps out */
        assert_refused(STATUS_IO, "cannot open");
}

static void it_is_a_file_of_a_plain_name(void **state)
{
    static const char *const names[] = {"", ".", "..", "../secret", "a/b", "/etc/passwd", ".hidden"};
    char path[PATH_MAX] = "untouched", long_name[PATH_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(credential_path(names[i], path, NULL), STATUS_INVALID);
        assert_string_equal(path, "untouched");
    }
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(credential_path(long_name, path, NULL), STATUS_INVALID);
    assert_string_equal(path, "untouched");
    char there[128];
    snprintf(there, sizeof there, "%s/" NAME, folder);
    assert_int_equal(mkdir(there, 0700), 0);
    assert_refused(STATUS_INVALID, "not a file");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_password_is_the_first_line),
        TEST(what_is_missing_is_named_with_the_remedy),
        TEST(empty_and_torn_files_are_refused),
        TEST(the_limit_is_exact),
        TEST(only_the_service_may_read_it),
        TEST(it_is_a_file_of_a_plain_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
