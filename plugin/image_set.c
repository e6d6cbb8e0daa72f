#include "plugin/image_set.h"

#include <stdlib.h>
#include <string.h>

/* PS3.6: Ultrasound Image Storage, its multi-frame sister, and both as they were before 1998. */
static const char *const ultrasound[] = {
    "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6",
    "1.2.840.10008.5.1.4.1.1.3"};
static const char reports[] = "1.2.840.10008.5.1.4.1.1.88."; /* structured reports */

bool image_set_is_ultrasound(const char *sop_class_uid)
{
    for (size_t i = 0; i < sizeof ultrasound / sizeof *ultrasound; i++)
        if (strcmp(sop_class_uid, ultrasound[i]) == 0)
            return true;
    return false;
}

bool image_set_wants(const char *sop_class_uid)
{
    return image_set_is_ultrasound(sop_class_uid) ||
           strncmp(sop_class_uid, reports, sizeof reports - 1) == 0;
}

static int order(const void *a, const void *b)
{
    const struct image_set_item *x = a, *y = b;
    return strcmp(x->sop_instance_uid, y->sop_instance_uid);
}

bool image_set_digest(struct image_set_item *items, size_t count, char ret_hex[DIGEST_TEXT_SIZE])
{
    uint8_t bytes[DIGEST_SIZE];
    struct digest *digest = digest_new();
    if (!digest)
        return false;
    if (count)
        qsort(items, count, sizeof *items, order);
    for (size_t i = 0; i < count; i++) {
        digest_add_text(digest, items[i].sop_instance_uid);
        digest_add_text(digest, items[i].version);
    }
    digest_end(digest, bytes);
    digest_free(digest);
    digest_format(bytes, ret_hex);
    return true;
}
