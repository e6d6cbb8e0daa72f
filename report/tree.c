#include "report/tree.h"

#include <math.h>
#include <string.h>

#include "base/digest.h"
#include "base/number.h"
#include "base/uid.h"
#include "report/codes.h"
#include "report/words.h"

struct sr_node *tree_add(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                         enum sr_type type, struct dicom_concept name)
{
    struct sr_node *node = arena_alloc(t->arena, sizeof *node);
    if (!node) {
        t->failed = true;
        t->spare = (struct sr_node){0};
        return &t->spare;
    }
    node->relation = relation;
    node->type = type;
    node->name = name;
    if (parent && parent->last_child)
        parent->last_child->next = node;
    else if (parent)
        parent->first_child = node;
    if (parent)
        parent->last_child = node;
    return node;
}

struct sr_node *tree_container(struct tree *t, struct sr_node *parent, struct dicom_concept name,
                               const char *template_id)
{
    struct sr_node *node = tree_add(t, parent, SR_CONTAINS, SR_CONTAINER, name);
    node->template_id = template_id;
    return node;
}

struct sr_node *tree_code(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                          struct dicom_concept name, struct dicom_concept value)
{
    struct sr_node *node = tree_add(t, parent, relation, SR_CODE, name);
    node->code = value;
    return node;
}

void tree_text(struct tree *t, struct sr_node *parent, enum sr_relation relation,
               struct dicom_concept name, const char *text)
{
    if (text && *text)
        tree_add(t, parent, relation, SR_TEXT, name)->text = text;
}

void tree_uid(struct tree *t, struct sr_node *parent, struct dicom_concept name, const char *uid)
{
    tree_add(t, parent, SR_HAS_OBS_CONTEXT, SR_UIDREF, name)->text = uid;
}

struct sr_node *tree_number(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                            struct dicom_concept name, double value, int decimals,
                            struct dicom_concept unit)
{
    struct sr_node *node = tree_add(t, parent, relation, SR_NUM, name);
    char digits[WORDS_NUMBER_SIZE];
    /* What would vanish in fixed decimals, and what would not fit, gets its own exponent. */
    if (value == 0 || (fabs(value) < 1e12 && fabs(value) >= pow(10, -decimals)))
        words_number(value, decimals, digits);
    else
        number_format_ds(value, digits);
    node->number = value;
    node->text = arena_text(t->arena, digits);
    t->failed = t->failed || !node->text;
    node->code = unit;
    return node;
}

struct sr_node *tree_image(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                           struct dicom_concept name, struct dicom_reference image)
{
    struct sr_node *node = tree_add(t, parent, relation, SR_IMAGE, name);
    node->image = image;
    return node;
}

void tree_inferred_from(struct tree *t, struct sr_node *parent, const struct sr_node *target)
{
    tree_add(t, parent, SR_INFERRED_FROM, SR_REFERENCE, (struct dicom_concept){0})->target = target;
}

static const char *device_uid(struct tree *t)
{
    char uid[UID_SIZE];
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(DICOM_OWN_MANUFACTURER, strlen(DICOM_OWN_MANUFACTURER), digest);
    uid_derive(digest, "device", uid);
    return arena_text(t->arena, uid);
}

void tree_observer(struct tree *t, struct sr_node *root)
{
    tree_code(t, root, SR_HAS_OBS_CONTEXT, CODE_OBSERVER_TYPE, CODE_DEVICE);
    tree_uid(t, root, CODE_DEVICE_UID, device_uid(t));
    tree_text(t, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_NAME, DICOM_OWN_MANUFACTURER);
    tree_text(t, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_MANUFACTURER, DICOM_OWN_MANUFACTURER);
    tree_text(t, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_MODEL, DICOM_OWN_MANUFACTURER);
    tree_text(t, root, SR_HAS_OBS_CONTEXT, CODE_DEVICE_SERIAL, DICOM_OWN_SERIAL);
}
