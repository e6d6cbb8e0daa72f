/* axnode model list | show | verify | sign | selftest */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "model/package/package.h"
#include "service/analyser.h"
#include "service/program.h"

static const char usage_text[] =
    "Usage: axnode model list [--json]\n"
    "       axnode model show [FOLDER] [--json]\n"
    "       axnode model verify [FOLDER]\n"
    "       axnode model sign FOLDER --key PRIVATE.pem\n"
    "       axnode model selftest --write FOLDER\n"
    "list: the shipped packages. show: what a package is for, needs and has. verify: manifest,\n"
    "signature, networks and self test on this machine. sign: write MANIFEST.sig (Ed25519); the\n"
    "MANIFEST must be right already. selftest: of a package in the making, compute the numbers of\n"
    "its self test on this machine, and write them and MANIFEST. FOLDER: default is the settings'\n"
    "package.\n"
    "\n"
    "  --config FILE  settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml if any)\n";

struct model {
    const char *config, *key;
    const char *write; /* folder of selftest; NULL: not given */
    bool json;
    const struct settings *settings; /* NULL: none */
    struct analyser_options options;
};

static int options_read(struct model *m, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"key", required_argument, NULL, 'k'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"write", required_argument, NULL, 'w'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': m->config = optarg; break;
        case 'k': m->key = optarg; break;
        case 'j': m->json = true; break;
        case 'w': m->write = optarg; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    return -1;
}

static cJSON *describe(const struct package *package)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", package->name);
    cJSON_AddStringToObject(json, "version", package->version);
    cJSON_AddStringToObject(json, "folder", package->folder);
    cJSON_AddStringToObject(json, "intended_use", package->intended_use);
    cJSON_AddStringToObject(json, "outcome", package->outcome_text);
    cJSON_AddStringToObject(json, "sha256", package->digest);
    cJSON_AddBoolToObject(json, "signed", package->is_signed);
    cJSON *population = cJSON_AddArrayToObject(json, "population");
    for (size_t i = 0; i < package->population_count; i++)
        cJSON_AddItemToArray(population, cJSON_CreateString(package->population[i].text));
    cJSON *missing = cJSON_AddArrayToObject(json, "incomplete");
    for (size_t i = 0; i < package->incomplete_count; i++)
        cJSON_AddItemToArray(missing, cJSON_CreateString(package->incomplete[i]));
    cJSON_AddNumberToObject(json, "terms", (double)package->term_count);
    if (package->has_cutoff)
        cJSON_AddNumberToObject(json, "cutoff", package->cutoff);
    cJSON *performance = cJSON_AddObjectToObject(json, "performance");
    for (size_t i = 0; i < package->performance_count; i++)
        cJSON_AddStringToObject(performance, package->performance[i].key,
                                package->performance[i].value);
    return json;
}

static void print_text(const cJSON *package)
{
    const cJSON *item;
    printf("%s %s (%s)\n", json_text(package, "name"), json_text(package, "version"),
           cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(package, "signed")) ? "signed"
                                                                             : "not signed");
    printf("  folder        %s\n  sha256        %s\n  outcome       %s\n  intended use  %s\n",
           json_text(package, "folder"), json_text(package, "sha256"),
           json_text(package, "outcome"), json_text(package, "intended_use"));
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(package, "population"))
        printf("  population    %s\n", item->valuestring);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(package, "incomplete"))
        printf("  incomplete    %s\n", item->valuestring);
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(package, "performance"))
        printf("  performance   %s: %s\n", item->string, item->valuestring);
}

static int show(const struct model *m, const char *folder)
{
    struct package *package;
    struct error err = {0};
    char path[PATH_MAX];
    int status = program_package(folder ? folder : m->options.package, path, &err);
    if (status == 0)
        status = package_open(path, &m->options.trust, &package, &err);
    if (status < 0)
        return command_failed(&err);
    cJSON *json = describe(package);
    if (m->json)
        status = command_print_json(json);
    else
        print_text(json);
    cJSON_Delete(json);
    package_free(package);
    return status;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static cJSON *list_one(const struct model *m, const char *root, const char *name)
{
    struct package *package;
    struct error err = {0};
    char path[PATH_MAX];
    int status = snprintf(path, sizeof path, "%s/%s", root, name) >= (int)sizeof path
                     ? error_set(&err, STATUS_INVALID, "the folder's name is too long")
                     : package_open(path, &m->options.trust, &package, &err);
    if (status == 0) {
        cJSON *json = describe(package);
        package_free(package);
        return json;
    }
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "folder", path);
    cJSON_AddStringToObject(json, "refused", err.message);
    return json;
}

