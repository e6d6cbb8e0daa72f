/* TLS both ways, with certificates that openssl makes for this run. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/certificate.h"
#include "base/clock.h"
#include "dicom/receiver.h"
#include "dicom/sender.h"
#include "dicom/setup.h"
#include "sample.h"

static char folder[SAMPLE_PATH_SIZE];

/* --- certificates --- */

/* FOLDER/NAME.KIND */
static const char *file(const char *name, const char *kind)
{
    static char paths[8][SAMPLE_PATH_SIZE + 32];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s.%s", folder, name, kind);
    return path;
}

static void authority_make(const char *name)
{
    const char *const request[] = {"openssl", "req",     "-x509", "-newkey",  "rsa:2048",
                                   "-nodes",  "-keyout", file(name, "key"),   "-out",
                                   file(name, "crt"),    "-days", "30",       "-subj",
                                   "/CN=test authority", NULL};
    int r = sample_run(request, NULL);
    if (r == -1)
        skip();
    assert_int_equal(r, 0);
}

static void leaf_make(const char *name, const char *authority, const char *names, const char *days)
{
    const char *const request[] = {"openssl",  "req",     "-newkey",          "rsa:2048",
                                   "-nodes",   "-keyout", file(name, "key"),  "-out",
                                   file(name, "csr"),     "-subj",            "/CN=leaf",
                                   NULL};
    char extension[128];
    int n = snprintf(extension, sizeof extension, "subjectAltName=%s\n", names);
    sample_save(file(name, "ext"), extension, (size_t)n);
    assert_int_equal(sample_run(request, NULL), 0);
    const char *const sign[] = {"openssl", "x509",   "-req",     "-in",    file(name, "csr"),
                                "-CA",     file(authority, "crt"), "-CAkey",
                                file(authority, "key"),  "-CAcreateserial", "-out",
                                file(name, "crt"),       "-days",  days,    "-extfile",
                                file(name, "ext"),       NULL};
    assert_int_equal(sample_run(sign, NULL), 0);
}

/* Certificate and key of `name`, trusting `authority`; texts stay until the next calls. */
static struct dicom_tls_settings tls_of(const char *name, const char *authority)
{
    static char paths[6][SAMPLE_PATH_SIZE + 32];
    static unsigned next;
    char(*set)[SAMPLE_PATH_SIZE + 32] = &paths[next++ % 2 * 3];
    snprintf(set[0], sizeof set[0], "%s", file(name, "crt"));
    snprintf(set[1], sizeof set[1], "%s", file(name, "key"));
    snprintf(set[2], sizeof set[2], "%s", file(authority, "crt"));
    return (struct dicom_tls_settings){set[0], set[1], set[2], DICOM_TLS_BCP195_ND, true};
}

/* --- a receiver in a child process --- */

struct served {
    int status;
    struct dicom_association_result result;
    bool asked, tls, for_localhost, for_other; /* what admit saw */
};

struct server {
    pid_t pid;
    int port, result_fd;
};

struct plan {
    struct dicom_tls_settings tls;
    bool plain;                  /* without TLS */
    enum dicom_refusal refusal;  /* admit's answer */
    struct dicom_permission may;
};

struct asked {
    const struct plan *plan;
    struct served *served;
};

static enum dicom_refusal admit(void *context, const struct dicom_caller *caller,
                                struct dicom_permission *ret_permission)
{
    struct asked *asked = context;
    asked->served->asked = true;
    asked->served->tls = caller->tls;
    if (caller->certificate) {
        asked->served->for_localhost = certificate_names(
            caller->certificate, caller->certificate_bytes, "127.0.0.1");
        asked->served->for_other =
            certificate_names(caller->certificate, caller->certificate_bytes, "127.0.0.2");
    }
    *ret_permission = asked->plan->may;
    return asked->plan->refusal;
}

static int nothing_to_begin(void *context, int *ret_fd, struct error *err)
{
    (void)context;
    (void)ret_fd;
    return error_set(err, STATUS_IO, "nothing is stored here");
}

