/* Follows Orthanc's change log and puts into the queue what is to be looked at. */
#ifndef AXNODE_PLUGIN_WATCH_H
#define AXNODE_PLUGIN_WATCH_H

#include "plugin/plugin.h"

struct watch;
/* Called when Orthanc has started. */
int watch_start(struct plugin *plugin, struct watch **ret_watch, struct error *err);
/* There is something new. May be called from Orthanc's callbacks; NULL is fine. */
void watch_wake(struct watch *watch);
void watch_stop(struct watch *watch); /* plugin->stopping is set; NULL is fine */

#endif
