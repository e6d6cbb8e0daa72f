#include "model/package/package.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/yaml.h"
#include "model/package/manifest.h"
#include "model/package/read.h"
#include "model/radiomics/radiomics.h"

enum { YAML_BYTES_MAX = 4 << 20 };

const char *evidence_name(enum evidence_kind kind)
{
    static const char *const names[EVIDENCE_COUNT] = {
        [EVIDENCE_SYNTHETIC_DATA] = "synthetic_data",
        [EVIDENCE_MALIGNANCY_CONFIRMED] = "malignancy_confirmed",
        [EVIDENCE_NO_NEOADJUVANT_THERAPY] = "no_neoadjuvant_therapy",
        [EVIDENCE_SINGLE_LESION] = "single_lesion",
    };
    return names[kind];
}

void package_free(struct package *package)
{
    if (!package)
        return;
    free(package->radiomics);
    arena_release(&package->arena);
    free(package);
}

/* The bytes that are parsed are the bytes that were checked, whatever happens to the file. */
static int read_yaml(const char *folder, const struct manifest *manifest,
                     struct yaml **ret_yaml, struct error *err)
{
    char path[PATH_MAX], hex[DIGEST_TEXT_SIZE];
    uint8_t digest[DIGEST_SIZE];
    struct buffer content BUFFER_AUTO = {0};
    if (snprintf(path, sizeof path, "%s/package.yaml", folder) >= (int)sizeof path)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    int status = file_read(path, YAML_BYTES_MAX, &content, err);
    if (status < 0)
        return status;
    digest_bytes(buffer_text(&content), content.size, digest);
    digest_format(digest, hex);
    const char *stated = manifest ? manifest_digest(manifest, "package.yaml") : hex;
    if (!stated || strcmp(stated, hex) != 0)
        return error_set(err, STATUS_INVALID,
                         "package %s: package.yaml differs from what its MANIFEST states", folder);
    return yaml_load_text(buffer_text(&content), content.size, path, ret_yaml, err);
}

static int bind_network(const struct manifest *manifest, const struct package *package,
                        const char *file, char sha256[DIGEST_TEXT_SIZE], struct error *err)
{
    const char *digest = manifest_digest(manifest, file);
    if (!digest)
        return error_set(err, STATUS_INVALID, "package %s lacks the network file %s",
                         package->folder, file);
    if (*sha256 && strcmp(sha256, digest) != 0)
        return error_set(err, STATUS_INVALID,
                         "package %s: package.yaml and MANIFEST state different digests of %s",
                         package->folder, file);
    memcpy(sha256, digest, DIGEST_TEXT_SIZE);
    return 0;
}

static int bind_networks(const struct manifest *manifest, struct package *package,
                         struct error *err)
{
    int status = 0;
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++) {
        struct package_network *network = &package->networks[roi];
        if (network->present)
            status = bind_network(manifest, package, network->file, network->sha256, err);
    }
    if (status == 0 && package->view.present)
        status = bind_network(manifest, package, package->view.file, package->view.sha256, err);
    for (size_t i = 0; i < package->deep_count && status == 0; i++)
        status = bind_network(manifest, package, package->deep[i].file, package->deep[i].sha256,
                              err);
    return status;
}

static int fill(const char *folder, const struct package_options *options,
                struct package *package, struct error *err)
{
    struct manifest manifest = {0};
    struct yaml *yaml;
    int status = 0;
    package->folder = arena_text(&package->arena, folder);
    if (!package->folder)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (!options->without_manifest) {
        status = manifest_check(folder, options, &package->arena, &manifest, err);
        if (status < 0)
            return status;
        memcpy(package->digest, manifest.digest, sizeof package->digest);
        package->is_signed = manifest.is_signed;
    }
    status = read_yaml(folder, options->without_manifest ? NULL : &manifest, &yaml, err);
    if (status < 0)
        return status;
    status = package_read(yaml, package, err);
    yaml_unload(yaml);
    if (status == 0 && !options->without_manifest)
        status = bind_networks(&manifest, package, err);
    return status;
}

int package_open(const char *folder, const struct package_options *options,
                 struct package **ret_package, struct error *err)
{
    struct package *package = calloc(1, sizeof *package);
    if (!package)
        return error_set(err, STATUS_NOMEM, "out of memory");
    arena_init(&package->arena);
    int status = fill(folder, options, package, err);
    if (status < 0) {
        package_free(package);
        return status;
    }
    *ret_package = package;
    return 0;
}

static int open_network(const struct package *package, const struct net_library *library,
                        const char *file, const char *sha256, struct net **ret_net,
                        struct error *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", package->folder, file) >= (int)sizeof path)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", package->folder);
    return net_open(library, path, *sha256 ? sha256 : NULL, ret_net, err);
}

int package_nets_open(const struct package *package, const struct net_library *library,
                      struct package_nets *ret_nets, struct error *err)
{
    struct package_nets nets = {0};
    const struct package_view *view = &package->view;
    int status = 0;
    for (int roi = 0; roi < ROI_COUNT && status == 0; roi++) {
        const struct package_network *network = &package->networks[roi];
        if (!network->present)
            continue;
        status = open_network(package, library, network->file, network->sha256, &nets.net[roi],
                              err);
        if (status == 0) {
            status = outline_check(nets.net[roi], &network->outline, err);
            if (status < 0)
                error_prefix(err, "package %s: %s", package->name, network->file);
        }
    }
    if (status == 0 && view->present) {
        status = open_network(package, library, view->file, view->sha256, &nets.view, err);
        if (status == 0) {
            status = view_check(nets.view, &view->network, err);
            if (status < 0)
                error_prefix(err, "package %s: %s", package->name, view->file);
        }
    }
    for (size_t i = 0; i < package->deep_count && status == 0; i++) {
        const struct package_deep *deep = &package->deep[i];
        status = open_network(package, library, deep->file, deep->sha256, &nets.deep[i], err);
        if (status == 0) {
            status = deep_check(nets.deep[i], &deep->network, err);
            if (status < 0)
                error_prefix(err, "package %s: %s", package->name, deep->file);
        }
    }
    if (status < 0) {
        package_nets_release(&nets);
        return status;
    }
    *ret_nets = nets;
    return 0;
}

void package_nets_release(struct package_nets *nets)
{
    for (int roi = 0; roi < ROI_COUNT; roi++)
        net_free(nets->net[roi]);
    net_free(nets->view);
    for (size_t i = 0; i < PACKAGE_DEEP_MAX; i++)
        net_free(nets->deep[i]);
    *nets = (struct package_nets){0};
}
