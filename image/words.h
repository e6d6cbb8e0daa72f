/* Words burned into a picture, read with Tesseract. Lines of text are looked for first, by their
 * drawn shape (bright thin strokes, letters of one height side by side), and only those are read,
 * enlarged: a whole picture would take seconds. What is read is patient data: never logged.
 *
 * This and image/annotation.h stand in the library axnode_words, for the worker and the command
 * line alone. */
#ifndef AXNODE_IMAGE_WORDS_H
#define AXNODE_IMAGE_WORDS_H

#include <stdbool.h>

#include "base/error.h"
#include "image/geometry.h"
#include "image/image.h"

enum { WORDS_MAX = 192, WORD_TEXT_SIZE = 48 };

struct word {
    char text[WORD_TEXT_SIZE]; /* printable ASCII as read, accents taken off, never empty */
    struct bounds box;         /* in pixels of the picture */
    double confidence;         /* Tesseract's, 0 to 1 */
    int line;                  /* words of one line follow each other, left to right; from 0 */
    bool again;                /* of the same line, read a second time, larger and thinner: words
                                  that differ from the first reading are in doubt */
    bool cut_left, cut_right;  /* touches the border of what was read: letters may be missing */
};

struct words {
    struct word items[WORDS_MAX];
    int count;
};

/* Holds the recogniser: make one per process (50 ms), use it from one thread at a time. */
struct word_reader;

/* `folder` holds eng.traineddata; NULL: where the system has it. No such file there is
 * STATUS_NOT_FOUND: go on without words and say so. The caller frees the reader. */
int word_reader_new(const char *folder, struct word_reader **ret_reader, struct error *err);
void word_reader_free(struct word_reader *reader);
/* "Tesseract 5.3.0, eng": for records of what read the words. Static or the reader's storage. */
const char *word_reader_name(const struct word_reader *reader);

/* The words of a grey or RGB picture inside the part of `area` (NULL: all) that lies in it, lines
 * from top to bottom. No words is no error, no such part is STATUS_INVALID, above 16 Mi pixels
 * STATUS_LIMIT. The likeliest lines are read, up to a limit (docs/words.md has times). */
int words_read(struct word_reader *reader, const struct image *picture,
               const struct bounds *area, struct words *ret_words, struct error *err);

#endif
