/* Plots for pages: two axes, and what is drawn between them. Drawn by cairo as SVG whose letters
 * are shapes, so that they look the same everywhere. Colours are 0xRRGGBB. */
#ifndef AXNODE_REPORT_PLOT_H
#define AXNODE_REPORT_PLOT_H

#include <stddef.h>

#include "base/buffer.h"
#include "report/page.h"

struct plot_axis {
    const char *label; /* UTF-8 */
    double from, to;   /* from < to */
    double step;       /* between ticks, at most 20 are drawn; 0: none */
    int decimals;
};

struct plot {
    struct page page;   /* draws into `svg` */
    struct buffer *svg; /* owned, so that it stays in place */
    struct box area;    /* between the axes, in units of the picture */
    struct plot_axis x, y;
    int legends;        /* lines written so far */
};

/* Axes, ticks and labels on white. STATUS_NOMEM. */
int plot_init(struct plot *ret_plot, double width, double height, struct plot_axis x,
              struct plot_axis y, struct error *err);
void plot_release(struct plot *plot);

/* Values outside the axes are cut off; NaN ends a line and begins another. */
enum plot_dash { PLOT_SOLID, PLOT_DASHED, PLOT_DOTTED };
void plot_line(struct plot *plot, const double *x, const double *y, size_t n, uint32_t colour,
               double width, enum plot_dash dash);
void plot_band(struct plot *plot, const double *x, const double *low, const double *high,
               size_t n, uint32_t colour);
void plot_dot(struct plot *plot, double x, double y, double radius, uint32_t colour);
/* A thin bar from (x0, y0) to (x1, y1): an interval. */
void plot_bar(struct plot *plot, double x0, double y0, double x1, double y1, uint32_t colour,
              double width);
void plot_block(struct plot *plot, double x0, double y0, double x1, double y1, uint32_t colour);
/* A line of text at a place between the axes; `right`: it ends there. */
void plot_label(struct plot *plot, double x, double y, const char *text, uint32_t colour,
                bool right);
/* The next line of the legend, in a corner between the axes: right or left, bottom or top. */
enum plot_corner { PLOT_BOTTOM_RIGHT, PLOT_TOP_RIGHT, PLOT_TOP_LEFT };
void plot_legend(struct plot *plot, enum plot_corner corner, const char *text, uint32_t colour,
                 enum plot_dash dash);

/* Ends the drawing and appends `<img src="data:…" alt="…">`. `alt` is UTF-8 without markup. */
int plot_finish(struct plot *plot, const char *alt, struct buffer *out, struct error *err);

#endif
