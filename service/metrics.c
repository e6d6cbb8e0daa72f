/* Role metrics: GET /metrics over HTTP, for Prometheus. One thread; a request at a time. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "db/migrate.h"
#include "service/database.h"
#include "service/metrics_page.h"
#include "service/role.h"
#include "service/watch.h"

enum {
    CONNECTIONS_MAX = 8,
    CONNECTION_TIMEOUT_S = 10,
    TURN_MS = 5000,
    STEP_US = 60000000, /* a page with a database that answers neither yes nor no */
    DATABASE_CONNECT_S = 2,
    DATABASE_STATEMENT_MS = 5000,
};

struct exporter {
    const struct role *role;
    struct watch *watch;
    struct store *store;
    struct db *db; /* NULL while there is no connection */
};

/* One try for each page: a scraper comes again by itself. */
static void database_try(struct exporter *x)
{
    static const struct db_options options = {.connect_timeout_s = DATABASE_CONNECT_S,
                                              .statement_timeout_ms = DATABASE_STATEMENT_MS};
    struct error err = {0};
    if (x->db && db_alive(x->db))
        return;
    db_close(x->db);
    x->db = NULL;
    int status = database_open(x->role, &options, &x->db, &err);
    if (status < 0)
        log_error(LOG_DEBUG, "no database", &err, NULL);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned code, const char *text,
                             size_t n)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(n, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                            "text/plain; version=0.0.4; charset=utf-8");
    if (code == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *connection, unsigned code,
                                  const char *text)
{
    return reply(connection, code, text, strlen(text));
}

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state)
{
    struct exporter *x = context;
    (void)version;
    (void)upload;
    (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return *upload_size ? MHD_NO
                            : reply_text(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
    if (strcmp(url, "/metrics") != 0)
        return reply_text(connection, MHD_HTTP_NOT_FOUND, "see /metrics\n");
    struct buffer page BUFFER_AUTO = {0};
    struct error err = {0};
    watch_allow(x->watch, STEP_US);
    database_try(x);
    struct metrics_source source = {x->role->settings, x->role->board, x->store, x->db};
    if (metrics_page(&source, &page, &err) < 0) {
        log_error(LOG_ERROR, "no metrics", &err, NULL);
        return reply_text(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "failed, see the log\n");
    }
    return reply(connection, MHD_HTTP_OK, buffer_text(&page), page.size);
}

static int listen_open(struct exporter *x, struct MHD_Daemon **ret_daemon, struct error *err)
{
    const struct settings *settings = x->role->settings;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *where;
    char port[8];
    snprintf(port, sizeof port, "%d", settings->metrics.port);
    int failed = getaddrinfo(settings->metrics.address, port, &hints, &where);
    if (failed)
        return error_set(err, STATUS_INVALID, "cannot use address %s: %s",
                         settings->metrics.address, gai_strerror(failed));
    unsigned flags = MHD_USE_EPOLL | (where->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, (uint16_t)settings->metrics.port, NULL, NULL, answer, x, MHD_OPTION_SOCK_ADDR,
        where->ai_addr, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_TIMEOUT_S, MHD_OPTION_END);
    freeaddrinfo(where);
    if (!daemon) {
        error_set(err, STATUS_IO, "cannot listen on %s port %d", settings->metrics.address,
                  settings->metrics.port);
        error_hint(err, "another program may hold the port: see ss -ltnp, or set metrics.port");
        return STATUS_IO;
    }
    *ret_daemon = daemon;
    return 0;
}

static void serve(struct exporter *x, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    while (!role_stopping(x->role)) {
        MHD_UNSIGNED_LONG_LONG wait_ms;
        struct pollfd fds[] = {{.fd = info->epoll_fd, .events = POLLIN},
                               {.fd = x->role->stop_fd, .events = POLLIN}};
        if (MHD_get_timeout(daemon, &wait_ms) != MHD_YES || wait_ms > TURN_MS)
            wait_ms = TURN_MS;
        watch_allow(x->watch, STEP_US);
        poll(fds, 2, (int)wait_ms);
        MHD_run(daemon);
    }
}

int axnode_role_main(const struct role *role)
{
    struct exporter x = {.role = role};
    struct MHD_Daemon *daemon = NULL;
    struct error err = {0};
    role_enter(role);
    int status = watch_start(role, NULL, NULL, &x.watch, &err);
    if (status == 0)
        status = store_open(role->settings->store, NULL, &x.store, &err);
    if (status == 0)
        status = listen_open(&x, &daemon, &err);
    if (status == 0) {
        log_event(LOG_INFO, "listening", "address=%s port=%d", role->settings->metrics.address,
                  role->settings->metrics.port);
        serve(&x, daemon);
        MHD_stop_daemon(daemon);
    } else {
        log_error(LOG_ERROR, "metrics not started", &err, NULL);
    }
    watch_stop(x.watch);
    db_close(x.db);
    store_close(x.store);
    return status < 0;
}
