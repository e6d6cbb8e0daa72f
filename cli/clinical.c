/* axnode clinical import FILE | list */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/uid.h"
#include "cli/clinical_file.h"
#include "cli/command.h"
#include "cli/session.h"
#include "db/clinical.h"

static const char usage_text[] =
    "Usage: axnode clinical import FILE [--dry-run] [--skip-bad] [--rescore] [--json]\n"
    "       axnode clinical list --study UID [--json]\n"
    "import: take clinical values and evidence of eligibility of patients from a CSV file or a list\n"
    "of objects in JSON (FILE.json); the operator guide has the columns. All rows or none. A value\n"
    "of the same patient, side, date and study replaces the earlier one; the cell 'withdrawn'\n"
    "removes it. Every change is kept with its time and user. list: what is known for the patient\n"
    "of a study, and its history. Holds patient data.\n"
    "\n"
    "  --dry-run      check everything, keep nothing\n"
    "  --skip-bad     leave out rows with faults, and take the others\n"
    "  --rescore      studies whose patient's values changed are scored again\n"
    "  --study UID    Study Instance UID\n"
    "  --config FILE  settings (default: $AXNODE_CONFIG, then /etc/axnode/axnode.yaml)\n";

struct clinical {
    struct session session;
    const char *study;
    struct db_clinical_options options;
    struct clinical_file file;
    enum db_clinical_outcome *outcomes; /* of the file's entries */
    bool kept;
    int rescored;
};

static int options_read(struct clinical *x, int argc, char **argv)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"study", required_argument, NULL, 's'},
                                            {"dry-run", no_argument, NULL, 'd'},
                                            {"skip-bad", no_argument, NULL, 'b'},
                                            {"rescore", no_argument, NULL, 'r'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c': x->session.config = optarg; break;
        case 's': x->study = optarg; break;
        case 'd': x->options.dry_run = true; break;
        case 'b': x->options.skip_bad = true; break;
        case 'r': x->options.rescore = true; break;
        case 'j': x->session.json = true; break;
        case 'h': fputs(usage_text, stdout); return EXIT_DONE;
        default: return command_usage(argv[0], NULL);
        }
    }
    return -1;
}

/* ---- import ---- */

static const char *system_user(void)
{
    const struct passwd *user = getpwuid(getuid());
    return user ? user->pw_name : "";
}

static struct db_clinical_row *rows_of(const struct clinical_file *file, struct arena *arena)
{
    struct db_clinical_row *rows = arena_array(arena, file->entry_count + 1, sizeof *rows);
    for (size_t i = 0; rows && i < file->entry_count; i++) {
        const struct clinical_entry *e = &file->entries[i];
        rows[i] = (struct db_clinical_row){.patient_id = e->texts.patient_id,
                                           .issuer = e->texts.issuer,
                                           .study_uid = e->texts.study_uid,
                                           .accession_number = e->texts.accession_number,
                                           .name = e->texts.name,
                                           .side = e->texts.side,
                                           .observed = e->texts.observed,
                                           .value = e->withdrawn ? NULL : e->texts.value,
                                           .source = e->texts.source};
    }
    return rows;
}

static int store(struct clinical *x, struct arena *arena, struct error *err)
{
    struct db_clinical_row *rows = rows_of(&x->file, arena);
    x->outcomes = arena_array(arena, x->file.entry_count + 1, sizeof *x->outcomes);
    x->options.system_user = system_user();
    if (!rows || !x->outcomes)
        return error_set(err, STATUS_NOMEM, "out of memory");
    /* Bad rows keep the others out, but their studies are checked all the same. */
    struct db_clinical_options options = x->options;
    if (x->file.bad_count > 0 && !options.skip_bad)
        options.dry_run = true;
    int status = session_open(&x->session, true, err);
    if (status == 0)
        status = db_clinical_import(x->session.db, rows, x->file.entry_count, &options,
                                    x->outcomes, &x->kept, &x->rescored, err);
    return status;
}

