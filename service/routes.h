/* Which destinations get a result: the routes of all that its study came from. */
#ifndef AXNODE_SERVICE_ROUTES_H
#define AXNODE_SERVICE_ROUTES_H

#include <stdbool.h>

#include "service/settings.h"

/* Add to `to` where results of one calling AE title go: every route that names it, else the
 * fallback; without routes, everywhere. Start with all false. */
void routes_add(const struct settings *settings, const char *calling_ae,
                bool to[SETTINGS_DESTINATIONS_MAX]);

/* Whether a destination gets this kind of object ("sr", "seg", …). */
bool routes_takes(const struct settings_destination *destination, const char *kind);

#endif
