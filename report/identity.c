#include "report/identity.h"

#include <string.h>

#include "report/words.h"

/* Frames may be named in multi-frame classes only (PS3.3 C.18.4), current or retired; some
 * machines write loops as still images. */
static bool has_frames(const struct dicom_instance *header)
{
    return header->frames > 1 &&
           (strcmp(header->sop_class_uid, "1.2.840.10008.5.1.4.1.1.3.1") == 0 ||
            strcmp(header->sop_class_uid, "1.2.840.10008.5.1.4.1.1.3") == 0);
}

struct dicom_reference identity_reference(const struct report_input *input, size_t index)
{
    const struct report_image *image = &input->images[index];
    return (struct dicom_reference){
        .sop_class_uid = image->header->sop_class_uid,
        .sop_instance_uid = image->header->sop_instance_uid,
        .series_instance_uid = image->header->series_instance_uid,
        .frame = has_frames(image->header) ? image->frame + 1 : 0,
    };
}

/* Intersection over union of at least one half. */
static bool overlap(const struct mask *a, const struct mask *b)
{
    size_t both = 0, either = 0;
    if (a->rows != b->rows || a->columns != b->columns)
        return false;
    for (size_t i = 0; i < (size_t)a->rows * (size_t)a->columns; i++) {
        both += a->pixels[i] && b->pixels[i];
        either += a->pixels[i] || b->pixels[i];
    }
    return either > 0 && 2 * both >= either;
}

/* "tumour-2" is a tumour, whichever its number. */
static bool of_role(const char *tracking_id, enum roi roi)
{
    const size_t length = strlen(roi_name(roi));
    return strncmp(tracking_id, roi_name(roi), length) == 0 && tracking_id[length] == '-';
}

static const struct seg_outline *find_previous(const struct report_input *input, enum roi roi,
                                               const struct dicom_reference *image)
{
    for (size_t i = 0; i < input->previous_count; i++) {
        const struct seg_outline *before = &input->previous[i];
        if (of_role(before->tracking_id, roi) && before->frame == image->frame &&
            strcmp(before->sop_instance_uid, image->sop_instance_uid) == 0 &&
            overlap(&before->mask, &words_region(input, roi)->mask))
            return before;
    }
    return NULL;
}

int identity_assign(const struct report_input *input, struct arena *arena,
                    struct region_identity ret_identities[ROI_COUNT], struct error *err)
{
    static const char *const purposes[ROI_COUNT] = {
        [ROI_TUMOUR] = "tracking-tumour", [ROI_NODE] = "tracking-node"};
    for (int roi = 0; roi < ROI_COUNT; roi++) {
        struct region_identity *identity = &ret_identities[roi];
        const struct seg_outline *before = NULL;
        *identity = (struct region_identity){0};
        if (!words_region(input, roi))
            continue;
        identity->image = identity_reference(input, (size_t)words_region(input, roi)->image);
        before = find_previous(input, roi, &identity->image);
        if (before)
            memcpy(identity->tracking_uid, before->tracking_uid, UID_SIZE);
        else
            uid_derive(input->content_digest, purposes[roi], identity->tracking_uid);
        identity->tracking_id =
            before ? before->tracking_id
                   : arena_print(arena, "%s-%d", roi_name(roi), input->generation);
        if (!identity->tracking_id)
            return error_set(err, STATUS_NOMEM, "cannot make the report: out of memory");
    }
    return 0;
}