static cJSON *describe(const struct clinical *x, int counts[DB_CLINICAL_OUTCOMES])
{
    cJSON *json = cJSON_CreateObject();
    cJSON *bad = cJSON_AddArrayToObject(json, "bad");
    for (size_t i = 0; i < x->file.bad_count; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "line", x->file.bad[i].line);
        cJSON_AddStringToObject(row, "reason", x->file.bad[i].reason);
        cJSON_AddItemToArray(bad, row);
    }
    for (size_t i = 0; i < x->file.entry_count; i++) {
        counts[x->outcomes[i]]++;
        const bool said = i > 0 && x->file.entries[i].line == x->file.entries[i - 1].line &&
                          x->outcomes[i] == x->outcomes[i - 1];
        if (!db_clinical_refused(x->outcomes[i]) || said)
            continue;
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "line", x->file.entries[i].line);
        cJSON_AddStringToObject(row, "reason", db_clinical_outcome_name(x->outcomes[i]));
        cJSON_AddItemToArray(bad, row);
    }
    cJSON_AddNumberToObject(json, "rows", (double)x->file.row_count);
    cJSON_AddNumberToObject(json, "new", counts[DB_CLINICAL_NEW]);
    cJSON_AddNumberToObject(json, "changed", counts[DB_CLINICAL_CHANGED]);
    cJSON_AddNumberToObject(json, "unchanged", counts[DB_CLINICAL_SAME]);
    cJSON_AddNumberToObject(json, "withdrawn", counts[DB_CLINICAL_WITHDRAWN]);
    cJSON_AddNumberToObject(json, "rescored", x->kept ? x->rescored : 0);
    cJSON_AddBoolToObject(json, "kept", x->kept);
    return json;
}

static int tell(const struct clinical *x)
{
    int counts[DB_CLINICAL_OUTCOMES] = {0};
    cJSON *json = describe(x, counts);
    const cJSON *bad = cJSON_GetObjectItemCaseSensitive(json, "bad"), *row;
    const bool whole = cJSON_GetArraySize(bad) == 0;
    int status = EXIT_DONE;
    if (x->session.json) {
        status = command_print_json(json);
    } else {
        cJSON_ArrayForEach(row, bad)
            fprintf(stderr, "line %.0f: %s\n", json_number(row, "line"), json_text(row, "reason"));
        printf("%zu rows: %d values new, %d changed, %d unchanged, %d withdrawn%s\n",
               x->file.row_count, counts[DB_CLINICAL_NEW], counts[DB_CLINICAL_CHANGED],
               counts[DB_CLINICAL_SAME], counts[DB_CLINICAL_WITHDRAWN],
               x->kept ? "" : ": nothing was kept");
        if (x->kept && x->options.rescore)
            printf("%d studies are scored again\n", x->rescored);
    }
    cJSON_Delete(json);
    if (!whole && !x->options.skip_bad)
        return EXIT_FAILED;
    return status;
}

static int import(struct clinical *x, const char *path)
{
    struct arena arena ARENA_AUTO;
    struct error err = {0};
    arena_init(&arena);
    int status = clinical_file_read(path, &arena, &x->file, &err);
    if (status == 0)
        status = store(x, &arena, &err);
    return status < 0 ? command_failed(&err) : tell(x);
}

/* ---- list ---- */

static void print_list(const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "values")) {
        const char *side = json_text(item, "side"), *source = json_text(item, "source");
        printf("%-24s %-16s %-6s %s  %s%s\n", json_text(item, "name"), json_text(item, "value"),
               side, json_text(item, "observed"), source,
               *json_text(item, "study_uid") || *json_text(item, "accession_number")
                   ? "  (this study alone)" : "");
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(list, "history")) {
        const char *before = json_text(item, "old_value"), *now = json_text(item, "new_value");
        printf("%s  %s (%s)  %s %s %s: %s -> %s\n", json_text(item, "at"),
               json_text(item, "system_user"), json_text(item, "database_user"),
               json_text(item, "name"), json_text(item, "side"), json_text(item, "observed"),
               *before ? before : "nothing", *now ? now : "withdrawn");
    }
}

static int list(struct clinical *x)
{
    struct error err = {0};
    cJSON *found = NULL;
    int status = session_open(&x->session, true, &err);
    if (status == 0)
        status = db_clinical_list(x->session.db, x->study, &found, &err);
    if (status < 0)
        return command_failed(&err);
    status = EXIT_DONE;
    if (x->session.json)
        status = command_print_json(found);
    else
        print_list(found);
    cJSON_Delete(found);
    return status;
}

int command_clinical(int argc, char **argv)
{
    struct clinical x = {0};
    int status = options_read(&x, argc, argv);
    if (status >= 0)
        return status;
    const char *verb = optind < argc ? argv[optind++] : "";
    if (strcmp(verb, "import") == 0 && optind + 1 == argc && !x.study)
        status = import(&x, argv[optind]);
    else if (strcmp(verb, "list") == 0 && optind == argc && x.study && uid_valid(x.study))
        status = list(&x);
    else
        status = command_usage(argv[0], "say import with one FILE, or list with --study UID");
    session_release(&x.session);
    return status;
}