static void serve(int listener, const struct plan *plan, int result_fd)
{
    struct served served = {0};
    struct asked asked = {plan, &served};
    struct dicom_tls *tls = NULL;
    struct error err = {0};
    const struct dicom_receiver_sink sink = {.begin = nothing_to_begin};
    struct dicom_receiver_settings how = {.ae_title = "AXNODE",
                                          .check_called_ae = true,
                                          .peer_address = "127.0.0.1",
                                          .association = "a-1",
                                          .pdu_bytes_max = 16384,
                                          .handshake_timeout_s = 5,
                                          .idle_timeout_s = 5,
                                          .dimse_timeout_s = 5,
                                          .limits = dicom_limits_default(),
                                          .admit = admit,
                                          .admit_context = &asked};
    if (!plan->plain && dicom_tls_new(&plan->tls, &tls, &err) < 0)
        _exit(2);
    how.tls = tls;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    served.status = dicom_association_serve(fd, &how, &sink, &served.result, &err);
    dicom_tls_free(tls);
    _exit(write(result_fd, &served, sizeof served) == sizeof served ? 0 : 1);
}

static struct server server_start(const struct plan *plan)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    struct server server;
    int result[2], listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pipe(result), 0);
    server.port = ntohs(address.sin_port);
    server.pid = fork();
    if (server.pid == 0)
        serve(listener, plan, result[1]);
    close(result[1]);
    close(listener);
    server.result_fd = result[0];
    return server;
}

static struct served server_wait(struct server *server)
{
    struct served served;
    assert_int_equal(read(server->result_fd, &served, sizeof served), sizeof served);
    close(server->result_fd);
    assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
    return served;
}

static struct plan plan_default(void)
{
    return (struct plan){.tls = tls_of("ours", "authority"), .may = {.echo = true, .store = true}};
}

static struct dicom_peer peer_at(int port, const struct dicom_tls_settings *tls)
{
    return (struct dicom_peer){.ae_title = "AXNODE",
                               .host = "127.0.0.1",
                               .port = port,
                               .our_ae = "SENDER",
                               .connect_timeout_s = 3,
                               .handshake_timeout_s = 3,
                               .dimse_timeout_s = 3,
                               .pdu_bytes_max = 16384,
                               .tls = tls};
}

/* --- tests --- */

static void test_echo(void **state)
{
    (void)state;
    for (int extended = 0; extended < 2; extended++) {
        struct plan plan = plan_default();
        struct dicom_tls_settings tls = tls_of("peer", "authority");
        struct error err = {0};
        plan.tls.profile = tls.profile =
            extended ? DICOM_TLS_BCP195_EXTENDED : DICOM_TLS_BCP195_ND;
        struct server server = server_start(&plan);
        struct dicom_peer peer = peer_at(server.port, &tls);
        if (dicom_echo(&peer, &err) < 0)
            fail_msg("%s: %s", err.message, err.detail);
        struct served served = server_wait(&server);
        assert_int_equal(served.status, 0);
        assert_int_equal(served.result.end, DICOM_END_RELEASED);
        assert_int_equal(served.result.echoes, 1);
        assert_int_equal(served.result.tls_fault, DICOM_TLS_NONE);
        assert_true(served.tls && served.for_localhost && !served.for_other);
    }
}

/* Who calls shows `name` and trusts `trusted`: both sides say why there is no association. */
static void assert_fault(const char *name, const char *trusted, enum dicom_tls_fault fault)
{
    struct plan plan = plan_default();
    struct dicom_tls_settings tls = tls_of(name, trusted);
    struct error err = {0};
    struct server server = server_start(&plan);
    struct dicom_peer peer = peer_at(server.port, &tls);
    assert_int_equal(dicom_echo(&peer, &err), STATUS_UNAVAILABLE);
    struct served served = server_wait(&server);
    assert_true(served.status < 0);
    assert_false(served.asked);
    assert_int_equal(served.result.end, DICOM_END_FAILED);
    assert_string_equal(dicom_tls_fault_name(served.result.tls_fault), dicom_tls_fault_name(fault));
}

