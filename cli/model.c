/* axnode model list | show | verify | sign | selftest | activate | rollback */
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/session.h"
#include "db/activation.h"
#include "model/package/package.h"
#include "service/analyser.h"
#include "service/catalogue.h"
#include "service/program.h"

static const char usage_text[] =
    "Usage: axnode model list [--json]\n"
    "       axnode model show [FOLDER] [--json]\n"
    "       axnode model verify [FOLDER]\n"
    "       axnode model sign FOLDER --key PRIVATE.pem\n"
    "       axnode model selftest --write FOLDER\n"
    "       axnode model activate NAME@VERSION\n"
    "       axnode model rollback\n"
    "list: the packages in packages.folder and the shipped ones, and which of them score studies.\n"
    "show: what a package is for, needs and has. verify: manifest, signature, networks and self\n"
    "test on this machine. sign: write MANIFEST.sig (Ed25519); the MANIFEST must be right already.\n"
    "selftest: of a package in the making, compute the numbers of its self test on this machine,\n"
    "and write them and MANIFEST. activate: verify a package, and score with it from the next study\n"
    "on, without a restart. rollback: back to the one before. FOLDER: default is the settings'\n"
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

/* A clinical value, where it may come from, how old it may be, and what happens without it. */
static cJSON *describe_clinical(const struct clinical_input *input)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", input->variable->name);
    cJSON_AddStringToObject(json, "text", input->text);
    cJSON_AddStringToObject(json, "kind", clinical_kind_name(input->kind));
    cJSON_AddStringToObject(json, "unit", input->variable->unit ? input->variable->unit : "");
    cJSON *values = cJSON_AddObjectToObject(json, "values");
    for (size_t i = 0; i < input->step_count; i++)
        cJSON_AddNumberToObject(values, input->steps[i].code, input->steps[i].number);
    cJSON *sources = cJSON_AddArrayToObject(json, "sources");
    for (size_t i = 0; i < input->source_count; i++)
        cJSON_AddItemToArray(sources,
                             cJSON_CreateString(clinical_source_name(input->sources[i])));
    cJSON_AddNumberToObject(json, "max_age_days", input->max_age_days);
    cJSON_AddNumberToObject(json, "max_after_days", input->max_after_days);
    cJSON_AddStringToObject(json, "side", input->same_side ? "same" : "any");
    if (input->has_fallback)
        cJSON_AddNumberToObject(json, "missing", input->fallback);
    else
        cJSON_AddStringToObject(json, "missing", "refuse");
    return json;
}

static void print_clinical(const cJSON *input)
{
    const cJSON *missing = cJSON_GetObjectItemCaseSensitive(input, "missing"), *source;
    const char *between = "";
    printf("  needs         %s (%s) from ", json_text(input, "text"), json_text(input, "name"));
    cJSON_ArrayForEach(source, cJSON_GetObjectItemCaseSensitive(input, "sources")) {
        printf("%s%s", between, source->valuestring);
        between = ", ";
    }
    printf("; up to %.0f days before and %.0f after the study; ",
           json_number(input, "max_age_days"), json_number(input, "max_after_days"));
    if (cJSON_IsNumber(missing))
        printf("else %g stands in\n", missing->valuedouble);
    else
        puts("else no risk");
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
    cJSON *clinical = cJSON_AddArrayToObject(json, "clinical");
    for (size_t i = 0; i < package->clinical_count; i++)
        cJSON_AddItemToArray(clinical, describe_clinical(&package->clinical[i]));
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
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(package, "clinical"))
        print_clinical(item);
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

static cJSON *list_one(const struct catalogue_entry *entry)
{
    if (entry->package)
        return describe(entry->package);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "folder", entry->folder);
    cJSON_AddStringToObject(json, "refused", entry->problem.message);
    return json;
}

static bool is_same(const cJSON *package, const struct activation *activation)
{
    return *activation->name && strcmp(json_text(package, "name"), activation->name) == 0 &&
           strcmp(json_text(package, "version"), activation->version) == 0 &&
           strcmp(json_text(package, "sha256"), activation->sha256) == 0;
}

static bool is_among(const char *const *references, size_t count, const cJSON *package)
{
    char reference[2 * ACTIVATION_NAME_SIZE];
    snprintf(reference, sizeof reference, "%s@%s", json_text(package, "name"),
             json_text(package, "version"));
    for (size_t i = 0; i < count; i++)
        if (strcmp(references[i], reference) == 0)
            return true;
    return false;
}

/* "use": active, reported (beside the active one), previous or shadow. */
static void mark(const struct model *m, const struct activation *now,
                 const struct activation *previous, cJSON *all)
{
    const struct settings *settings = m->settings;
    cJSON *package;
    cJSON_ArrayForEach(package, all)
    {
        const char *use = NULL;
        if (is_same(package, now))
            use = "active";
        else if (is_among(settings->packages.report, settings->packages.report_count, package))
            use = "reported";
        else if (is_same(package, previous))
            use = "previous";
        else if (is_among(settings->packages.shadow, settings->packages.shadow_count, package))
            use = "shadow";
        if (use)
            cJSON_AddStringToObject(package, "use", use);
    }
}

static void describe_activation(const struct package *package, struct activation *activation)
{
    snprintf(activation->name, sizeof activation->name, "%s", package->name);
    snprintf(activation->version, sizeof activation->version, "%s", package->version);
    snprintf(activation->sha256, sizeof activation->sha256, "%s", package->digest);
}

