/* Answers to requests for storage commitment: whoever hears one keeps it in the store before the
 * peer is told so, the sender takes it into the database. */
#ifndef AXNODE_SERVICE_ANSWERS_H
#define AXNODE_SERVICE_ANSWERS_H

#include "dicom/commitment.h"
#include "service/settings.h"
#include "store/store.h"

struct answers {
    const struct settings *settings; /* borrowed, as the others */
    struct store *store;
    const char *association; /* id for the log; "" for one of ours */
};

/* Whether any destination is asked for storage commitment. */
bool answers_expected(const struct settings *settings);
/* Keeps answers of destinations that are asked; `answers` must outlive the sink. */
struct dicom_commitment_sink answers_sink(struct answers *answers);

#endif
