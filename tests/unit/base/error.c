#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

static void message_detail_and_hint_are_kept_apart(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set(&err, STATUS_IO, "cannot open file %s", "a"), STATUS_IO);
    error_detail(&err, "line %d", 3);
    error_hint(&err, "look again");
    assert_string_equal(err.message, "cannot open file a");
    assert_string_equal(err.detail, "line 3");
    assert_string_equal(err.hint, "look again");
    error_set(&err, STATUS_INVALID, "other");
    assert_string_equal(err.detail, "");
    assert_string_equal(err.hint, "");
}

static void errno_text_follows_the_message(void **state)
{
    (void)state;
    struct error err = {0};
    assert_int_equal(error_set_errno(&err, STATUS_IO, ENOENT, "cannot open %s", "x"), STATUS_IO);
    assert_string_equal(err.message, "cannot open x: No such file or directory");
}

static void prefix_never_overruns(void **state)
{
    (void)state;
    struct error err = {0};
    char longtext[1000];
    memset(longtext, 'x', sizeof longtext - 1);
    longtext[sizeof longtext - 1] = '\0';
    error_set(&err, STATUS_LIMIT, "%s", longtext);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_int_equal(error_prefix(&err, "%s", "job 7"), STATUS_LIMIT);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
    assert_memory_equal(err.message, "job 7: xxx", 10);
}

static void a_null_error_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, STATUS_NOMEM, "x"), STATUS_NOMEM);
    assert_int_equal(error_set_errno(NULL, STATUS_IO, EIO, "x"), STATUS_IO);
    error_detail(NULL, "x");
    error_hint(NULL, "x");
}

static void quoting_escapes_what_would_break_a_line(void **state)
{
    (void)state;
    char out[64];
    assert_string_equal(log_quote(out, sizeof out, "a \"b\" \\ \n"), "\"a \\\"b\\\" \\\\ \\x0a\"");
    assert_string_equal(log_quote(out, sizeof out, NULL), "\"\"");
    char small[12];
    log_quote(small, sizeof small, "aaaaaaaaaaaaaaaaaaaaaaaa");
    assert_true(strlen(small) < sizeof small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_detail_and_hint_are_kept_apart),
        cmocka_unit_test(errno_text_follows_the_message),
        cmocka_unit_test(prefix_never_overruns),
        cmocka_unit_test(a_null_error_is_allowed),
        cmocka_unit_test(quoting_escapes_what_would_break_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
