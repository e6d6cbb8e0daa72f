/* Which image shows what: breast or axilla, left or right, by a ladder of evidence. Each decision
 * names its source and how far it is to be trusted; contradictions are reported, never settled
 * in silence. */
#ifndef AXNODE_PIPELINE_CLASSIFY_H
#define AXNODE_PIPELINE_CLASSIFY_H

#include <stdbool.h>

#include "dicom/reader.h"
#include "image/annotation.h"
#include "model/findings.h"
#include "model/view.h"

/* What is known of one image. */
struct image_evidence {
    const struct dicom_instance *header;
    const struct annotation *words; /* on the screen; NULL: not read */
    const double *view;             /* VIEW_COUNT probabilities; NULL: no network looked */
    const struct view_network *view_network; /* with view */
};

enum { CLASS_SOURCE_SIZE = 128, CLASS_REMARKS_MAX = 4 };

struct image_class {
    enum roi role;          /* breast: ROI_TUMOUR, axilla: ROI_NODE, not named: ROI_COUNT */
    char role_source[CLASS_SOURCE_SIZE]; /* "(0008,2218) Anatomic Region", "words on the screen:
                                            AXILA ESQ"; "" when not named */
    double role_confidence; /* codes 1, texts 0.9 (image), 0.8 (series), 0.6 (study): ranks, not
                               measured; words: of the reading; view: the network's probability */
    bool role_by_view;      /* the view network alone says so */
    bool role_contradicted; /* role is ROI_COUNT then */
    enum side side;
    char side_source[CLASS_SOURCE_SIZE];
    double side_confidence; /* laterality attributes 1, then as of the role */
    bool side_contradicted; /* side is SIDE_UNKNOWN then */
    bool identity_contradicted; /* the picture names another patient than its header */
    /* What a reader is to know, without the image's number: "the words on it name the left side,
     * its attributes the right". */
    char remarks[CLASS_REMARKS_MAX][200];
    int remark_count;
};

/* Role: what is said of this image (coded region and structure, comments, view; then the words on
 * its screen) counts before what is said of its series (description, protocol), that before
 * what is said of the study (body part, description), and that before the view network. Within
 * the rung that decides, and between an image's attributes and its words, all must agree. Words
 * that differ from series or study win, and a view that differs from any of them does not; both
 * are remarked on. The view decides only where any attribute names breast or axilla (a study of
 * both), and never between words that name both. Side: every attribute and word is compared, whatever its rung. A text that
 * names both sides or both regions says nothing. A lymph node of an unsaid place is one of the
 * axilla where any attribute names breast or axilla, and nobody's elsewhere. */
void image_classify(const struct image_evidence *evidence, struct image_class *ret_class);

#endif
