/* What a machine draws around and onto the tissue: words, callipers, ruler, grey bar. */
#ifndef AXNODE_PHANTOM_SCREEN_H
#define AXNODE_PHANTOM_SCREEN_H

#include <stdint.h>

#include "image/image.h"

struct colour {
    uint8_t red, green, blue; /* a grey picture takes the green */
};

/* Letters A–Z, digits and . - / : ^ + in 5×7 dots of scale × scale pixels; others are blanks.
 * Top left at x, y. What lies outside the picture is cut off. */
void screen_text(struct image *picture, int x, int y, int scale, struct colour colour,
                 const char *text);
int screen_text_width(int scale, const char *text);
/* A cross at x, y with arms of `arm` pixels. */
void screen_cross(struct image *picture, int x, int y, int arm, struct colour colour);
/* Filled box. */
void screen_box(struct image *picture, int x, int y, int width, int height, struct colour colour);

#endif
