/* What people and programs see of the plugin: /axnode/… of Orthanc's REST interface, metrics. */
#ifndef AXNODE_PLUGIN_REST_H
#define AXNODE_PLUGIN_REST_H

#include "plugin/plugin.h"

/* `groups`: of the path's regular expression. Orthanc's threads call these. */
OrthancPluginErrorCode rest_status(struct plugin *plugin, OrthancPluginRestOutput *output,
                                   const OrthancPluginHttpRequest *request);
OrthancPluginErrorCode rest_study(struct plugin *plugin, OrthancPluginRestOutput *output,
                                  const OrthancPluginHttpRequest *request);
OrthancPluginErrorCode rest_analyze(struct plugin *plugin, OrthancPluginRestOutput *output,
                                    const OrthancPluginHttpRequest *request);
OrthancPluginErrorCode rest_page(struct plugin *plugin, OrthancPluginRestOutput *output,
                                 const OrthancPluginHttpRequest *request);
void rest_metrics(struct plugin *plugin);

#endif
