#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "service/routes.h"
#include "service/settings.h"
#include "service/settings_table.h"

static const char minimal[] = "store: /s\ndatabase: d\n";

static int parse(const char *text, const struct settings **ret_settings, struct error *err)
{
    return settings_parse(text, strlen(text), "axnode.yaml", ret_settings, err);
}

static void test_defaults(void **state)
{
    (void)state;
    const struct settings *s;
    struct error err = {0};
    assert_int_equal(parse(minimal, &s, &err), 0);
    assert_string_equal(s->store, "/s");
    assert_string_equal(s->receiver.ae_title, "AXNODE");
    assert_string_equal(s->receiver.address, "127.0.0.1");
    assert_int_equal(s->receiver.port, 11112);
    assert_true(s->receiver.check_called_ae);
    assert_int_equal(s->study.quiet_period_us, 30000000);
    assert_int_equal(s->limits.frame_pixels, 67108864);
    assert_int_equal(s->supervisor.restart_first_us, 500000);
    assert_int_equal(s->log.level, LOG_INFO);
    assert_string_equal(s->package, "");
    assert_int_equal(s->destination_count, 0);
    assert_int_equal(s->packages.trusted_key_count, 0);
    assert_int_equal(s->packages.report_count, 0);
    settings_free(s);
}

static void test_values(void **state)
{
    (void)state;
    const struct settings *s;
    struct error err = {0};
    const char *text = "store: /s\ndatabase: 'host=/run user=axnode'\n"
                       "receiver: {ae_title: 'MY NODE', address: '::', port: 104}\n"
                       "study: {quiet_period_s: 0.25}\n"
                       "packages: {allow_unsigned: false, trusted_keys: [/k/a.pem, /k/b.pem],\n"
                       "  report: [video@1.0.0, nodes@2], shadow: [other@3]}\n"
                       "log: {level: debug}\nlimits:\n"
                       "destinations:\n"
                       "  - {name: pacs, ae_title: PACS, address: pacs.local, port: 11113}\n"
                       "  - {name: arch, ae_title: ARCH, address: 10.0.0.1, port: 104,\n"
                       "     objects: [sc, sr]}\n";
    assert_int_equal(parse(text, &s, &err), 0);
    assert_string_equal(s->receiver.ae_title, "MY NODE");
    assert_string_equal(s->receiver.address, "::");
    assert_int_equal(s->study.quiet_period_us, 250000);
    assert_int_equal(s->packages.trusted_key_count, 2);
    assert_string_equal(s->packages.trusted_keys[1], "/k/b.pem");
    assert_false(s->packages.allow_unsigned);
    assert_int_equal(s->packages.report_count, 2);
    assert_string_equal(s->packages.report[1], "nodes@2");
    assert_int_equal(s->packages.shadow_count, 1);
    assert_string_equal(s->packages.shadow[0], "other@3");
    assert_int_equal(s->log.level, LOG_DEBUG);
    assert_int_equal(s->destination_count, 2);
    static const bool usual[SETTINGS_OBJECTS] = {true, true, true};
    static const bool without_seg[SETTINGS_OBJECTS] = {true, false, true};
    assert_memory_equal(s->destinations[0].objects, usual, sizeof usual);
    assert_memory_equal(s->destinations[1].objects, without_seg, sizeof without_seg);
    assert_string_equal(s->destinations[1].address, "10.0.0.1");
    settings_free(s);
}

