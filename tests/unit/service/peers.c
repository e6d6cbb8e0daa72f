/* Who is let in, and what who is turned away hears. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/peers.h"
#include "service/turn_away.h"

static int unknown_count;

static void looked_up(void *context, const char *peer, const char *host, bool known)
{
    assert_ptr_equal(context, &unknown_count);
    assert_string_equal(peer, known ? "echo" : "lost");
    assert_string_equal(host, known ? "localhost" : "no-such-host.invalid");
    unknown_count += !known;
}

static const struct settings *settings_of(const char *text)
{
    const struct settings *settings;
    struct error err = {0};
    if (settings_parse(text, strlen(text), "axnode.yaml", &settings, &err) < 0)
        fail_msg("%s", err.message);
    return settings;
}

#define BASE "store: /s\ndatabase: d\ntls: {certificate: /c, key: /k, ca: /a}\n"
#define PEERS \
    "peers:\n" \
    "  - {name: us1, ae_title: US1, address: 10.1.2.3}\n" \
    "  - {name: net, ae_title: US2, address: 10.1.2.4, from: [10.2.0.0/15, 'fd00:1::/33']}\n" \
    "  - {name: echo, ae_title: MON, address: localhost, may: [echo]}\n" \
    "  - {name: archive, ae_title: ARC, address: 10.9.9.9, may: [echo, commit], tls: true}\n" \
    "  - {name: lost, ae_title: LOST, address: no-such-host.invalid}\n"

static struct peers *peers_of(const struct settings *settings)
{
    struct peers *peers;
    struct error err = {0};
    if (peers_new(settings, looked_up, &unknown_count, &peers, &err) < 0)
        fail_msg("%s", err.message);
    return peers;
}

struct answer {
    enum dicom_refusal refusal;
    struct dicom_permission may;
    const char *name; /* "" : nobody */
};

static struct answer ask(const struct peers *peers, const char *ae, const char *address, bool tls,
                         bool itself)
{
    struct answer answer;
    const struct settings_peer *peer;
    struct dicom_caller caller = {.calling_ae = ae, .called_ae = "AXNODE", .tls = tls};
    answer.refusal = peers_admit(peers, &caller, address, itself, &answer.may, &peer);
    answer.name = peer ? peer->name : "";
    return answer;
}

static void test_listed(void **state)
{
    (void)state;
    const struct settings *settings = settings_of(BASE PEERS);
    unknown_count = 0;
    struct peers *peers = peers_of(settings);
    assert_int_equal(unknown_count, 1);
    struct answer answer = ask(peers, "US1", "10.1.2.3", false, false);
    assert_int_equal(answer.refusal, DICOM_ADMITTED);
    assert_string_equal(answer.name, "us1");
    assert_true(answer.may.echo && answer.may.store && !answer.may.commit);
    assert_int_equal(ask(peers, "US1", "10.1.2.4", false, false).refusal, DICOM_REFUSED_ADDRESS);
    assert_int_equal(ask(peers, "us1", "10.1.2.3", false, false).refusal,
                     DICOM_REFUSED_CALLING_AE);
    assert_int_equal(ask(peers, "", "10.1.2.3", false, false).refusal, DICOM_REFUSED_CALLING_AE);
    assert_int_equal(ask(peers, "LOST", "10.1.2.3", false, false).refusal, DICOM_REFUSED_ADDRESS);
    assert_int_equal(ask(peers, "US1", "", false, false).refusal, DICOM_REFUSED_ADDRESS);

    static const char *const inside[] = {"10.1.2.4", "10.2.0.0", "10.3.255.255", "fd00:1::5",
                                         "fd00:1:7fff::1"};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++)
        assert_int_equal(ask(peers, "US2", inside[i], false, false).refusal, DICOM_ADMITTED);
    static const char *const outside[] = {"10.4.0.0", "10.1.255.255", "fd00:1:8000::1", "fd00:2::",
                                          "::"};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++)
        assert_int_equal(ask(peers, "US2", outside[i], false, false).refusal,
                         DICOM_REFUSED_ADDRESS);

    answer = ask(peers, "MON", "127.0.0.1", false, false);
    assert_int_equal(answer.refusal, DICOM_ADMITTED);
    assert_true(answer.may.echo && !answer.may.store);
    assert_int_equal(ask(peers, "ARC", "10.9.9.9", false, false).refusal,
                     DICOM_REFUSED_WITHOUT_TLS);
    assert_int_equal(ask(peers, "ARC", "10.9.9.9", true, false).refusal,
                     DICOM_REFUSED_CERTIFICATE);
    peers_free(peers);
    settings_free(settings);
}

/* `axnode doctor` asks with our own AE title from this machine. */
static void test_itself(void **state)
{
    (void)state;
    const struct settings *settings = settings_of(BASE PEERS);
    struct peers *peers = peers_of(settings);
    struct answer answer = ask(peers, "AXNODE", "10.0.0.1", false, true);
    assert_int_equal(answer.refusal, DICOM_ADMITTED);
    assert_true(answer.may.echo && !answer.may.store && !answer.may.commit);
    assert_int_equal(ask(peers, "AXNODE", "10.0.0.1", false, false).refusal,
                     DICOM_REFUSED_CALLING_AE);
    assert_int_equal(ask(peers, "OTHER", "10.0.0.1", false, true).refusal,
                     DICOM_REFUSED_CALLING_AE);
    peers_free(peers);
    settings_free(settings);
}

