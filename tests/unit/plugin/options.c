#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "plugin/options.h"

static void test_defaults(void **state)
{
    (void)state;
    struct options o;
    struct error err = {0};
    assert_int_equal(options_read("{\"StorageDirectory\": \"/s\", \"Axnode\": {}}", &o, &err), 0);
    assert_int_equal(o.mode, OPTIONS_LOCAL);
    assert_string_equal(o.folder, "/s/axnode-work");
    assert_string_equal(o.program, "");
    assert_int_equal(o.stable_age_us, 60000000);
    assert_int_equal(o.settings->workers.count, 1);
    for (size_t i = 0; i < SETTINGS_OBJECTS; i++) {
        const char *name = settings_object_names[i];
        const int usual =
            strcmp(name, "sr") == 0 || strcmp(name, "seg") == 0 || strcmp(name, "sc") == 0;
        assert_int_equal(o.objects[i], usual);
    }
    options_release(&o);
}

static void test_everything_set(void **state)
{
    (void)state;
    struct options o;
    struct error err = {0};
    static const char text[] =
        "{\"StableAge\": 5, \"Axnode\": {\"Mode\": \"forward\", \"Modality\": \"axnode\", "
        "\"Objects\": [\"sr\", \"pdf\"], \"Folder\": \"/f\", \"Program\": \"/p\", \"Settings\": "
        "{\"package\": \"/k\", \"score\": {\"bilateral\": true}, \"workers\": {\"count\": 3}}}}";
    assert_int_equal(options_read(text, &o, &err), 0);
    assert_int_equal(o.mode, OPTIONS_FORWARD);
    assert_string_equal(o.modality, "axnode");
    assert_string_equal(o.folder, "/f");
    assert_string_equal(o.program, "/p");
    assert_string_equal(o.settings->package, "/k");
    assert_true(o.settings->score.bilateral);
    assert_int_equal(o.settings->workers.count, 3);
    assert_int_equal(o.stable_age_us, 5000000);
    for (size_t i = 0; i < SETTINGS_OBJECTS; i++) {
        const char *name = settings_object_names[i];
        assert_int_equal(o.objects[i], strcmp(name, "sr") == 0 || strcmp(name, "pdf") == 0);
    }
    options_release(&o);
}

static void test_no_section_is_off(void **state)
{
    (void)state;
    struct options o;
    struct error err = {0};
    assert_int_equal(options_read("{\"Name\": \"PACS\"}", &o, &err), STATUS_NOT_FOUND);
}

static void test_faults_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *section, *words;
    } rows[] = {
        {"7", "Axnode: must be an object"},
        {"{\"Packages\": 1}", "Axnode: unknown key 'Packages'"},
        {"{\"Mode\": \"remote\"}", "Axnode.Mode: must be local or forward"},
        {"{\"Mode\": 1}", "Axnode.Mode: must be a text"},
        {"{\"Mode\": \"forward\"}", "Axnode.Modality: must name axnoded"},
        {"{\"Modality\": \"axnode\"}", "Axnode.Modality: is of mode forward alone"},
        {"{\"Objects\": []}", "Axnode.Objects: must be a list"},
        {"{\"Objects\": [\"sr\", \"xml\"]}", "Axnode.Objects: must list sr"},
        {"{\"Objects\": [2]}", "Axnode.Objects: must list sr"},
        {"{\"Folder\": []}", "Axnode.Folder: must be a text"},
        {"{\"Settings\": []}", "Axnode.Settings: must be an object"},
        {"{\"Settings\": {\"database\": \"x\"}}", "Axnode.Settings: unknown key 'database'"},
        {"{\"Settings\": {\"score\": {\"both\": true}}}",
         "Axnode.Settings: unknown setting 'score.both'"},
        {"{\"Settings\": {\"workers\": {\"count\": 0}}}", "Axnode.Settings: count: '0': must lie"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct options o;
        struct error err = {0};
        char text[256];
        snprintf(text, sizeof text, "{\"Axnode\": %s}", rows[i].section);
        assert_int_equal(options_read(text, &o, &err), STATUS_INVALID);
        if (!strstr(err.message, rows[i].words))
            fail_msg("%s: %s", rows[i].section, err.message);
    }
}

static void test_revisions_are_refused(void **state)
{
    (void)state;
    struct options o;
    struct error err = {0};
    assert_int_equal(options_read("{\"CheckRevisions\": true, \"Axnode\": {}}", &o, &err),
                     STATUS_INVALID);
    assert_non_null(strstr(err.message, "CheckRevisions"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_everything_set),
        cmocka_unit_test(test_no_section_is_off),
        cmocka_unit_test(test_faults_are_named),
        cmocka_unit_test(test_revisions_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
