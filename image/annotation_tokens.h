/* Inside of image/annotation.c: words broken into pieces of letters and digits, and how alike two
 * pieces are for a reader that mistakes letters. */
#ifndef AXNODE_IMAGE_ANNOTATION_TOKENS_H
#define AXNODE_IMAGE_ANNOTATION_TOKENS_H

#include <stdbool.h>

#include "image/annotation.h"

struct token {
    char text[WORD_TEXT_SIZE]; /* capitals and digits */
    const struct word *word;   /* borrowed */
    bool cut_left, cut_right;  /* letters may be missing at the picture's border */
    bool joined;               /* to the token before, with no blank between: "A-RAD", "2.5CM" */
};

enum { TOKENS_MAX = 2 * WORDS_MAX };

struct tokens {
    struct token items[TOKENS_MAX];
    int count;
};

void tokens_of_words(const struct words *words, struct tokens *ret_tokens);
/* What differs between what was read and a word in capitals, counted in letters of evidence: a
 * letter taken for one that looks like it costs 1, any other exchanged, lost or added letter 3. */
int token_cost(const char *read, const char *word);
/* How sure it is that what was read with `confidence` is what it looks like: each letter of
 * evidence beyond the second halves the doubt, each that is missing doubles it. May be negative. */
double token_confidence(double confidence, int letters);
void annotation_source_set(struct annotation_source *source, const struct word *word,
                           double confidence);

/* The parts of annotation_of_words that work on numbers and on names. */
void annotation_numbers(const struct words *words, struct annotation *annotation);
void annotation_identify(const struct words *words, const struct annotation_patient *patient,
                         struct annotation *annotation);

#endif
