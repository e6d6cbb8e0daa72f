/* A region on its picture: the part around it, outline, hilum, measured axes with their lengths. */
#ifndef AXNODE_REPORT_VIEW_H
#define AXNODE_REPORT_VIEW_H

#include "base/error.h"
#include "report/page.h"
#include "report/report.h"

/* The part of the picture around the region that fills a box of this ratio (width / height) without
 * distortion, in pixels of the picture. */
struct box view_around(const struct region_finding *region, double ratio);

/* Fills `box`: the picture, outline, tinted hilum, long axis (solid) and short axis (dashed) with
 * their lengths, the largest cortex thickness, a scale where there is a calibration. */
int view_draw(struct page *page, struct box box, const struct image *picture,
              const struct region_finding *region, enum roi roi, struct error *err);

/* The same part of the picture twice, side by side: with the outline, and with the heat map.
 * Fits into `box` without distortion. The region has a heat map. */
int view_draw_heat(struct page *page, struct box box, const struct image *picture,
                   const struct region_finding *region, enum roi roi, struct error *err);

#endif
