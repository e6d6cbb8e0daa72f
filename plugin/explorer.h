/* What is added to Orthanc Explorer: explorer.js, which the build turns into bytes. */
#ifndef AXNODE_PLUGIN_EXPLORER_H
#define AXNODE_PLUGIN_EXPLORER_H

extern const unsigned char explorer_script[]; /* NUL-terminated */

#endif
