/* One association, served by dicom/receiver.h with every service of ours, commitment both ways too. Its
 * peer, a connection of this machine, has sent all it will send and closed before it is served. */
#ifndef AXNODE_FUZZ_SESSION_H
#define AXNODE_FUZZ_SESSION_H

#include <stddef.h>
#include <stdint.h>

enum { SESSION_BYTES_MAX = 64 << 10 }; /* what the connection holds without anybody who reads */

/* 0, or -1 without DCMTK's dictionary. */
int session_setup(void);
/* More than SESSION_BYTES_MAX is not sent at all. */
void session_run(const uint8_t *sent, size_t size);

#endif
