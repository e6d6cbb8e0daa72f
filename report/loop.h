/* The loop that a package's network saw, in words and pictures. */
#ifndef AXNODE_REPORT_LOOP_H
#define AXNODE_REPORT_LOOP_H

#include "base/arena.h"
#include "base/error.h"
#include "dicom/object.h"
#include "model/loop.h"
#include "report/page.h"
#include "report/report.h"

/* The loop of the input's tumour that gave numbers. NULL: there is none. */
const struct loop_finding *loop_of(const struct report_input *input);
/* The same where it has a key frame that explains a risk. */
const struct loop_finding *loop_explained(const struct report_input *input);
/* The key frame; there is one. */
struct dicom_reference loop_key_reference(const struct report_input *input);

/* "Image 5, 64 frames in 3.66 s: the network saw 16 of them, from 0.40 s to 2.91 s." NULL when memory
 * is out; the same below. */
const char *loop_words(struct arena *arena, const struct report_input *input);
/* "Frame 14 (0.74 s) contributes most to the score: 0.213 of 1.870." There is a key frame. */
const char *loop_key_words(struct arena *arena, const struct report_input *input);

/* Colours of what is drawn beside pictures, 0xRRGGBB. */
struct loop_colours {
    uint32_t text, faint;
};
/* Six of the frames as the network saw them, with their number and time, the key framed; below them the
 * contribution of every frame as a bar, upward where it raises the score. Fills `box`. */
int loop_draw_strip(struct page *page, struct box box, const struct loop_finding *loop,
                    const struct loop_colours *colours, struct error *err);
/* The key frame, what the network saw of it, without and with its heat map. Fits into `box`. */
int loop_draw_key(struct page *page, struct box box, const struct loop_finding *loop,
                  struct error *err);

#endif
