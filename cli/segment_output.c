#include "cli/segment.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "image/geometry.h"
#include "image/png.h"

/* Border pixels of the mask in a colour on the picture. */
static void draw_border(struct image *drawn, const struct mask *mask, const uint8_t colour[3])
{
    for (int y = 0; y < drawn->rows; y++)
        for (int x = 0; x < drawn->columns; x++) {
            size_t at = (size_t)y * (size_t)drawn->columns + (size_t)x;
            for (int c = 0; c < 3 && mask_is_boundary(mask, y, x); c++)
                drawn->pixels[at * 3 + (size_t)c] = colour[c];
        }
}

static int overlay_write(const char *path, const struct image *picture,
                         const struct region_finding *region, struct error *err)
{
    static const uint8_t yellow[3] = {255, 220, 0}, violet[3] = {229, 123, 229};
    struct image drawn;
    size_t n = (size_t)picture->rows * (size_t)picture->columns;
    int status = image_init(&drawn, picture->rows, picture->columns, 3, err);
    if (status < 0)
        return status;
    for (size_t i = 0; i < 3 * n; i++)
        drawn.pixels[i] = picture->pixels[picture->channels == 3 ? i : i / 3];
    if (region->hilum.pixels)
        draw_border(&drawn, &region->hilum, violet);
    if (region->found)
        draw_border(&drawn, &region->mask, yellow);
    status = image_write_png(path, &drawn, err);
    image_release(&drawn);
    return status;
}

static int mask_write(const char *path, const struct image *picture, const struct mask *mask,
                      struct error *err)
{
    struct mask nothing;
    if (mask->pixels)
        return mask_write_png(path, mask, err);
    int status = mask_init(&nothing, picture->rows, picture->columns, err);
    if (status < 0)
        return status;
    status = mask_write_png(path, &nothing, err);
    mask_release(&nothing);
    return status;
}

int segment_write(const struct segment_files *out, const struct image *picture,
                  const struct region_finding *region, struct error *err)
{
    int status = mask_write(out->mask, picture, &region->mask, err);
    if (status == 0 && out->hilum)
        status = mask_write(out->hilum, picture, &region->hilum, err);
    if (status == 0 && out->overlay)
        status = overlay_write(out->overlay, picture, region, err);
    return status;
}

int segment_print(const char *path, const struct region_finding *region, double seconds,
                  struct error *err)
{
    const struct measurements *m = &region->measurements;
    char quality[256];
    cJSON *root = cJSON_CreateObject();
    cJSON_AddStringToObject(root, "file", path);
    cJSON_AddBoolToObject(root, "found", region->found);
    cJSON_AddNumberToObject(root, "seconds", seconds);
    if (region->found) {
        cJSON_AddBoolToObject(root, "unsure", region->unsure);
        cJSON_AddNumberToObject(root, "agreement", region->agreement);
        cJSON_AddNumberToObject(root, "probability", region->probability);
        cJSON_AddNumberToObject(root, "passes", region->passes);
        cJSON_AddNumberToObject(root, "callipers", region->callipers);
        cJSON_AddBoolToObject(root, "touches_border", region->touches_border);
        cJSON_AddNumberToObject(root, "long_axis_px", m->long_axis.length_px);
        cJSON_AddNumberToObject(root, "short_axis_px", m->short_axis.length_px);
        if (region->calibration.source != CALIBRATION_NONE) {
            cJSON_AddNumberToObject(root, "long_axis_mm", m->long_axis.length_mm);
            cJSON_AddNumberToObject(root, "short_axis_mm", m->short_axis.length_mm);
        }
        quality_words(region->quality.faults, quality, sizeof quality);
        cJSON_AddStringToObject(root, "quality", quality);
    }
    char *line = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    if (!line)
        return error_set(err, STATUS_NOMEM, "out of memory");
    printf("%s\n", line);
    free(line);
    return 0;
}
