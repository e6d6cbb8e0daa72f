#include "report/report.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "report/words.h"

enum { WRAP_COLUMN = 78 };

/* "" unless `object` holds a text under `key`. */
static const char *text_in(const cJSON *object, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double number_in(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : NAN;
}

static bool true_in(const cJSON *object, const char *key)
{
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* Columns that the first `n` bytes take on a terminal: characters, wide ones counted once. */
static size_t columns(const char *text, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += (text[i] & 0xC0) != 0x80;
    return count;
}

/* "head" and the text behind it, wrapped with the head's width as indent. */
static int wrapped(struct buffer *out, const char *head, const char *text, struct error *err)
{
    const size_t indent = columns(head, strlen(head));
    size_t used = indent;
    int r = buffer_print(out, err, "%s", head);
    while (r == 0 && *text) {
        const size_t word = strcspn(text, " ");
        const size_t width = columns(text, word);
        if (used > indent && used + 1 + width > WRAP_COLUMN) {
            r = buffer_print(out, err, "\n%*s", (int)indent, "");
            used = indent;
        } else if (used > indent) {
            r = buffer_print(out, err, " ");
            used++;
        }
        if (r == 0)
            r = buffer_add(out, text, word, err);
        used += width;
        text += word + strspn(text + word, " ");
    }
    return r < 0 ? r : buffer_print(out, err, "\n");
}

static int write_risk(struct buffer *out, const cJSON *root, struct error *err)
{
    const cJSON *risk = cJSON_GetObjectItemCaseSensitive(root, "risk"), *reason;
    const cJSON *package = cJSON_GetObjectItemCaseSensitive(root, "package");
    const double cutoff = number_in(risk, "cutoff");
    char percent[WORDS_NUMBER_SIZE];
    if (!true_in(risk, "estimated")) {
        int r = buffer_print(out, err, "No risk estimated (%s)\n", text_in(root, "side"));
        cJSON_ArrayForEach(reason, cJSON_GetObjectItemCaseSensitive(risk, "reasons"))
        {
            const char *text = cJSON_GetStringValue(reason);
            if (r == 0 && text)
                r = wrapped(out, "  - ", text, err);
        }
        return r;
    }
    int r = buffer_print(out, err, "%s: %s %% (%s)\n", text_in(package, "outcome"),
                         words_number(100 * number_in(risk, "probability"), 1, percent),
                         text_in(root, "side"));
    const double low = number_in(risk, "low"), high = number_in(risk, "high");
    if (r == 0 && isfinite(low) && isfinite(high)) {
        char to[WORDS_NUMBER_SIZE];
        r = buffer_print(out, err, "  95 %% interval of the estimate: %s to %s %%\n",
                         words_number(100 * low, 1, percent), words_number(100 * high, 1, to));
    }
    if (r == 0 && *text_in(risk, "group"))
        r = buffer_print(out, err, "  risk group: %s\n", text_in(risk, "group"));
    if (r == 0 && isfinite(cutoff)) {
        const char *rule = text_in(risk, "cutoff_rule");
        r = buffer_print(out, err, "  %s the cut-off of %s %%%s%s%s\n",
                         true_in(risk, "above_cutoff") ? "at or above" : "below",
                         words_number(100 * cutoff, 1, percent), *rule ? " (" : "", rule,
                         *rule ? ")" : "");
    }
    return r;
}

static int write_statements(struct buffer *out, const cJSON *region, struct error *err)
{
    const cJSON *item;
    int r = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(region, "statements"))
    {
        if (r == 0)
            r = buffer_print(out, err, "  %-28s %s\n", text_in(item, "label"),
                             text_in(item, "text"));
    }
    return r;
}

static int write_region(struct buffer *out, const cJSON *region, const char *missing,
                        struct error *err)
{
    const cJSON *item;
    const double frame = number_in(region, "frame");
    char number[WORDS_NUMBER_SIZE];
    if (!cJSON_IsObject(region))
        return buffer_print(out, err, "\n%s\n", missing);
    int r = buffer_print(out, err, "\n%s, image %s", text_in(region, "title"),
                         words_number(number_in(region, "image_number"), 0, number));
    if (r == 0 && isfinite(frame))
        r = buffer_print(out, err, ", frame %s", words_number(frame, 0, number));
    if (r == 0)
        r = buffer_print(out, err, "%s\n", true_in(region, "unsure") ? ": OUTLINE UNSURE" : "");
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(region, "measurements"))
    {
        const double decimals = number_in(item, "decimals");
        const int digits = decimals >= 0 && decimals <= 3 ? (int)decimals : 3;
        const char *label = text_in(item, "label"), *unit = text_in(item, "unit");
        if (r == 0)
            r = buffer_print(out, err, "  %-28s %10s%s%s\n", label,
                             words_number(number_in(item, "value"), digits, number),
                             *unit ? " " : "", unit);
    }
    return r < 0 ? r : write_statements(out, region, err);
}