static void test_peers(void **state)
{
    (void)state;
    const struct settings *s;
    struct error err = {0};
    static const char text[] = "store: /s\ndatabase: d\n"
                       "tls: {certificate: /t/c, key: /t/k, ca: /t/a, port: 2762}\n"
                       "peers:\n"
                       "  - {name: us1, ae_title: LOGIQ, address: 10.1.2.3}\n"
                       "  - {name: pacs, ae_title: PACS, address: pacs.local, port: 104,\n"
                       "     from: [10.1.3.0/24, 'fd00::/8', pacs2.local], may: [echo, commit],\n"
                       "     quiet_period_s: 5, required_series: [US left axilla, SR],\n"
                       "     tls: true, certificate_sha256: '%s'}\n"
                       "destinations: [{name: archive, peer: pacs, objects: [sr]}]\n";
    char whole[1024], fingerprint[96] = "AB", digits[65] = "ab";
    for (int i = 1; i < 32; i++) {
        snprintf(fingerprint + 3 * i - 1, 4, ":%02X", i);
        snprintf(digits + 2 * i, 3, "%02x", i);
    }
    snprintf(whole, sizeof whole, text, fingerprint);
    if (parse(whole, &s, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(s->peer_count, 2);
    const struct settings_peer *us = &s->peers[0], *pacs = &s->peers[1];
    assert_true(us->echo && us->store && !us->commit && !us->tls);
    assert_int_equal(us->port, 0);
    assert_int_equal(us->from_count, 0);
    assert_true(pacs->echo && !pacs->store && pacs->commit && pacs->tls);
    assert_int_equal(pacs->from_count, 3);
    assert_string_equal(pacs->from[1], "fd00::/8");
    assert_string_equal(pacs->certificate_sha256, digits);
    assert_string_equal(pacs->certificate_name, "");
    assert_int_equal(us->quiet_period_us, 0);
    assert_int_equal(pacs->quiet_period_us, 5000000);
    assert_int_equal(pacs->required_series_count, 2);
    assert_string_equal(pacs->required_series[0].modality, "US");
    assert_string_equal(pacs->required_series[0].words, "left axilla");
    assert_string_equal(pacs->required_series[1].words, "");
    const struct settings_destination *to = &s->destinations[0];
    assert_ptr_equal(to->peer, pacs);
    assert_string_equal(to->ae_title, "PACS");
    assert_string_equal(to->address, "pacs.local");
    assert_int_equal(to->port, 104);
    static const bool sr_alone[SETTINGS_OBJECTS] = {true};
    assert_memory_equal(to->objects, sr_alone, sizeof sr_alone);
    settings_free(s);
}

/* Bad input beside the whole message it gets. */
static const struct {
    const char *text, *message;
} refused[] = {
    {"store: /s\n", "axnode.yaml:1: setting 'database' must be set"},
    {"store: /s\ndatabase: d\nstroe: /t\n", "axnode.yaml:3: unknown setting 'stroe'"},
    {"store: /s\ndatabase: d\nreceiver:\n  prot: 1\n",
     "axnode.yaml:4: unknown setting 'receiver.prot'"},
    {"store: /s\ndatabase: d\nreceiver:\n  port: {a: 1}\n",
     "axnode.yaml:4: port: must be a whole number"},
    {"store: /s\ndatabase: d\nreceiver: 5\n",
     "axnode.yaml:3: receiver: must be a mapping of keys and values"},
    {"store: /s\ndatabase: d\nreceiver: {port: 0}\n",
     "axnode.yaml:3: port: '0': must lie between 1 and 65535"},
    {"store: /s\ndatabase: d\nreceiver: {port: eleven}\n",
     "axnode.yaml:3: port: 'eleven': not a whole number"},
    {"store: /s\ndatabase: d\nreceiver: {port: '104'}\n",
     "axnode.yaml:3: port: '104': must be a whole number, not text"},
    {"store: relative\ndatabase: d\n",
     "axnode.yaml:1: store: 'relative' must be an absolute path"},
    {"store: [a]\ndatabase: d\n", "axnode.yaml:1: store: must be text"},
    {"store: /s\ndatabase: d\nreceiver: {ae_title: SEVENTEENLETTERSX}\n",
     "axnode.yaml:3: ae_title: 'SEVENTEENLETTERSX' must be an AE title: 1 to 16 characters, no "
     "blank at either end"},
    {"store: /s\ndatabase: d\nreceiver: {ae_title: \"A\\\\B\"}\n",
     "axnode.yaml:3: ae_title: 'A\\B' must be an AE title: printable ASCII without backslash"},
    {"store: /s\ndatabase: d\nreceiver: {address: localhost}\n",
     "axnode.yaml:3: address: 'localhost' must be a numeric IPv4 or IPv6 address"},
    {"store: /s\ndatabase: d\nreceiver: {check_called_ae: yes}\n",
     "axnode.yaml:3: check_called_ae: 'yes' must be true or false"},
    {"store: /s\ndatabase: d\nstudy: {quiet_period_s: 0.01}\n",
     "axnode.yaml:3: quiet_period_s: '0.01': must lie between 0.1 and 86400"},
    {"store: /s\ndatabase: d\nstudy: {quiet_period_s: soon}\n",
     "axnode.yaml:3: quiet_period_s: 'soon': not a finite number"},
    {"store: /s\ndatabase: d\nlog: {level: loud}\n",
     "axnode.yaml:3: level: 'loud' must be error, warning, info or debug"},
    {"store: /s\ndatabase: d\npackages: {trusted_keys: /k}\n",
     "axnode.yaml:3: trusted_keys: must be a list"},
    {"store: /s\ndatabase: d\nreceiver: {max_associations: 4, associations_per_peer: 5}\n",
     "axnode.yaml:3: associations_per_peer: must not exceed receiver.max_associations"},
    {"store: /s\ndatabase: d\nsender: {backoff_first_s: 9, backoff_max_s: 8}\n",
     "axnode.yaml:3: backoff_first_s: must not exceed sender.backoff_max_s"},
    {"store: /s\ndatabase: d\ndestinations: none\n",
     "axnode.yaml:3: destinations: must be a list"},
    {"store: /s\ndatabase: d\ndestinations:\n  - {name: a, ae_title: A, address: h}\n",
     "axnode.yaml:4: destinations: 'peer', or 'ae_title', 'address' and 'port' must be set"},
    {"store: /s\ndatabase: d\ndestinations:\n"
     "  - {name: a, ae_title: A, address: h, port: 1, objects: [sr, gif]}\n",
     "axnode.yaml:4: objects: must be sr, seg, sc, pr, ko, pdf or seg-ohif, each once"},
    {"store: /s\ndatabase: d\ndestinations:\n"
     "  - {name: a, ae_title: A, address: h, port: 1, objects: []}\n",
     "axnode.yaml:4: objects: must name at least one kind of object"},
    {"store: /s\ndatabase: d\ndestinations:\n"
     "  - {name: a, ae_title: A, address: h, port: 1, colour: red}\n",
     "axnode.yaml:4: unknown key 'colour'"},
    {"store: /s\ndatabase: d\ndestinations:\n  - {name: a, ae_title: A, address: h, port: 1}\n"
     "  - {name: a, ae_title: B, address: h, port: 1}\n",
     "axnode.yaml:5: name: 'a' stands twice"},
    {"store: /s\ndatabase: d\ndestinations: [{name: a, peer: b}]\n",
     "axnode.yaml:3: peer: 'b' is not a peer"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h}]\n"
     "destinations: [{name: a, peer: b}]\n",
     "axnode.yaml:4: peer: 'b' has no port to be called at"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, port: 1}]\n"
     "destinations: [{name: a, peer: b, port: 2}]\n",
     "axnode.yaml:4: destinations: 'peer' stands beside an address of its own"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, may: [find]}]\n",
     "axnode.yaml:3: may: must be echo, store or commit, each once"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, from: [10.0.0.0/33]}]\n",
     "axnode.yaml:3: from: '10.0.0.0/33' must be a host, an address or ADDRESS/BITS"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, tls: true}]\n",
     "axnode.yaml:3: peers: 'b' has tls: true, which needs tls.certificate, key and ca"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, certificate_sha256: ab}]\n",
     "axnode.yaml:3: certificate_sha256: 'ab' must be 64 hex digits"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: '', address: h}]\n",
     "axnode.yaml:3: ae_title: '' must be an AE title: 1 to 16 characters, no blank at either end"},
    {"store: /s\ndatabase: d\npeers:\n  - {name: b, ae_title: B, address: h}\n"
     "  - {name: b, ae_title: C, address: i}\n",
     "axnode.yaml:5: name: 'b' stands twice"},
    {"store: /s\ndatabase: d\npeers: [{name: b, ae_title: B, address: h, required_series: [' x']}]\n",
     "axnode.yaml:3: required_series: ' x' must be MODALITY, or MODALITY and words"},
    {"store: /s\ndatabase: d\nstudy: {age_max_s: 0}\n"
     "peers: [{name: b, ae_title: B, address: h, required_series: [SR]}]\n",
     "axnode.yaml:4: peers: 'b' has required_series, which needs study.age_max_s"},
    {"store: /s\ndatabase: d\nstudy: {quiet_period_s: 60, age_max_s: 50}\n",
     "axnode.yaml:3: age_max_s: must not be below study.quiet_period_s"},
    {"store: /s\ndatabase: d\ntls: {certificate: /c}\n",
     "axnode.yaml:3: tls: certificate, key and ca must all be set, or none of them"},
    {"store: /s\ndatabase: d\ntls: {port: 2762}\n",
     "axnode.yaml:3: port: needs tls.certificate, key and ca"},
    {"store: /s\ndatabase: d\ntls: {certificate: /c, key: /k, ca: /a, port: 11112}\n",
     "axnode.yaml:3: port: must not be receiver.port"},
    {"store: /s\ndatabase: d\ntls: {profile: sslv3}\n",
     "axnode.yaml:3: profile: 'sslv3' must be bcp195_nd or bcp195_extended"},
