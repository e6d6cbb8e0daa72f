/* By what the receiver lets callers in: settings, the peers' addresses, TLS. Replaced as a whole at
 * a reload; an association that runs keeps what it began with. */
#ifndef AXNODE_SERVICE_ADMISSION_H
#define AXNODE_SERVICE_ADMISSION_H

#include "dicom/tls.h"
#include "service/peers.h"
#include "service/role.h"

struct admission {
    const struct settings *settings; /* borrowed */
    struct peers *peers;
    struct dicom_tls *tls; /* NULL: no TLS */
};

/* Looks up host names, beating after each, and reads certificates; writes a warning to the log for
 * each check that the settings relax. */
int admission_open(const struct role *role, const struct settings *settings,
                   struct admission *ret_admission, struct error *err);
void admission_close(struct admission *admission);

#endif
