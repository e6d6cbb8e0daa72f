#include "cli/words_print.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "cli/command.h"

static const char *identity_name(enum annotation_identity identity)
{
    static const char *const names[] = {"nothing said", "match", "contradiction"};
    return names[identity];
}

static void print_answer(const char *name, const char *value, const struct annotation_source *source)
{
    if (source->text[0])
        printf("%-10s %s, from '%s' (%.2f)\n", name, value, source->text, source->confidence);
}

static void print_meaning(const struct annotation *a)
{
    char text[32];
    print_answer("side", annotation_side_name(a->side), &a->side_source);
    if (a->side_contradicted)
        puts("side       both are named: none is taken");
    print_answer("region", annotation_region_name(a->region), &a->region_source);
    if (a->region_contradicted)
        puts("region     breast and axilla are named: none is taken");
    print_answer("quadrant", annotation_quadrant_name(a->quadrant), &a->quadrant_source);
    print_answer("plane", annotation_plane_name(a->plane), &a->plane_source);
    snprintf(text, sizeof text, "%d:%02d", a->clock_minutes / 60, a->clock_minutes % 60);
    print_answer("clock", text, &a->clock_source);
    snprintf(text, sizeof text, "%g mm", a->nipple_mm);
    print_answer("to nipple", text, &a->nipple_source);
    for (int i = 0; i < a->reading_count; i++) {
        const struct annotation_reading *r = &a->readings[i];
        snprintf(text, sizeof text, "%g mm%s%.1s", r->mm, r->mark ? " at " : "", &r->mark);
        print_answer("reading", text, &r->source);
    }
    print_answer("patient", identity_name(a->identity), &a->identity_source);
}

int words_print_text(const struct words *words, const struct annotation *annotation)
{
    for (int i = 0; i < words->count; i++) {
        const struct word *w = &words->items[i];
        printf("line %2d%s  %4d,%-4d to %4d,%-4d  %.2f  %s\n", w->line + 1, w->again ? "'" : " ",
               w->box.x0, w->box.y0, w->box.x1, w->box.y1, w->confidence, w->text);
    }
    if (words->count == 0)
        puts("no words");
    print_meaning(annotation);
    return EXIT_DONE;
}

static void add_box(cJSON *to, const struct bounds *box)
{
    const int corners[] = {box->x0, box->y0, box->x1, box->y1};
    cJSON_AddItemToObject(to, "box", cJSON_CreateIntArray(corners, 4));
}

static cJSON *add_answer(cJSON *to, const char *name, const struct annotation_source *source)
{
    if (!source->text[0])
        return NULL;
    cJSON *answer = cJSON_AddObjectToObject(to, name);
    cJSON_AddStringToObject(answer, "text", source->text);
    cJSON_AddNumberToObject(answer, "confidence", source->confidence);
    add_box(answer, &source->box);
    return answer;
}

static void add_named(cJSON *to, const char *name, const char *value,
                      const struct annotation_source *source)
{
    cJSON *answer = add_answer(to, name, source);
    if (answer)
        cJSON_AddStringToObject(answer, "value", value);
}

static void add_number(cJSON *to, const char *name, double value,
                       const struct annotation_source *source)
{
    cJSON *answer = add_answer(to, name, source);
    if (answer)
        cJSON_AddNumberToObject(answer, "value", value);
}

static void add_readings(cJSON *to, const struct annotation *a)
{
    cJSON *readings = cJSON_AddArrayToObject(to, "readings");
    for (int i = 0; i < a->reading_count; i++) {
        const struct annotation_reading *r = &a->readings[i];
        cJSON *reading = cJSON_CreateObject();
        cJSON_AddNumberToObject(reading, "mm", r->mm);
        if (r->mark)
            cJSON_AddStringToObject(reading, "mark", (char[2]){r->mark, '\0'});
        cJSON_AddStringToObject(reading, "text", r->source.text);
        cJSON_AddNumberToObject(reading, "confidence", r->source.confidence);
        add_box(reading, &r->source.box);
        cJSON_AddItemToArray(readings, reading);
    }
}

static void add_meaning(cJSON *to, const struct annotation *a)
{
    add_named(to, "side", annotation_side_name(a->side), &a->side_source);
    cJSON_AddBoolToObject(to, "side_contradicted", a->side_contradicted);
    add_named(to, "region", annotation_region_name(a->region), &a->region_source);
    cJSON_AddBoolToObject(to, "region_contradicted", a->region_contradicted);
    add_named(to, "quadrant", annotation_quadrant_name(a->quadrant), &a->quadrant_source);
    add_named(to, "plane", annotation_plane_name(a->plane), &a->plane_source);
    add_number(to, "clock_minutes", a->clock_minutes, &a->clock_source);
    add_number(to, "nipple_mm", a->nipple_mm, &a->nipple_source);
    add_readings(to, a);
    cJSON_AddStringToObject(to, "patient", identity_name(a->identity));
}

int words_print_json(const char *path, const struct words *words,
                     const struct annotation *annotation)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "file", path);
    cJSON *list = cJSON_AddArrayToObject(json, "words");
    for (int i = 0; i < words->count; i++) {
        const struct word *w = &words->items[i];
        cJSON *word = cJSON_CreateObject();
        cJSON_AddStringToObject(word, "text", w->text);
        cJSON_AddNumberToObject(word, "confidence", w->confidence);
        cJSON_AddNumberToObject(word, "line", w->line + 1);
        cJSON_AddBoolToObject(word, "again", w->again);
        cJSON_AddBoolToObject(word, "cut", w->cut_left || w->cut_right);
        add_box(word, &w->box);
        cJSON_AddItemToArray(list, word);
    }
    add_meaning(cJSON_AddObjectToObject(json, "meaning"), annotation);
    int done = command_print_json(json);
    cJSON_Delete(json);
    return done;
}
