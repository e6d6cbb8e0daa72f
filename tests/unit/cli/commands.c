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
    static const char *const commands[] = {"analyze", "segment", "phantom", "model", "config",
                                           "db",      "status",  "show",    "retry",
                                           "doctor",  "purge"};
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
        cmocka_unit_test(test_config),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
