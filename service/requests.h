/* Peers' requests to commit to what they stored: the receiver keeps each in the store before the peer is
 * told so, the sender answers it (service/pledging.h). */
#ifndef AXNODE_SERVICE_REQUESTS_H
#define AXNODE_SERVICE_REQUESTS_H

#include "dicom/commitment.h"
#include "service/settings.h"
#include "store/store.h"

/* Requests that wait for their answer at once; one more is refused. */
enum { REQUESTS_MAX = 1000 };

struct requests {
    const struct settings *settings; /* borrowed, as the others */
    struct store *store;
    const char *association;          /* id for the log */
    const struct settings_peer *peer; /* who asks; NULL: somebody who is not listed */
};

/* Whether we commit to anything at all: both of the settings say so. */
bool requests_taken(const struct settings *settings);
/* Whether the peer may ask, and can be answered. */
bool requests_peer(const struct settings_peer *peer);
/* Keeps requests of such peers; `requests` must outlive the sink. */
struct dicom_request_sink requests_sink(struct requests *requests);

#endif