static void test_faults_of_callers(void **state)
{
    (void)state;
    assert_fault("stranger", "authority", DICOM_TLS_UNTRUSTED);
    assert_fault("expired", "authority", DICOM_TLS_EXPIRED);
    assert_fault("peer", "other", DICOM_TLS_OURS_REFUSED);
}

static struct served call_raw(const struct plan *plan, const char *const *arguments,
                              const char *bytes, size_t n)
{
    struct server server = server_start(plan);
    if (arguments) {
        char port[32];
        const char *command[16] = {NULL};
        snprintf(port, sizeof port, "127.0.0.1:%d", server.port);
        for (size_t i = 0; arguments[i]; i++)
            command[i] = strcmp(arguments[i], "PORT") == 0 ? port : arguments[i];
        sample_run(command, NULL);
        return server_wait(&server);
    }
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(write(fd, bytes, n), n);
    struct served served = server_wait(&server);
    close(fd);
    return served;
}

static void test_no_tls_and_old_tls(void **state)
{
    (void)state;
    struct plan plan = plan_default();
    struct served served = call_raw(&plan, NULL, "\1\0\0\0\0\4abcd", 10);
    assert_int_equal(served.result.tls_fault, DICOM_TLS_NOT_TLS);

    const char *const old[] = {"openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0",
                               "-connect", "PORT", NULL};
    served = call_raw(&plan, old, NULL, 0);
    assert_int_equal(served.result.tls_fault, DICOM_TLS_NO_COMMON);

    const char *const bare[] = {"openssl", "s_client", "-connect", "PORT", NULL};
    served = call_raw(&plan, bare, NULL, 0);
    assert_int_equal(served.result.tls_fault, DICOM_TLS_NO_CERTIFICATE);

    served = call_raw(&plan, NULL, "\x16\3\1\0\4abcd", 9); /* TLS at first sight */
    assert_true(served.result.tls_fault == DICOM_TLS_BROKEN ||
                served.result.tls_fault == DICOM_TLS_NOT_TLS);

    plan.plain = true;
    served = call_raw(&plan, bare, NULL, 0);
    assert_int_equal(served.result.end, DICOM_END_FAILED);
    assert_int_equal(served.result.tls_fault, DICOM_TLS_NONE);
}

/* Whom we call must be who we mean. */
static void test_faults_of_called(void **state)
{
    (void)state;
    struct plan plan = plan_default();
    struct dicom_tls_settings tls = tls_of("peer", "authority");
    struct certificate ours;
    struct error err = {0};
    assert_int_equal(certificate_read(file("ours", "crt"), &ours, NULL), 0);

    struct server server = server_start(&plan);
    struct dicom_peer peer = peer_at(server.port, &tls);
    peer.certificate_name = "elsewhere.example";
    assert_int_equal(dicom_echo(&peer, &err), STATUS_UNAVAILABLE);
    assert_string_equal(err.detail, "TLS: the peer's certificate is made out to another name");
    assert_false(server_wait(&server).asked);

    server = server_start(&plan);
    peer = peer_at(server.port, &tls);
    peer.certificate_name = "elsewhere.example"; /* does not count beside a fingerprint */
    peer.certificate_sha256 = ours.sha256;
    assert_int_equal(dicom_echo(&peer, &err), 0);
    assert_int_equal(server_wait(&server).result.echoes, 1);

    server = server_start(&plan);
    peer.port = server.port;
    ours.sha256[0] = ours.sha256[0] == '0' ? '1' : '0';
    assert_int_equal(dicom_echo(&peer, &err), STATUS_UNAVAILABLE);
    assert_non_null(strstr(err.message, "another certificate"));
    assert_int_equal(server_wait(&server).result.echoes, 0);
}

