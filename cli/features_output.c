/* What axnode features prints: a listing, JSON, CSV. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/features.h"

static cJSON *details_json(const struct features_job *job, cJSON *features)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *flags = cJSON_CreateArray(), *codes = cJSON_CreateObject();
    for (size_t i = 0; i < job->features.count; i++) {
        const struct feature *f = &job->features.items[i];
        const char *code = radiomics_ibsi_code(f->name);
        if (f->meaningless)
            cJSON_AddItemToArray(flags, cJSON_CreateString(f->name));
        if (code)
            cJSON_AddStringToObject(codes, f->name, code);
    }
    cJSON_AddStringToObject(object, "image", job->image);
    cJSON_AddStringToObject(object, "mask", job->mask);
    cJSON_AddStringToObject(object, "grey", job->from_colour ? "BT.601 luma" : "as stored");
    cJSON_AddStringToObject(object, "version", "axnode " AXNODE_VERSION);
    cJSON_AddItemToObject(object, "features", features);
    cJSON_AddItemToObject(object, "meaningless", flags);
    cJSON_AddItemToObject(object, "ibsi", codes);
    return object;
}

/* A flat object; `cases` adds the columns of the list in front. */
static cJSON *job_json(const struct features_options *o, const struct features_job *job,
                       const struct cases *cases, size_t row)
{
    cJSON *object = cJSON_CreateObject();
    for (size_t c = 0; cases && c < cases->columns; c++)
        cJSON_AddStringToObject(object, cases->names[c], cases->cells[row * cases->columns + c]);
    for (size_t i = 0; i < job->features.count; i++) {
        char number[NUMBER_TEXT_SIZE];
        number_format(job->features.items[i].value, number);
        cJSON_AddRawToObject(object, job->features.items[i].name, number);
    }
    return o->details ? details_json(job, object) : object;
}

static int write_json(const struct features_batch *batch, const struct cases *cases,
                      struct buffer *out, struct error *err)
{
    const struct features_options *o = batch->options;
    bool list = cases || batch->count > 1;
    cJSON *json = list ? cJSON_CreateArray() : job_json(o, &batch->jobs[0], NULL, 0);
    for (size_t i = 0; list && i < batch->count; i++) {
        cJSON *object = job_json(o, &batch->jobs[i], cases, i);
        if (!cases && !o->details)
            cJSON_AddStringToObject(object, "Mask", batch->jobs[i].mask);
        cJSON_AddItemToArray(json, object);
    }
    char *text = cJSON_Print(json);
    int r = text ? buffer_print(out, err, "%s\n", text)
                 : error_set(err, STATUS_NOMEM, "no memory for the output");
    cJSON_free(text);
    cJSON_Delete(json);
    return r;
}

/* All feature names of all cases, in order of first sight. */
static int all_names(const struct features_batch *batch, struct feature_list *names,
                     struct error *err)
{
    for (size_t i = 0; i < batch->count; i++)
        for (size_t k = 0; k < batch->jobs[i].features.count; k++) {
            const char *name = batch->jobs[i].features.items[k].name;
            /* Cases of one kind have the same names at the same places. */
            if ((k < names->count && strcmp(names->items[k].name, name) == 0) ||
                feature_list_find(names, name))
                continue;
            int r = feature_list_add(names, name, 0, false, err);
            if (r < 0)
                return r;
        }
    return 0;
}

static const struct feature *feature_at(const struct features_job *job, size_t k, const char *name)
{
    if (k < job->features.count && strcmp(job->features.items[k].name, name) == 0)
        return &job->features.items[k];
    return feature_list_find(&job->features, name);
}

static int write_line(const struct features_job *job, const struct cases *cases, size_t row,
                      const struct feature_list *names, struct buffer *out, struct error *err)
{
    int r = 0;
    if (!cases) {
        r = cases_write_cell(out, job->image, true, err);
        if (r == 0)
            r = cases_write_cell(out, job->mask, false, err);
    }
    for (size_t c = 0; cases && c < cases->columns && r == 0; c++)
        r = cases_write_cell(out, cases->cells[row * cases->columns + c], c == 0, err);
    if (r == 0)
        r = cases_write_cell(out, job->from_colour ? "BT.601 luma" : "as stored", false, err);
    for (size_t k = 0; k < names->count && r == 0; k++) {
        const struct feature *f = feature_at(job, k, names->items[k].name);
        char number[NUMBER_TEXT_SIZE] = "";
        if (f && !isnan(f->value))
            number_format(f->value, number);
        r = cases_write_cell(out, number, false, err);
    }
    return r < 0 ? r : buffer_add(out, "\n", 1, err);
}

static int write_csv(const struct features_batch *batch, const struct cases *cases,
                     struct buffer *out, struct error *err)
{
    struct feature_list names = {0};
    int r = all_names(batch, &names, err);
    if (!cases && r == 0)
        r = buffer_print(out, err, "Image,Mask");
    for (size_t c = 0; cases && c < cases->columns && r == 0; c++)
        r = cases_write_cell(out, cases->names[c], c == 0, err);
    if (r == 0)
        r = buffer_print(out, err, ",diagnostics_Image-original_Grey");
    for (size_t k = 0; k < names.count && r == 0; k++)
        r = cases_write_cell(out, names.items[k].name, false, err);
    if (r == 0)
        r = buffer_add(out, "\n", 1, err);
    for (size_t i = 0; i < batch->count && r == 0; i++)
        r = write_line(&batch->jobs[i], cases, i, &names, out, err);
    feature_list_release(&names);
    return r;
}

static int write_text(const struct features_batch *batch, struct buffer *out, struct error *err)
{
    int r = 0;
    for (size_t i = 0; i < batch->count; i++) {
        const struct features_job *job = &batch->jobs[i];
        if (batch->count > 1)
            r = buffer_print(out, err, "%s\n", job->mask);
        for (size_t k = 0; k < job->features.count && r == 0; k++) {
            const struct feature *f = &job->features.items[k];
            const char *code = radiomics_ibsi_code(f->name);
            char number[NUMBER_TEXT_SIZE];
            number_format(f->value, number);
            r = buffer_print(out, err, "%c %-60s %-24s %s\n", f->meaningless ? '!' : ' ', f->name,
                             isnan(f->value) ? "undefined" : number, code ? code : "");
        }
    }
    return r;
}

void features_warn(const struct features_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct features_job *job = &batch->jobs[i];
        size_t flagged = 0;
        for (size_t k = 0; k < job->features.count; k++)
            flagged += job->features.items[k].meaningless;
        if (flagged > 0 && batch->options->format != FORMAT_TEXT && !batch->options->details)
            fprintf(stderr, "warning: %s: %zu of %zu features are of no meaning for this input\n",
                    job->mask, flagged, job->features.count);
    }
}

int features_write(const struct features_batch *batch, const struct cases *cases, struct error *err)
{
    struct buffer out BUFFER_AUTO = {0};
    int r = batch->options->format == FORMAT_JSON  ? write_json(batch, cases, &out, err)
            : batch->options->format == FORMAT_CSV ? write_csv(batch, cases, &out, err)
                                                   : write_text(batch, &out, err);
    if (r < 0)
        return r;
    if (batch->options->out)
        return file_write(batch->options->out, buffer_text(&out), out.size, err);
    if (fwrite(buffer_text(&out), 1, out.size, stdout) != out.size || fflush(stdout) != 0)
        return error_set(err, STATUS_IO, "cannot write the output");
    return 0;
}
