#include "service/catalogue.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "service/analyser.h"
#include "service/program.h"

enum { FOLDERS_MAX = 1024 };

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void open_entry(const char *root, const char *name, const struct package_options *trust,
                       struct catalogue_entry *entry)
{
    if (snprintf(entry->folder, sizeof entry->folder, "%s/%s", root, name) >=
        (int)sizeof entry->folder)
        error_set(&entry->problem, STATUS_INVALID, "the folder's name is too long");
    else
        package_open(entry->folder, trust, &entry->package, &entry->problem);
}

static int open_root(const char *root, const struct package_options *trust,
                     struct catalogue *catalogue, struct error *err)
{
    struct dirent **names;
    int count = scandir(root, &names, visible, alphasort);
    if (count < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot read folder %s", root);
    int status = count > FOLDERS_MAX
                     ? error_set(err, STATUS_LIMIT, "folder %s holds more than %d packages", root,
                                 FOLDERS_MAX)
                     : 0;
    struct catalogue_entry *more =
        status == 0 ? realloc(catalogue->entries,
                              (catalogue->count + (size_t)count + 1) * sizeof *more)
                    : NULL;
    if (more) {
        catalogue->entries = more;
        memset(&more[catalogue->count], 0, ((size_t)count + 1) * sizeof *more);
        for (int i = 0; i < count; i++)
            open_entry(root, names[i]->d_name, trust, &more[catalogue->count++]);
    } else if (status == 0)
        status = error_set(err, STATUS_NOMEM, "out of memory");
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return status;
}

int catalogue_open(const char *folder, const struct package_options *trust,
                   struct catalogue *ret_catalogue, struct error *err)
{
    struct catalogue catalogue = {0};
    char shipped[PATH_MAX];
    int status = program_package("", shipped, err);
    if (status == 0) {
        *strrchr(shipped, '/') = '\0';
        if (*folder && strcmp(folder, shipped) != 0)
            status = open_root(folder, trust, &catalogue, err);
    }
    if (status == 0)
        status = open_root(shipped, trust, &catalogue, err);
    if (status < 0) {
        catalogue_release(&catalogue);
        return status;
    }
    *ret_catalogue = catalogue;
    return 0;
}

void catalogue_release(struct catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->count; i++)
        package_free(catalogue->entries[i].package);
    free(catalogue->entries);
    *catalogue = (struct catalogue){0};
}

static bool is_called(const struct package *package, const char *reference)
{
    const size_t n = strlen(package->name);
    return strncmp(reference, package->name, n) == 0 && reference[n] == '@' &&
           strcmp(reference + n + 1, package->version) == 0;
}

int catalogue_find(const struct catalogue *catalogue, const char *reference, const char *sha256,
                   const struct catalogue_entry **ret_entry, struct error *err)
{
    const struct catalogue_entry *found = NULL;
    size_t refused = 0;
    bool changed = false;
    for (size_t i = 0; i < catalogue->count; i++) {
        const struct catalogue_entry *entry = &catalogue->entries[i];
        refused += !entry->package;
        if (!entry->package || !is_called(entry->package, reference))
            continue;
        if (*sha256 && strcmp(sha256, entry->package->digest) != 0)
            changed = true;
        else if (!found)
            found = entry;
        else if (strcmp(found->package->digest, entry->package->digest) != 0)
            return error_set(err, STATUS_CONFLICT,
                             "%s and %s hold different packages, both called %s", found->folder,
                             entry->folder, reference);
    }
    if (found) {
        *ret_entry = found;
        return 0;
    }
    if (changed)
        error_set(err, STATUS_NOT_FOUND, "package %s is another than the one that was activated",
                  reference);
    else
        error_set(err, STATUS_NOT_FOUND, "there is no package %s (%zu folders were refused)",
                  reference, refused);
    error_hint(err, "`axnode model list` shows what there is; packages are looked for in "
                    "packages.folder and among the shipped ones");
    return STATUS_NOT_FOUND;
}

int catalogue_folder(const struct settings *settings, const char *reference, const char *sha256,
                     char ret_folder[PATH_MAX], struct error *err)
{
    const struct package_options trust = analyser_options_of(settings).trust;
    const struct catalogue_entry *entry;
    struct catalogue catalogue;
    int status = catalogue_open(settings->packages.folder, &trust, &catalogue, err);
    if (status < 0)
        return status;
    status = catalogue_find(&catalogue, reference, sha256, &entry, err);
    if (status == 0)
        snprintf(ret_folder, PATH_MAX, "%s", entry->folder);
    catalogue_release(&catalogue);
    return status;
}
