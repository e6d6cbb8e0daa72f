#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/yaml.h"

static int load(const char *text, struct yaml **y, struct error *err)
{
    return yaml_load_text(text, strlen(text), "t.yaml", y, err);
}

static void a_tree_keeps_order_and_lines(void **state)
{
    (void)state;
    struct yaml *y = NULL;
    struct error err = {0};
    assert_int_equal(load("a: 1\nb:\n  - x\n  - 'null'\n  -\nc: {d: 2.5, e: true}\n", &y, &err), 0);
    const struct yaml_node *root = yaml_root(y);
    int64_t whole = 0;
    double number = 0;
    bool flag = false;
    const char *text = NULL;
    assert_int_equal(root->count, 3);
    assert_string_equal(root->children[2].key, "c");
    assert_int_equal(yaml_int(y, yaml_get(root, "a"), 0, 5, &whole, &err), 0);
    assert_int_equal(whole, 1);
    const struct yaml_node *list = yaml_get(root, "b");
    assert_int_equal(list->count, 3);
    assert_int_equal(list->children[1].line, 4);
    assert_int_equal(yaml_text(y, &list->children[1], &text, &err), 0);
    assert_string_equal(text, "null");
    assert_true(yaml_is_null(&list->children[2]));
    assert_int_equal(yaml_double(y, yaml_get(yaml_get(root, "c"), "d"), &number, &err), 0);
    assert_true(number == 2.5);
    assert_int_equal(yaml_bool(y, yaml_get(yaml_get(root, "c"), "e"), &flag, &err), 0);
    assert_true(flag);
    assert_null(yaml_get(list, "a"));
    assert_null(yaml_get(NULL, "a"));
    yaml_unload(y);
}

static void bad_documents_say_file_line_and_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } rows[] = {
        {"a: 1\na: 2\n", "t.yaml:2: key 'a' stands twice"},
        {"a: &x 1\nb: *x\n", "t.yaml:2: aliases are not allowed"},
        {"a:\n\t- 1\n", "t.yaml:2: found character that cannot start any token"},
        {"a: \"x\\0y\"\n", "t.yaml:1: text holds a NUL character"},
        {"? [1]\n: 2\n", "t.yaml:1: a key must be plain text"},
        {"a: [1", "t.yaml:2: did not find expected ',' or ']'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct yaml *y = NULL;
        struct error err = {0};
        assert_true(load(rows[i].text, &y, &err) < 0);
        assert_null(y);
        if (!strstr(err.message, "t.yaml:") ||
            strncmp(err.message, rows[i].message, 9) != 0 ||
            (i != 5 && strcmp(err.message, rows[i].message) != 0))
            fail_msg("row %zu: %s", i, err.message);
    }
}

static void depth_and_size_are_bounded(void **state)
{
    (void)state;
    char deep[200] = "";
    struct yaml *y = NULL;
    struct error err = {0};
    memset(deep, '[', 60);
    memset(deep + 60, ']', 60);
    assert_int_equal(load(deep, &y, &err), STATUS_LIMIT);
}

static void typed_reads_name_the_key(void **state)
{
    (void)state;
    struct yaml *y = NULL;
    struct error err = {0};
    int64_t whole = 9;
    bool flag;
    assert_int_equal(load("port: eleven\nflag: yes\nq: '5'\nn:\n", &y, &err), 0);
    assert_true(yaml_int(y, yaml_get(yaml_root(y), "port"), 1, 9, &whole, &err) < 0);
    assert_string_equal(err.message, "t.yaml:1: port: 'eleven': not a whole number");
    assert_true(yaml_bool(y, yaml_get(yaml_root(y), "flag"), &flag, &err) < 0);
    assert_string_equal(err.message, "t.yaml:2: flag: 'yes' must be true or false");
    assert_true(yaml_int(y, yaml_get(yaml_root(y), "q"), 1, 9, &whole, &err) < 0);
    assert_int_equal(whole, 9);
    const char *text;
    assert_true(yaml_text(y, yaml_get(yaml_root(y), "n"), &text, &err) < 0);
    static const char *const known[] = {"port", "flag", "q", NULL};
    assert_true(yaml_check_keys(y, yaml_root(y), known, &err) < 0);
    assert_string_equal(err.message, "t.yaml:4: unknown key 'n'");
    yaml_unload(y);
}

static void an_empty_document_is_an_empty_mapping(void **state)
{
    (void)state;
    struct yaml *y = NULL;
    assert_int_equal(load("# nothing\n", &y, NULL), 0);
    assert_int_equal(yaml_root(y)->kind, YAML_MAPPING);
    assert_int_equal(yaml_root(y)->count, 0);
    yaml_unload(y);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_keeps_order_and_lines),
        cmocka_unit_test(bad_documents_say_file_line_and_reason),
        cmocka_unit_test(depth_and_size_are_bounded),
        cmocka_unit_test(typed_reads_name_the_key),
        cmocka_unit_test(an_empty_document_is_an_empty_mapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