/* What stands without a name is the settings' package. */
static int name_settings_package(const struct model *m, struct activation *activation,
                                 struct error *err)
{
    struct package *package;
    char folder[PATH_MAX];
    if (*activation->name)
        return 0;
    int status = program_package(m->options.package, folder, err);
    if (status == 0)
        status = package_open(folder, &m->options.trust, &package, err);
    if (status < 0)
        return status;
    describe_activation(package, activation);
    package_free(package);
    return 0;
}

/* Without settings there is no service whose use of packages could be told. */
static int mark_uses(const struct model *m, cJSON *all, struct error *err)
{
    struct session session = {.config = m->config};
    struct activation now, previous;
    if (!m->settings)
        return 0;
    int status = session_open(&session, true, err);
    if (status == 0)
        status = activation_get(session.db, &now, &previous, err);
    if (status == 0 && *now.name) /* else there is nothing before it */
        status = name_settings_package(m, &previous, err);
    if (status == 0)
        status = name_settings_package(m, &now, err);
    if (status == 0)
        mark(m, &now, &previous, all);
    session_release(&session);
    return status;
}

static void print_list(const cJSON *all)
{
    const cJSON *package;
    cJSON_ArrayForEach(package, all)
    {
        if (cJSON_HasObjectItem(package, "refused")) {
            printf("%s: %s\n", json_text(package, "folder"), json_text(package, "refused"));
            continue;
        }
        print_text(package);
        if (cJSON_HasObjectItem(package, "use"))
            printf("  use           %s\n", json_text(package, "use"));
    }
}

static int list(const struct model *m)
{
    struct catalogue catalogue;
    struct error err = {0};
    int status = catalogue_open(m->settings ? m->settings->packages.folder : "",
                                &m->options.trust, &catalogue, &err);
    if (status < 0)
        return command_failed(&err);
    cJSON *all = cJSON_CreateArray();
    for (size_t i = 0; i < catalogue.count; i++)
        cJSON_AddItemToArray(all, list_one(&catalogue.entries[i]));
    catalogue_release(&catalogue);
    if (mark_uses(m, all, &err) < 0) /* the packages are there all the same */
        fprintf(stderr, "axnode: which package is active is not known: %s\n", err.message);
    status = EXIT_DONE;
    if (m->json)
        status = command_print_json(all);
    else
        print_list(all);
    cJSON_Delete(all);
    return status;
}

/* ---- activation ---- */

/* Open it as a worker will, with its self test, and say what it is. */
static int try_package(const struct settings *settings, const char *reference, const char *sha256,
                       struct activation *ret_package, struct error *err)
{
    struct analyser_options options = analyser_options_of(settings);
    struct analyser analyser;
    char folder[PATH_MAX];
    int status = 0;
    if (reference) {
        status = catalogue_folder(settings, reference, sha256, folder, err);
        options.package = folder;
    }
    if (status == 0)
        status = analyser_open(&options, &analyser, err);
    if (status < 0)
        return status;
    const struct package *package = analyser.package;
    *ret_package = (struct activation){0};
    describe_activation(package, ret_package);
    if (package->incomplete_count > 0)
        fprintf(stderr, "axnode: warning: %s %s is incomplete and never gives a risk\n",
                package->name, package->version);
    analyser_release(&analyser);
    return 0;
}

/* For the audit: who the system says is at the keyboard. */
static void who_asks(char out[64])
{
    const struct passwd *user = getpwuid(getuid());
    if (user)
        snprintf(out, 64, "%s", user->pw_name);
    else
        snprintf(out, 64, "uid %u", (unsigned)getuid());
}

static int activate(struct session *session, const char *reference, struct activation *ret_now,
                    struct error *err)
{
    struct activation now;
    char who[64];
    who_asks(who);
    int status = activation_get(session->db, &now, NULL, err);
    if (status == 0)
        status = try_package(session->settings, reference, "", ret_now, err);
    return status < 0 ? status : activation_set(session->db, who, &now, ret_now, err);
}

static int roll_back(struct session *session, struct activation *ret_now, struct error *err)
{
    struct activation now, previous;
    char who[64], reference[2 * ACTIVATION_NAME_SIZE];
    who_asks(who);
    int status = activation_get(session->db, &now, &previous, err);
    snprintf(reference, sizeof reference, "%s@%s", previous.name, previous.version);
    if (status == 0 && *now.name)
        status = try_package(session->settings, *previous.name ? reference : NULL,
                             previous.sha256, ret_now, err);
    return status < 0 ? status : activation_roll_back(session->db, who, &now, err);
}

/* `reference` NULL: back to the one before. */
static int change(const struct model *m, const char *reference)
{
    struct session session = {.config = m->config};
    struct activation now;
    struct error err = {0};
    int status = session_open(&session, true, &err);
    if (status == 0)
        status = reference ? activate(&session, reference, &now, &err)
                           : roll_back(&session, &now, &err);
    session_release(&session);
    if (status < 0)
        return command_failed(&err);
    printf("%s %s scores from the next study on\n", now.name, now.version);
    return EXIT_DONE;
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
    if (strcmp(verb, "activate") == 0 && left == 1)
        return change(m, argv[optind]);
    if (strcmp(verb, "rollback") == 0 && left == 0)
        return change(m, NULL);
    return command_usage(argv[0], "say list, show, verify, sign with FOLDER and --key, selftest "
                                  "with --write FOLDER, activate NAME@VERSION, or rollback");
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