static int write_notes(struct buffer *out, const cJSON *root, struct error *err)
{
    const cJSON *notes = cJSON_GetObjectItemCaseSensitive(root, "notes"), *note;
    if (cJSON_GetArraySize(notes) == 0)
        return 0;
    int r = buffer_print(out, err, "\nTo be checked by the reader\n");
    cJSON_ArrayForEach(note, notes)
    {
        const char *text = cJSON_GetStringValue(note);
        if (r == 0 && text)
            r = wrapped(out, "  - ", text, err);
    }
    return r;
}

/* What the package's network saw of a loop. */
static int write_loop(struct buffer *out, const cJSON *root, struct error *err)
{
    const cJSON *loop = cJSON_GetObjectItemCaseSensitive(root, "loop");
    int r = loop ? wrapped(out, "Loop: ", text_in(loop, "text"), err) : 0;
    if (r == 0 && loop && *text_in(loop, "key_text"))
        r = wrapped(out, "Key frame: ", text_in(loop, "key_text"), err);
    return r;
}

/* The packages beside the leading one: which number is whose must be plain. */
static int write_others(struct buffer *out, const cJSON *root, struct error *err)
{
    const cJSON *item;
    int r = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(root, "packages"))
    {
        const cJSON *package = cJSON_GetObjectItemCaseSensitive(item, "package");
        if (true_in(item, "leading"))
            continue;
        if (r == 0)
            r = buffer_print(out, err, "\nBESIDE IT, package %s %s\n", text_in(package, "name"),
                             text_in(package, "version"));
        if (r == 0)
            r = wrapped(out, "Intended use: ", text_in(package, "intended_use"), err);
        if (r == 0)
            r = write_risk(out, item, err);
        if (r == 0)
            r = write_loop(out, item, err);
        if (r == 0)
            r = write_notes(out, item, err);
        if (r == 0 && *text_in(package, "population"))
            r = wrapped(out, "For: ", text_in(package, "population"), err);
    }
    return r;
}

static int write_end(struct buffer *out, const cJSON *root, struct error *err)
{
    const cJSON *package = cJSON_GetObjectItemCaseSensitive(root, "package");
    int r = buffer_print(out, err, "\n");
    if (r == 0 && *text_in(package, "population"))
        r = wrapped(out, "For: ", text_in(package, "population"), err);
    if (r == 0)
        r = buffer_print(out, err, "Model package %s %s, SHA-256 %.16s…; %s %s; %s\n",
                         text_in(package, "name"), text_in(package, "version"),
                         text_in(package, "sha256"), text_in(root, "software"),
                         text_in(root, "software_version"), text_in(root, "created"));
    return r < 0 ? r : wrapped(out, "", text_in(root, "status"), err);
}

int report_text(const char *json, struct buffer *ret_text, struct error *err)
{
    cJSON *root = cJSON_Parse(json);
    const cJSON *package = cJSON_GetObjectItemCaseSensitive(root, "package");
    const cJSON *regions = cJSON_GetObjectItemCaseSensitive(root, "regions");
    int r = 0;
    if (!cJSON_IsObject(package) || !cJSON_IsObject(regions))
        r = error_set(err, STATUS_INVALID, "result.json: not a report");
    if (r == 0)
        r = wrapped(ret_text, "INTENDED USE: ", text_in(package, "intended_use"), err);
    if (r == 0)
        r = buffer_print(ret_text, err, "\n");
    if (r == 0)
        r = write_risk(ret_text, root, err);
    if (r == 0)
        r = write_loop(ret_text, root, err);
    if (r == 0)
        r = write_region(ret_text, cJSON_GetObjectItemCaseSensitive(regions, "tumour"),
                         "No tumour outlined", err);
    if (r == 0)
        r = write_region(ret_text, cJSON_GetObjectItemCaseSensitive(regions, "node"),
                         "No axillary lymph node outlined", err);
    if (r == 0)
        r = write_notes(ret_text, root, err);
    if (r == 0)
        r = write_end(ret_text, root, err);
    if (r == 0)
        r = write_others(ret_text, root, err);
    cJSON_Delete(root);
    return r;
}
