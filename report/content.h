/* Findings as the content tree of an SR: TID 1500 with a TID 1410 group per region; and the images
 * used as a Key Object Selection (TID 2010). */
#ifndef AXNODE_REPORT_CONTENT_H
#define AXNODE_REPORT_CONTENT_H

#include "base/arena.h"
#include "base/error.h"
#include "dicom/sr.h"
#include "report/identity.h"
#include "report/report.h"
#include "report/tree.h"

/* The tree lives as long as `arena`. STATUS_NOMEM. */
int content_build(const struct report_input *input,
                  const struct region_identity identities[ROI_COUNT], struct arena *arena,
                  const struct sr_node **ret_root, struct error *err);

/* Likewise. */
int content_key_objects(const struct report_input *input,
                        const struct region_identity identities[ROI_COUNT], struct arena *arena,
                        const struct sr_node **ret_root, struct error *err);

/* ---- inside content*.c: parts of the tree ---- */

/* TID 4019. */
void content_algorithm(struct tree *t, const struct report_input *input, struct sr_node *parent);
/* Finding Site with its laterality, where the side is known. */
void content_site(struct tree *t, const struct report_input *input, struct sr_node *parent,
                  struct dicom_concept site);
/* The risk as a number of `parent`, with interval, group and cut-off. There is one. */
struct sr_node *content_risk(struct tree *t, const struct report_input *input,
                             struct sr_node *parent);
/* The features of a region that the package's model takes, and what the scores made of them alone. */
void content_model_features(struct tree *t, const struct report_input *input, enum roi roi,
                            struct sr_node *group);
/* Derived Imaging Measurements (TID 1420): the risk of the case, inferred from `groups` (NULL: no
 * such region) and from each term's contribution. Nothing without a risk. */
void content_derived(struct tree *t, const struct report_input *input, struct sr_node *root,
                     struct sr_node *const groups[ROI_COUNT]);
/* Qualitative Evaluations: what is said in words. */
void content_evaluations(struct tree *t, const struct report_input *input, struct sr_node *root);
/* A further package's answer (report_input.others) in a container of its own, an extension of TID 1500:
 * nothing of it can be taken for the report's result, and its outlines are none of the groups. */
void content_other(struct tree *t, const struct report_input *other, struct sr_node *root);

#endif
