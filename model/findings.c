#include "model/loop.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *roi_name(enum roi roi)
{
    return roi == ROI_TUMOUR ? "tumour" : "node";
}

const char *side_name(enum side side)
{
    switch (side) {
    case SIDE_LEFT: return "left";
    case SIDE_RIGHT: return "right";
    default: return "unknown side";
    }
}

const char *hilum_state_name(enum hilum_state state)
{
    switch (state) {
    case HILUM_PRESENT: return "present";
    case HILUM_PARTLY_LOST: return "partly lost";
    case HILUM_LOST: return "lost";
    default: return "not assessed";
    }
}

void feature_list_release(struct feature_list *list)
{
    free(list->items);
    *list = (struct feature_list){0};
}

int feature_list_add(struct feature_list *list, const char *name, double value, bool meaningless,
                     struct error *err)
{
    if (strlen(name) >= sizeof list->items->name)
        return error_set(err, STATUS_LIMIT, "feature name %.40s… is too long", name);
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        if (capacity > SIZE_MAX / sizeof *list->items)
            return error_set(err, STATUS_NOMEM, "out of memory for features");
        struct feature *items = realloc(list->items, capacity * sizeof *items);
        if (!items)
            return error_set(err, STATUS_NOMEM, "out of memory for features");
        list->items = items;
        list->capacity = capacity;
    }
    struct feature *item = &list->items[list->count++];
    *item = (struct feature){.value = value, .meaningless = meaningless};
    memcpy(item->name, name, strlen(name) + 1);
    return 0;
}

const struct feature *feature_list_find(const struct feature_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i].name, name) == 0)
            return &list->items[i];
    return NULL;
}

void heat_map_release(struct heat_map *heat)
{
    plane_release(&heat->plane);
    *heat = (struct heat_map){0};
}

void region_finding_release(struct region_finding *region)
{
    mask_release(&region->mask);
    mask_release(&region->hilum);
    feature_list_release(&region->features);
    heat_map_release(&region->heat);
    loop_finding_free(region->loop);
    *region = (struct region_finding){.image = -1};
}

void score_release(struct score *score)
{
    free(score->contributions);
    *score = (struct score){0};
}

void score_add_reason(struct score *score, const char *format, ...)
{
    char reason[sizeof score->reasons[0]];
    va_list args;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    score->has_risk = score->has_interval = score->above_cutoff = false;
    score->risk = score->risk_low = score->risk_high = 0;
    *score->group = '\0';
    for (int i = 0; i < score->reason_count; i++)
        if (strcmp(score->reasons[i], reason) == 0)
            return;
    if (score->reason_count < REASON_MAX)
        memcpy(score->reasons[score->reason_count++], reason, sizeof reason);
}
