/* axnode echo */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/session.h"
#include "dicom/sender.h"
#include "dicom/setup.h"
#include "service/call.h"

static const char usage_text[] =
    "Usage: axnode echo NAME [--config FILE] [--json]\n"
    "Call a peer or a destination of the settings as the service would, by TLS where they say so, and\n"
    "ask whether it hears us (C-ECHO). Where it does not, the message says what to look at.\n";

/* STATUS_NOT_FOUND: neither peer nor destination has that name. */
static int peer_find(const struct settings *settings, const char *name,
                     const struct dicom_tls_settings *tls, struct dicom_peer *ret_peer,
                     struct error *err)
{
    int timeout_s = (int)((settings->sender.timeout_us + 999999) / 1000000);
    for (size_t i = 0; i < settings->peer_count; i++) {
        const struct settings_peer *peer = &settings->peers[i];
        if (strcmp(peer->name, name) != 0)
            continue;
        if (!peer->port)
            return error_set(err, STATUS_INVALID, "peer '%s' has no port to be called at", name);
        *ret_peer = call_peer(settings, peer, tls, timeout_s);
        return 0;
    }
    for (size_t i = 0; i < settings->destination_count; i++) {
        if (strcmp(settings->destinations[i].name, name) != 0)
            continue;
        *ret_peer = call_destination(settings, &settings->destinations[i], tls, timeout_s);
        return 0;
    }
    return error_set(err, STATUS_NOT_FOUND, "no peer or destination of the settings is called "
                     "'%.64s'", name);
}

static int print_json(const char *name, const struct dicom_peer *peer, int done, int64_t us,
                      const struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    bool good = cJSON_AddStringToObject(json, "name", name) &&
                cJSON_AddStringToObject(json, "ae_title", peer->ae_title) &&
                cJSON_AddStringToObject(json, "address", peer->host) &&
                cJSON_AddNumberToObject(json, "port", peer->port) &&
                cJSON_AddBoolToObject(json, "tls", peer->tls != NULL) &&
                cJSON_AddBoolToObject(json, "answered", done == 0) &&
                cJSON_AddNumberToObject(json, "ms", (double)(us / 100) / 10);
    if (good && done < 0)
        good = cJSON_AddStringToObject(json, "error", err->message) &&
               cJSON_AddStringToObject(json, "detail", err->detail) &&
               cJSON_AddStringToObject(json, "hint", err->hint);
    int status = good ? command_print_json(json) : EXIT_FAILED;
    cJSON_Delete(json);
    return status == EXIT_DONE && done < 0 ? EXIT_FAILED : status;
}

static int echo(const struct session *session, const char *name)
{
    struct dicom_tls_settings tls = call_tls(session->settings);
    struct dicom_peer peer;
    struct error err = {0};
    int done = peer_find(session->settings, name, &tls, &peer, &err);
    if (done == 0)
        done = dicom_setup(&err);
    if (done < 0)
        return command_failed(&err);
    int64_t started_us = clock_monotonic_us(clock_system());
    done = dicom_echo(&peer, &err);
    int64_t us = clock_monotonic_us(clock_system()) - started_us;
    if (session->json)
        return print_json(name, &peer, done, us, &err);
    if (done < 0)
        return command_failed(&err);
    printf("%s: %s at %s:%d answers%s, after %.1f ms\n", name, peer.ae_title, peer.host, peer.port,
           peer.tls ? " by TLS" : "", (double)us / 1000);
    return EXIT_DONE;
}

int command_echo(int argc, char **argv)
{
    struct session session;
    struct error err = {0};
    int status = session_options(&session, argc, argv, usage_text, true);
    if (status >= 0)
        return status;
    if (optind + 1 != argc)
        return command_usage(argv[0], "name one peer or destination");
    if (command_settings(session.config, &session.settings, &err) < 0)
        return command_failed(&err);
    status = echo(&session, argv[optind]);
    session_release(&session);
    return status;
}