static void test_relaxed(void **state)
{
    (void)state;
    const struct settings *settings = settings_of(BASE);
    struct peers *peers = peers_of(settings);
    struct answer answer = ask(peers, "ANY", "192.0.2.1", false, false);
    assert_int_equal(answer.refusal, DICOM_ADMITTED);
    assert_true(answer.may.echo && answer.may.store && !answer.may.commit);
    peers_free(peers);
    settings_free(settings);

    settings = settings_of(BASE PEERS "receiver: {check_address: false}\n");
    peers = peers_of(settings);
    assert_string_equal(ask(peers, "MON", "192.0.2.1", false, false).name, "echo");
    assert_int_equal(ask(peers, "ANY", "10.1.2.3", false, false).refusal,
                     DICOM_REFUSED_CALLING_AE);
    peers_free(peers);
    settings_free(settings);

    settings = settings_of(BASE PEERS "receiver: {check_calling_ae: false}\n");
    peers = peers_of(settings);
    assert_string_equal(ask(peers, "ANY", "10.1.2.3", false, false).name, "us1");
    assert_int_equal(ask(peers, "ANY", "192.0.2.1", false, false).refusal,
                     DICOM_REFUSED_CALLING_AE);
    peers_free(peers);
    settings_free(settings);

    settings =
        settings_of(BASE PEERS "receiver: {check_calling_ae: false, check_address: false}\n");
    peers = peers_of(settings);
    answer = ask(peers, "ANY", "192.0.2.1", false, false);
    assert_int_equal(answer.refusal, DICOM_ADMITTED);
    assert_true(answer.may.store && !answer.may.commit);
    assert_int_equal(ask(peers, "ARC", "192.0.2.1", false, false).refusal,
                     DICOM_REFUSED_WITHOUT_TLS);
    peers_free(peers);
    settings_free(settings);
}

/* --- turned away --- */

static void tend(struct turn_away *t, int64_t now_us)
{
    struct pollfd fds[TURN_AWAY_MAX];
    turn_away_poll(t, fds);
    poll(fds, (nfds_t)t->count, 0);
    turn_away_tend(t, fds, now_us);
}

static void test_turned_away(void **state)
{
    (void)state;
    static const unsigned char rejected[10] = {3, 0, 0, 0, 0, 4, 0, 2, 3, 2};
    unsigned char answer[16];
    struct turn_away t = {.count = 0};
    int ends[2], silent[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, silent), 0);
    turn_away_add(&t, ends[0], 1000000);
    turn_away_add(&t, silent[0], 1000000);
    tend(&t, 1000001);
    assert_int_equal(t.count, 2);
    assert_int_equal(recv(ends[1], answer, sizeof answer, MSG_DONTWAIT), -1); /* nothing asked */
    assert_int_equal(write(ends[1], "\1\0\0\0\0\377", 6), 6);
    tend(&t, 1000002);
    assert_int_equal(recv(ends[1], answer, sizeof answer, MSG_DONTWAIT), sizeof rejected);
    assert_memory_equal(answer, rejected, sizeof rejected);
    assert_int_equal(write(ends[1], "the rest", 8), 8); /* read away, not answered again */
    tend(&t, 1000003);
    assert_int_equal(recv(ends[1], answer, sizeof answer, MSG_DONTWAIT), -1);
    close(ends[1]); /* it has heard */
    tend(&t, 1000004);
    assert_int_equal(t.count, 1);
    tend(&t, 10000000); /* no patience for the silent one */
    assert_int_equal(t.count, 0);
    assert_int_equal(recv(silent[1], answer, sizeof answer, MSG_DONTWAIT), 0);
    close(silent[1]);
}

static void test_too_many_to_tell(void **state)
{
    (void)state;
    struct turn_away t = {.count = 0};
    int ends[TURN_AWAY_MAX + 1][2];
    char byte;
    for (int i = 0; i <= TURN_AWAY_MAX; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends[i]), 0);
        turn_away_add(&t, ends[i][0], 0);
    }
    assert_int_equal(t.count, TURN_AWAY_MAX);
    assert_int_equal(recv(ends[TURN_AWAY_MAX][1], &byte, 1, MSG_DONTWAIT), 0); /* closed */
    turn_away_close(&t);
    assert_int_equal(recv(ends[0][1], &byte, 1, MSG_DONTWAIT), 0);
    for (int i = 0; i <= TURN_AWAY_MAX; i++)
        close(ends[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed),       cmocka_unit_test(test_itself),
        cmocka_unit_test(test_relaxed),      cmocka_unit_test(test_turned_away),
        cmocka_unit_test(test_too_many_to_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
