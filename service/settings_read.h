/* How the settings file is read: private to service/settings*.c. */
#ifndef AXNODE_SERVICE_SETTINGS_READ_H
#define AXNODE_SERVICE_SETTINGS_READ_H

#include "base/arena.h"
#include "base/error.h"
#include "base/yaml.h"
#include "service/settings.h"
#include "service/settings_table.h"

struct settings_owner {
    struct settings settings; /* first: settings_free gets its address */
    struct arena arena;
};

struct reading {
    struct settings_owner *owner;
    const struct yaml *yaml;
};

/* Read `node` as `setting` says, into the struct at `base`. */
int settings_set_value(struct reading *r, const struct setting *setting,
                       const struct yaml_node *node, void *base, struct error *err);
/* The same from the setting's default. */
int settings_set_default(struct reading *r, const struct setting *setting, void *base,
                         struct error *err);
/* Text that is checked as its type says; a copy goes to the const char * at `at`. */
int settings_set_text(struct reading *r, const struct setting *setting,
                      const struct yaml_node *node, void *at, struct error *err);
int settings_keep_text(struct reading *r, const char *text, void *at, struct error *err);
/* Every type that is a list. */
int settings_set_list(struct reading *r, const struct setting *setting,
                      const struct yaml_node *node, void *at, struct error *err);

#endif
