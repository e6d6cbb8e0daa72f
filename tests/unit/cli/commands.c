/* Wrong usage, missing files and help of every command: exit status and what stands on stderr. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

struct run {
    int status; /* exit status; -1 when a signal ended it */
    struct buffer out; /* stdout and stderr */
};

static void run(const char *arguments, struct run *ret_run)
{
    char line[2048];
    struct error err = {0};
    snprintf(line, sizeof line, "AXNODE_CONFIG='' exec '" AXNODE "' %s 2>&1", arguments);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    buffer_init(&ret_run->out);
    char chunk[4096];
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        assert_int_equal(buffer_add(&ret_run->out, chunk, n, &err), 0);
    int how = pclose(pipe);
    ret_run->status = WIFEXITED(how) ? WEXITSTATUS(how) : -1;
}

static void expect(const char *arguments, int status, const char *words)
{
    struct run r;
    run(arguments, &r);
    if (r.status != status || !strstr(buffer_text(&r.out), words))
        fail_msg("axnode %s: status %d, expected %d and '%s': %s", arguments, r.status, status,
                 words, buffer_text(&r.out));
    buffer_release(&r.out);
}

static void test_help(void **state)
{
    (void)state;
    static const char *const commands[] = {"analyze", "clinical", "segment", "phantom", "model", "config",
                                           "db",      "status",  "show",    "retry",
                                           "doctor",  "purge",   "evaluate"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char arguments[64], words[64];
        snprintf(arguments, sizeof arguments, "%s --help", commands[i]);
        snprintf(words, sizeof words, "Usage: axnode %s", commands[i]);
        expect(arguments, 0, words);
        expect("--help", 0, commands[i]);
        snprintf(arguments, sizeof arguments, "%s --nonsense", commands[i]);
        snprintf(words, sizeof words, "Try 'axnode %s --help'.", commands[i]);
        expect(arguments, 2, words);
    }
    expect("--version", 0, "axnode ");
}

static void test_wrong_usage(void **state)
{
    (void)state;
    static const struct {
        const char *arguments, *words;
    } rows[] = {
        {"", "Usage: axnode COMMAND"},
        {"dance", "unknown command 'dance'"},
        {"analyze", "name at least one file or folder"},
        {"clinical", "say import with one FILE"},
        {"clinical import", "say import with one FILE"},
        {"clinical list --study x", "say import with one FILE"},
        {"segment x.png --out m.png", "one PATH, --roi and --out are needed"},
        {"segment x.png --roi liver --out m.png", "--roi 'liver' must be tumor or node"},
        {"segment x.png --roi node --out m.png --frame 0", "--frame '0': must lie between"},
        {"segment a.png b.png --roi node --out m.png", "one PATH"},
        {"phantom --out /tmp/x", "--out and --studies are needed"},
        {"phantom --out /tmp/x --studies many", "--studies 'many': not a whole number"},
        {"phantom --out /tmp/x --studies 1 --seed -1", "--seed '-1': must lie between"},
        {"config", "say one of check, reference, sample"},
        {"config check a b", "say one of check, reference, sample"},
        {"db", "say migrate or status"},
        {"db drop", "say migrate or status"},
        {"status now", "unexpected argument 'now'"},
        {"show", "name one study by its Study Instance UID"},
        {"show 1.2..3", "name one study by its Study Instance UID"},
        {"retry ../etc", "name one study by its Study Instance UID"},
        {"retry --json 1.2.3", "this command prints no data"},
        {"evaluate --cohort c.csv --outcome y", "one of --score and --package are needed"},
        {"evaluate --cohort c.csv --outcome y --score a --package b", "one of --score and"},
        {"evaluate --cohort c.csv --outcome y --score a --compare b --compare-package c",
         "exclude each other"},
        {"evaluate --cutoff high", "--cutoff 'high': not a finite number"},
        {"evaluate --bootstrap -1", "--bootstrap '-1': must lie between"},
        {"evaluate --cohort c.csv --outcome y --score a --bootstrap 5", "0, or at least 10"},
        {"model", "say list, show, verify"},
        {"model sign", "say list, show, verify"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect(rows[i].arguments, 2, rows[i].words);
}

static void test_failures(void **state)
{
    (void)state;
    expect("config check /nonexistent.yaml", 1, "cannot open file /nonexistent.yaml");
    expect("status --config /nonexistent.yaml", 1, "name the settings file with --config FILE");
    expect("model show /nonexistent", 1, "/nonexistent");
    expect("analyze /nonexistent", 1, "cannot read /nonexistent: No such file");
}

/* A cohort in, figures out; what cannot be evaluated is said in words without a patient's value. */
static void test_evaluate(void **state)
{
    (void)state;
    static const struct {
        const char *table, *options;
        int status;
        const char *words;
    } rows[] = {
        {"y,s\n0,1\n1,2\n0,2\n1,3\n", "--json", 0, "\"auc\":\t0.875,"},
        {"y,s\n0,1\n1,2\n0,2\n1,3\n", "", 0, "s is no probability"},
        {"y,s\n0,1\nNA,2\n1,\n1,3\n", "", 0, "2 of 4 patients are left out"},
        {"y,s\n0,1\n0,2\n", "", 1, "all 2 patients have the same outcome"},
        {"y,s\n0,1\n2,2\n", "", 1, "the outcome 'y' must be 0, 1 or missing"},
        {"y,s\n0,1\n1,Miller\n", "", 1, "line 3 of the cohort: column 's' has no number"},
        {"y,t\n0,1\n1,2\n", "", 1, "the cohort has no column 's'"},
        {"y,s\n0,1\n1,2\n", "--subgroup side", 1, "the cohort has no column 'side'"},
        {"y,s\n0,1\n1\n", "", 1, ":3: 1 cells, but the first line names 2"},
    };
    char path[] = "/tmp/axnode-cli-XXXXXX", arguments[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(file_write(path, rows[i].table, strlen(rows[i].table), NULL), 0);
        snprintf(arguments, sizeof arguments,
                 "evaluate --cohort %s --outcome y --score s --bootstrap 20 %s", path,
                 rows[i].options);
        expect(arguments, rows[i].status, rows[i].words);
    }
    unlink(path);
}

static void test_config(void **state)
{
    (void)state;
    char path[] = "/tmp/axnode-cli-XXXXXX", arguments[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    snprintf(arguments, sizeof arguments, "config check %s", path);
    assert_int_equal(file_write(path, "store: /s\ndatabase: d\n", 22, NULL), 0);
    expect(arguments, 0, "settings are valid");
    assert_int_equal(file_write(path, "store: /s\ndatabase: d\nport: 1\n", 30, NULL), 0);
    snprintf(arguments + 200, 56, "%s:3: unknown setting 'port'", path);
    expect(arguments, 1, arguments + 200);
    snprintf(arguments, sizeof arguments, "status --config %s", path);
    assert_int_equal(
        file_write(path, "store: /s\ndatabase: host=/nonexistent dbname=d\n", 47, NULL), 0);
    expect(arguments, 1, "axnode: ");
    expect("config reference", 0, "| `receiver.port` |");
    expect("config sample", 0, "#  port: 11112");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_help),
        cmocka_unit_test(test_wrong_usage),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_evaluate),
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