#define DESTINATION "destinations: [{name: a, ae_title: A, address: h, port: 1"
    {"store: /s\ndatabase: d\n" DESTINATION ", commitment: maybe}]\n",
     "axnode.yaml:3: commitment: 'maybe' must be none or required"},
    {"store: /s\ndatabase: d\n" DESTINATION ", associations: 9}]\n",
     "axnode.yaml:3: associations: '9': must lie between 1 and 8"},
    {"store: /s\ndatabase: d\n" DESTINATION "}]\nroutes: [{name: r, to: [b]}]\n",
     "axnode.yaml:4: to: must be names of destinations, each once"},
    {"store: /s\ndatabase: d\n" DESTINATION "}]\nroutes: [{name: r, from: [X], to: [a]}]\n",
     "axnode.yaml:4: routes: needs a fallback: a route without 'from', for results of every other "
     "source"},
    {"store: /s\ndatabase: d\n" DESTINATION "}]\nroutes: [{name: r, to: [a]}, {name: s, to: []}]\n",
     "axnode.yaml:4: routes: 's' is a second fallback, beside 'r'"},
    {"store: /s\ndatabase: d\n" DESTINATION "}]\nroutes: [{name: r}]\n",
     "axnode.yaml:4: routes: 'to' must be set"},
    {"store: /s\ndatabase: d\nstore: /t\n", "axnode.yaml:3: key 'store' stands twice"},
    {"[1, 2]\n", "axnode.yaml:1: must be a mapping of keys and values"},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const struct settings *s = NULL;
        struct error err = {0};
        if (parse(refused[i].text, &s, &err) != STATUS_INVALID)
            fail_msg("not refused: %s", refused[i].text);
        assert_string_equal(err.message, refused[i].message);
        assert_null(s);
    }
}