static void test_admission(void **state)
{
    (void)state;
    static const enum dicom_refusal refusals[] = {
        DICOM_REFUSED_CALLING_AE, DICOM_REFUSED_ADDRESS, DICOM_REFUSED_WITHOUT_TLS,
        DICOM_REFUSED_CERTIFICATE};
    static const struct dicom_context image = {"1.2.840.10008.5.1.4.1.1.6.1",
                                               "1.2.840.10008.1.2.1"};
    struct plan plan = plan_default();
    struct error err = {0};
    plan.plain = true;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        plan.refusal = refusals[i];
        struct server server = server_start(&plan);
        struct dicom_peer peer = peer_at(server.port, NULL);
        assert_int_equal(dicom_echo(&peer, &err), STATUS_UNAVAILABLE);
        assert_non_null(strstr(err.detail, "Calling AE Title Not Recognized"));
        struct served served = server_wait(&server);
        assert_int_equal(served.result.end, DICOM_END_REJECTED);
        assert_int_equal(served.result.refusal, refusals[i]);
        assert_string_equal(dicom_refusal_text(served.result.refusal),
                            dicom_refusal_text(refusals[i]));
    }
    /* Storing alone is allowed, then echo alone. */
    plan.refusal = DICOM_ADMITTED;
    plan.may = (struct dicom_permission){.store = true};
    struct server server = server_start(&plan);
    struct dicom_peer peer = peer_at(server.port, NULL);
    assert_int_equal(dicom_echo(&peer, &err), STATUS_UNAVAILABLE);
    assert_int_equal(server_wait(&server).result.refusal, DICOM_REFUSED_CONTEXTS);

    struct dicom_sender *sender;
    plan.may = (struct dicom_permission){.echo = true};
    server = server_start(&plan);
    peer.port = server.port;
    assert_int_equal(dicom_sender_open(&peer, &image, 1, &sender, &err), STATUS_UNAVAILABLE);
    assert_int_equal(server_wait(&server).result.refusal, DICOM_REFUSED_CONTEXTS);
}

static void test_material(void **state)
{
    (void)state;
    struct dicom_tls *tls = NULL;
    struct error err = {0};
    struct dicom_tls_settings settings = tls_of("ours", "authority");
    assert_int_equal(dicom_tls_new(&settings, &tls, &err), 0);
    dicom_tls_free(tls);
    dicom_tls_free(NULL);
    settings.key = file("peer", "key");
    assert_int_equal(dicom_tls_new(&settings, &tls, &err), STATUS_INVALID);
    assert_int_equal(certificate_check(settings.certificate, settings.key, settings.ca, &err),
                     STATUS_INVALID);
    settings.key = file("nobody", "key");
    assert_int_equal(dicom_tls_new(&settings, &tls, &err), STATUS_INVALID);
    assert_int_equal(certificate_check(settings.certificate, settings.key, settings.ca, &err),
                     STATUS_NOT_FOUND);
    settings.ca = file("ours", "key");
    assert_int_equal(dicom_tls_new(&settings, &tls, &err), STATUS_INVALID);

    struct certificate certificate;
    assert_int_equal(certificate_read(file("ours", "crt"), &certificate, &err), 0);
    int64_t left_us = certificate.ends_us - clock_realtime_us(clock_system());
    assert_true(left_us > INT64_C(28) * 86400 * 1000000 && left_us < INT64_C(31) * 86400 * 1000000);
    assert_int_equal(strlen(certificate.sha256), 64);
    assert_int_equal(certificate_read(file("ours", "key"), &certificate, &err), STATUS_INVALID);
    assert_false(certificate_names((const uint8_t *)"\x30\x82", 2, "127.0.0.1"));
}

static int make_folder(void **state)
{
    (void)state;
    struct error err = {0};
    if (dicom_setup(&err) < 0)
        fail_msg("%s", err.message);
    sample_folder_make(folder);
    authority_make("authority");
    authority_make("other");
    leaf_make("ours", "authority", "IP:127.0.0.1", "30");
    leaf_make("peer", "authority", "IP:127.0.0.1", "30");
    leaf_make("stranger", "other", "IP:127.0.0.1", "30");
    leaf_make("expired", "authority", "IP:127.0.0.1", "-1");
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    sample_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_faults_of_callers),
        cmocka_unit_test(test_no_tls_and_old_tls),
        cmocka_unit_test(test_faults_of_called),
        cmocka_unit_test(test_admission),
        cmocka_unit_test(test_material),
    };
    return cmocka_run_group_tests_name("dicom tls", tests, make_folder, remove_folder);
}
