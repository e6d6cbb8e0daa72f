#include "service/routes.h"

#include <string.h>

static bool names(const struct settings_route *route, const char *calling_ae)
{
    for (size_t i = 0; i < route->from_count; i++)
        if (strcmp(route->from[i], calling_ae) == 0)
            return true;
    return false;
}

void routes_add(const struct settings *settings, const char *calling_ae,
                bool to[SETTINGS_DESTINATIONS_MAX])
{
    bool named = false;
    for (size_t i = 0; i < settings->route_count; i++)
        named |= names(&settings->routes[i], calling_ae);
    for (size_t d = 0; d < settings->destination_count; d++) {
        to[d] |= settings->route_count == 0;
        for (size_t i = 0; i < settings->route_count; i++) {
            const struct settings_route *route = &settings->routes[i];
            bool applies = named ? names(route, calling_ae) : route->from_count == 0;
            to[d] |= applies && route->to[d];
        }
    }
}

bool routes_takes(const struct settings_destination *destination, const char *kind)
{
    for (size_t i = 0; i < SETTINGS_OBJECTS; i++)
        if (strcmp(kind, settings_object_names[i]) == 0)
            return destination->objects[i];
    return false;
}
