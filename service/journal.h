/* Does the systemd journal read our stderr? */
#ifndef AXNODE_SERVICE_JOURNAL_H
#define AXNODE_SERVICE_JOURNAL_H

#include <stdbool.h>

/* JOURNAL_STREAM names device and inode of the stream (systemd.exec(5)). */
bool journal_reads_stderr(void);

#endif
