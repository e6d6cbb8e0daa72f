/* Building the content tree of a structured report (dicom/sr.h). Everything lives in the arena.
 * Out of memory is noted, not reported at each of the many calls: nodes then go to `spare`, and
 * whoever builds a tree asks for `failed` at its end. */
#ifndef AXNODE_REPORT_TREE_H
#define AXNODE_REPORT_TREE_H

#include <stdbool.h>

#include "base/arena.h"
#include "dicom/sr.h"

struct tree {
    struct arena *arena; /* borrowed */
    struct sr_node spare;
    bool failed;
};

/* `parent` NULL: the root. Texts of concepts and values are borrowed. */
struct sr_node *tree_add(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                         enum sr_type type, struct dicom_concept name);
/* `template_id` may be NULL. */
struct sr_node *tree_container(struct tree *t, struct sr_node *parent, struct dicom_concept name,
                               const char *template_id);
struct sr_node *tree_code(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                          struct dicom_concept name, struct dicom_concept value);
/* Text items must have a value: nothing to say, no item. */
void tree_text(struct tree *t, struct sr_node *parent, enum sr_relation relation,
               struct dicom_concept name, const char *text);
void tree_uid(struct tree *t, struct sr_node *parent, struct dicom_concept name, const char *uid);
/* With so many decimals for people; the exact value stands beside it. */
struct sr_node *tree_number(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                            struct dicom_concept name, double value, int decimals,
                            struct dicom_concept unit);
struct sr_node *tree_image(struct tree *t, struct sr_node *parent, enum sr_relation relation,
                           struct dicom_concept name, struct dicom_reference image);
/* `parent` is inferred from `target`, which was added before it. */
void tree_inferred_from(struct tree *t, struct sr_node *parent, const struct sr_node *target);

/* axnode as observer: TID 1002 with TID 1004; the program as such, not one installation. */
void tree_observer(struct tree *t, struct sr_node *root);

#endif