static int list(const struct model *m)
{
    struct dirent **entries;
    struct error err = {0};
    char root[PATH_MAX];
    int status = program_package("", root, &err);
    if (status < 0)
        return command_failed(&err);
    *strrchr(root, '/') = '\0';
    int count = scandir(root, &entries, visible, alphasort);
    if (count < 0) {
        error_set_errno(&err, STATUS_IO, errno, "cannot read folder %s", root);
        return command_failed(&err);
    }
    cJSON *all = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        cJSON_AddItemToArray(all, list_one(m, root, entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    const cJSON *package;
    if (m->json)
        status = command_print_json(all);
    else
        cJSON_ArrayForEach(package, all)
            if (cJSON_HasObjectItem(package, "refused"))
                printf("%s: %s\n", json_text(package, "folder"), json_text(package, "refused"));
            else
                print_text(package);
    cJSON_Delete(all);
    return status;
}

static int verify(const struct model *m, const char *folder)
{
    struct analyser_options options = m->options;
    struct analyser analyser;
    struct error err = {0};
    if (folder)
        options.package = folder;
    if (analyser_open(&options, &analyser, &err) < 0)
        return command_failed(&err);
    printf("%s %s: manifest, networks and self test are right; %s\n", analyser.package->name,
           analyser.package->version,
           analyser.package->is_signed ? "signed by a trusted key" : "not signed");
    analyser_release(&analyser);
    return EXIT_DONE;
}

static int sign(const char *folder, const char *key)
{
    struct error err = {0};
    return package_sign(folder, key, &err) < 0 ? command_failed(&err) : EXIT_DONE;
}

/* Numbers first: the manifest names their file, too. */
static int selftest_write(const struct model *m)
{
    const struct package_options making = {.allow_unsigned = true, .without_manifest = true};
    const char *library =
        m->options.onnxruntime && *m->options.onnxruntime ? m->options.onnxruntime : NULL;
    struct analyser a = {0};
    struct error err = {0};
    int status = package_open(m->write, &making, &a.package, &err);
    if (status == 0)
        status = net_library_open(library, &a.library, &err);
    if (status == 0)
        status = package_nets_open(a.package, a.library, &a.nets, &err);
    if (status == 0)
        status = package_selftest_write(a.package, &a.nets, &err);
    if (status == 0)
        status = package_manifest_write(m->write, &err);
    analyser_release(&a);
    return status < 0 ? command_failed(&err) : EXIT_DONE;
}

static int run(const struct model *m, int argc, char **argv)
{
    const char *verb = optind < argc ? argv[optind++] : "";
    int left = argc - optind;
    const char *folder = left == 1 ? argv[optind] : NULL;
    if (strcmp(verb, "list") == 0 && left == 0)
        return list(m);
    if (strcmp(verb, "show") == 0 && left <= 1)
        return show(m, folder);
    if (strcmp(verb, "verify") == 0 && left <= 1)
        return verify(m, folder);
    if (strcmp(verb, "sign") == 0 && folder && m->key)
        return sign(folder, m->key);
    if (strcmp(verb, "selftest") == 0 && left == 0 && m->write)
        return selftest_write(m);
    return command_usage(argv[0], "say list, show, verify, sign with FOLDER and --key, or selftest "
                                  "with --write FOLDER");
}

int command_model(int argc, char **argv)
{
    struct model m = {.options.trust.allow_unsigned = true};
    struct error err = {0};
    int status = options_read(&m, argc, argv);
    if (status >= 0)
        return status;
    if (command_settings_if_any(m.config, &m.settings, &err) < 0)
        return command_failed(&err);
    if (m.settings)
        m.options = analyser_options_of(m.settings);
    status = run(&m, argc, argv);
    settings_free(m.settings);
    return status;
}
