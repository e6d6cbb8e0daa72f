/* A service under test: a private folder, a settings file, one running axnoded, and what it
 * tells systemd. */
#ifndef AXNODE_TESTS_SERVICE_PROCESS_H
#define AXNODE_TESTS_SERVICE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct service {
    char folder[64];  /* the store, and all else */
    char config[96];
    char log[96];
    pid_t pid;
    int notify_fd;
    char notified[1 << 16]; /* all messages so far, one line each */
};

/* Make folder and settings: `settings` follows the store's line. Nothing runs yet. */
void service_prepare(struct service *s, const char *settings);
void service_start(struct service *s, const char *program);
/* Kill what runs, remove the folder. */
void service_end(struct service *s);
/* Sleep, while what it tells systemd is read: sd_notify blocks when nobody does. */
void service_pause(int ms);
/* The wait status. Fails after 20 s. */
int service_wait(struct service *s);
/* Has systemd been told this so far? */
bool service_notified(struct service *s, const char *text);

void file_touch(const struct service *s, const char *name);
void file_remove(const struct service *s, const char *name);
/* Lines of FOLDER/name; 0 when there is none. */
int file_lines(const struct service *s, const char *name);
/* Of line `index` (from 0): process and time. */
void start_read(const struct service *s, const char *label, int index, pid_t *ret_pid,
                long long *ret_us);

/* Evaluate until true; fails the test after 20 s. */
#define WAIT_FOR(condition)                                                                       \
    do {                                                                                          \
        int tries_ = 0;                                                                           \
        while (!(condition)) {                                                                    \
            if (++tries_ > 2000)                                                                  \
                fail_msg("still not: %s", #condition);                                            \
            service_pause(10);                                                                    \
        }                                                                                         \
    } while (0)

#endif
