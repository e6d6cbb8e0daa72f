/* The section `Axnode` of Orthanc's configuration. Packages, rules and limits are axnode's own
 * settings, under their own names (docs/settings.md), in the section's `Settings`. */
#ifndef AXNODE_PLUGIN_OPTIONS_H
#define AXNODE_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "service/settings.h"

enum options_mode {
    OPTIONS_LOCAL,   /* studies are analysed on this machine */
    OPTIONS_FORWARD, /* studies are sent to a running axnoded */
};

/* Everything is owned by the struct. */
struct options {
    enum options_mode mode;
    bool objects[SETTINGS_OBJECTS]; /* stored in Orthanc; as settings_object_names */
    char *modality; /* OPTIONS_FORWARD: axnoded's name among Orthanc's DicomModalities; else "" */
    char *program;  /* analyst's file; "": the plugin's own choice */
    char *folder;   /* for studies under way, private to this Orthanc */
    char *settings_text;             /* YAML, for the analyst */
    const struct settings *settings; /* read of it: workers, limits */
    int64_t stable_age_us;           /* Orthanc's StableAge */
};

/* `configuration`: Orthanc's whole configuration, JSON. STATUS_NOT_FOUND: it has no section
 * `Axnode`, so the plugin is to stay off. STATUS_INVALID names the key and what is wrong with it. */
int options_read(const char *configuration, struct options *ret_options, struct error *err);
void options_release(struct options *options); /* a zeroed struct is fine */

#endif
