/* How far Orthanc's change log is done with. */
#ifndef AXNODE_PLUGIN_CURSOR_H
#define AXNODE_PLUGIN_CURSOR_H

#include <stdint.h>

/* The change up to which everything is done with. It lags: behind the queue's oldest study, and
 * behind images that came so lately that their study may not be stable yet. For Orthanc tells that
 * a study is stable only while it lives; after a restart the changes behind the cursor are read
 * again, and every study that got an image is looked at. */
struct cursor {
    int64_t read;    /* the last change that was read */
    int64_t settled; /* changes that are older than the lag */
    int64_t young;   /* read at `young_us`, and not settled yet */
    int64_t young_us;
};
void cursor_init(struct cursor *cursor, int64_t sequence, int64_t now_us);
/* How far a restart may skip, with the queue's floor at `floor`. */
int64_t cursor_safe(struct cursor *cursor, int64_t floor, int64_t lag_us, int64_t now_us);

#endif
