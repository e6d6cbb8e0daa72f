/* A package with every kind of term, and a heat map, for the studies of fixture.h. */
#ifndef AXNODE_TESTS_REPORT_MODEL_H
#define AXNODE_TESTS_REPORT_MODEL_H

#include "fixture.h"

enum { MODEL_TERMS_MAX = 30 };

struct model {
    struct package package;
    struct package_term terms[MODEL_TERMS_MAX], score_terms[MODEL_TERMS_MAX];
    struct package_score scores[1];
    struct clinical_input clinical[2];
    struct clinical_step steps[4];
    struct clinical_value values[2];
    struct clinical_choice choices[2];
    struct package_group groups[3];
    struct contribution contributions[2 * MODEL_TERMS_MAX];
};

/* Five terms of every kind and `extra` more (up to 25), the score they give, in the study's input.
 * The contributions stay the model's: set the score's to NULL before study_release. */
void model_make(struct model *m, struct study *s, int extra);
/* Region `i` gets a heat map: a bump, positive to the left of its middle. */
void heat_make(struct study *s, int i);

#endif