/* Bits of destinations that results of these sources go to. */
static unsigned routed(const struct settings *s, const char *first, const char *second)
{
    bool to[SETTINGS_DESTINATIONS_MAX] = {false};
    unsigned bits = 0;
    routes_add(s, first, to);
    if (second)
        routes_add(s, second, to);
    for (size_t i = 0; i < SETTINGS_DESTINATIONS_MAX; i++)
        bits |= (unsigned)to[i] << i;
    return bits;
}

static void test_routes(void **state)
{
    (void)state;
    const struct settings *s;
    struct error err = {0};
    char text[1024];
    static const char head[] = "store: /s\ndatabase: d\ndestinations:\n"
                               "  - {name: a, ae_title: A, address: h, port: 1}\n"
                               "  - {name: b, ae_title: B, address: h, port: 1, associations: 4,\n"
                               "     objects_per_minute: 90, commitment: required}\n"
                               "  - {name: c, ae_title: C, address: h, port: 1}\n";
    assert_int_equal(parse(head, &s, &err), 0);
    assert_int_equal(routed(s, "US1", NULL), 7);
    assert_int_equal(s->destinations[0].commitment, SETTINGS_COMMITMENT_NONE);
    assert_int_equal(s->destinations[1].commitment, SETTINGS_COMMITMENT_REQUIRED);
    assert_int_equal(s->destinations[1].associations, 4);
    assert_int_equal(s->destinations[1].objects_per_minute, 90);
    settings_free(s);
    snprintf(text, sizeof text, "%sroutes:\n  - {name: one, from: [US1, US2], to: [a]}\n"
             "  - {name: rest, to: [c]}\n  - {name: more, from: [US2], to: [b]}\n"
             "  - {name: nobody, from: [US3], to: []}\n", head);
    if (parse(text, &s, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(routed(s, "US1", NULL), 1);
    assert_int_equal(routed(s, "US2", NULL), 3);
    assert_int_equal(routed(s, "US3", NULL), 0);
    assert_int_equal(routed(s, "us1", NULL), 4);
    assert_int_equal(routed(s, "", NULL), 4);
    assert_int_equal(routed(s, "US1", "OTHER"), 5);
    settings_free(s);
}

static void test_missing_file(void **state)
{
    (void)state;
    const struct settings *s = NULL;
    struct error err = {0};
    assert_int_equal(settings_load("/nonexistent/axnode.yaml", &s, &err), STATUS_NOT_FOUND);
}

/* A document far deeper or wider than any setting is an error, not a crash. */
static void test_hostile(void **state)
{
    (void)state;
    struct buffer text BUFFER_AUTO = {0};
    const struct settings *s = NULL;
    struct error err = {0};
    for (int i = 0; i < 30; i++)
        assert_int_equal(buffer_print(&text, &err, "%*sreceiver:\n", i, ""), 0);
    assert_int_equal(parse(buffer_text(&text), &s, &err), STATUS_INVALID);
    assert_string_equal(err.message, "axnode.yaml:2: unknown setting 'receiver.receiver'");
}

static void test_fixed_difference(void **state)
{
    (void)state;
    const struct settings *a, *b, *c;
    struct error err = {0};
    assert_int_equal(parse(minimal, &a, &err), 0);
    assert_int_equal(parse("store: /s\ndatabase: d\nstudy: {quiet_period_s: 1}\n", &b, &err), 0);
    assert_int_equal(parse("store: /s\ndatabase: d\nreceiver: {port: 1}\n", &c, &err), 0);
    assert_null(settings_fixed_difference(a, a));
    assert_null(settings_fixed_difference(a, b));
    assert_string_equal(settings_fixed_difference(a, c), "receiver.port");
    settings_free(a);
    settings_free(b);
    settings_free(c);
}

static void assert_file_is(const char *path, int (*print)(struct buffer *, struct error *))
{
    struct buffer printed BUFFER_AUTO = {0}, file BUFFER_AUTO = {0};
    struct error err = {0};
    assert_int_equal(print(&printed, &err), 0);
    assert_int_equal(file_read(path, 1 << 20, &file, &err), 0);
    assert_string_equal(buffer_text(&printed), buffer_text(&file));
}

static void test_documents(void **state)
{
    (void)state;
    assert_file_is(SOURCE_DIR "/docs/settings.md", settings_print_reference);
    assert_file_is(SOURCE_DIR "/deploy/axnode.yaml", settings_print_sample);
}

/* The sample as it is, and with each line of one '#' switched on, reads as the defaults say. */
static void test_sample(void **state)
{
    (void)state;
    struct buffer sample BUFFER_AUTO = {0}, live BUFFER_AUTO = {0};
    const struct settings *a, *b, *defaults;
    struct error err = {0};
    assert_int_equal(settings_print_sample(&sample, &err), 0);
    assert_int_equal(parse(buffer_text(&sample), &a, &err), 0);
    for (const char *line = buffer_text(&sample); *line;) {
        size_t n = strcspn(line, "\n") + 1;
        bool live_line = line[0] == '#' && line[1] != '#';
        assert_int_equal(buffer_add(&live, line + live_line, n - live_line, &err), 0);
        line += n;
    }
    if (parse(buffer_text(&live), &b, &err) < 0)
        fail_msg("%s", err.message);
    assert_int_equal(parse("store: /var/lib/axnode\ndatabase: dbname=axnode\n", &defaults, &err),
                     0);
    assert_null(settings_fixed_difference(a, defaults));
    assert_null(settings_fixed_difference(b, defaults));
    assert_int_equal(b->destination_count, 1);
    assert_int_equal(b->sender.backoff_max_us, defaults->sender.backoff_max_us);
    settings_free(a);
    settings_free(b);
    settings_free(defaults);
}

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < settings_table_count; i++) {
        assert_true(strlen(settings_table[i].help) > 10);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(settings_table[i].name, settings_table[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),  cmocka_unit_test(test_values),
        cmocka_unit_test(test_peers),     cmocka_unit_test(test_routes),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_hostile),   cmocka_unit_test(test_fixed_difference),
        cmocka_unit_test(test_documents), cmocka_unit_test(test_sample),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
