/* What is known of one study's images after outlining and measuring: the one structure that
 * model/ fills and report/ reads. */
#ifndef AXNODE_MODEL_FINDINGS_H
#define AXNODE_MODEL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "image/calibration.h"
#include "image/geometry.h"
#include "image/image.h"
#include "image/quality.h"

enum side { SIDE_UNKNOWN, SIDE_LEFT, SIDE_RIGHT };
enum roi { ROI_TUMOUR, ROI_NODE, ROI_COUNT };

/* "tumour", "node"; "left", "right", "unknown side". Static storage. */
const char *roi_name(enum roi roi);
const char *side_name(enum side side);

/* Ends of a measured axis in pixel coordinates of the whole picture. */
struct axis {
    double x0, y0, x1, y1;
    double length_px; /* anisotropic pixels: measured in mm, this is in column pixels */
    double length_mm; /* 0 when not calibrated */
};

enum hilum_state {
    HILUM_NOT_ASSESSED, /* the network has no hilum output */
    HILUM_PRESENT,
    HILUM_PARTLY_LOST,
    HILUM_LOST,
};
/* "not assessed", "present", "partly lost", "lost". Static storage. */
const char *hilum_state_name(enum hilum_state state);

struct measurements {
    struct axis long_axis;  /* longest diameter of the outline */
    struct axis short_axis; /* longest diameter perpendicular to it */
    double axis_ratio;      /* long / short, no unit */
    double width_px, width_mm;   /* horizontal extent; as an axis' lengths */
    double depth_px, depth_mm;   /* vertical extent, away from the probe */
    double depth_width;          /* depth / width, no unit; above 1: taller than wide */
    double area_px, area_mm2;           /* pixels of the mask; mm² is 0 when not calibrated */
    double perimeter_px, perimeter_mm;  /* along pixel edges (marching squares, as PyRadiomics):
                                           up to 8 % above a smooth outline */
    double circularity;                 /* 4π area / perimeter² */
    bool skin_visible;                  /* the skin's line was found above the outline */
    double skin_distance_px, skin_distance_mm; /* shortest, skin to outline, never negative */
    /* Nodes whose network marks the hilum; all 0 otherwise. */
    bool hilum_marked;                  /* the network has a hilum output */
    double hilum_fraction;              /* hilum area / node area */
    enum hilum_state hilum;             /* by the hilum's part of the node's area */
    double cortex_thickness_px, cortex_thickness_mm; /* largest distance outline to hilum; when
                                                        no hilum is found: half the short axis */
    struct axis cortex;                 /* where: from the outline to the hilum; length 0 when no
                                           hilum is found */
};

struct feature {
    char name[96];   /* PyRadiomics' name behind the region's: "tumour_original_firstorder_Mean" */
    double value;    /* NaN when undefined */
    bool meaningless;/* defined, but of no meaning for this input (see docs) */
};

struct feature_list {
    struct feature *items; /* owned */
    size_t count, capacity;
};
void feature_list_release(struct feature_list *list);
int feature_list_add(struct feature_list *list, const char *name, double value, bool meaningless,
                     struct error *err);
const struct feature *feature_list_find(const struct feature_list *list, const char *name);

/* Where on a picture a score comes from (model/deep.h). */
struct heat_map {
    struct plane plane; /* of the picture's size: above 0 raises the score, below 0 lowers it;
                           no values: there is none */
    struct bounds seen; /* what the networks saw of the picture, inclusive; 0 outside */
};
void heat_map_release(struct heat_map *heat);

struct loop_finding;

/* One outlined region. */
struct region_finding {
    bool found;
    int image;           /* index of its picture in the study's list; -1 when there is none */
    int frame;           /* from 0 */
    struct bounds seen;  /* of the picture: what the outlining network saw, inclusive */
    struct mask mask;    /* size of the picture; largest connected part */
    struct mask hilum;   /* nodes only; may have no pixels set; zeroed struct when no output */
    double probability;  /* mean network output inside the mask */
    double agreement;    /* mean Dice of every two passes, 0 to 1 */
    bool unsure;         /* agreement is below what the package asks for */
    int passes;          /* that the outline was made of */
    int callipers;       /* marks of callipers that guided the outline; 0: none */
    bool touches_border; /* of the picture or of its tissue region */
    bool grey;           /* on a B-mode image: its grey levels are tissue's */
    struct quality quality;
    struct calibration calibration;
    struct measurements measurements;
    struct feature_list features;
    struct heat_map heat; /* of its deep features' part in the package's model */
    struct loop_finding *loop; /* owned (model/loop.h); NULL: no package asked for a loop */
};
void region_finding_release(struct region_finding *region);

enum { STAGE_SIZE = 65 }; /* of the name of a package's score, with its end */

/* A term's part in a linear predictor: coefficient × (value − centre) / scale. */
struct contribution {
    char stage[STAGE_SIZE]; /* whose term it is: the name of one of the package's scores, or
                               "model": the last step, whose terms and intercept make the risk */
    char name[96];
    double value, centre, scale, coefficient, contribution;
};

enum { REASON_MAX = 16 };

struct score {
    bool has_risk;           /* else `reasons` says why not */
    double risk;             /* probability of the package's outcome, 0 to 1 */
    bool has_interval;       /* the package says how sure its coefficients are */
    double risk_low, risk_high; /* 95 % interval of the risk for that; valid when has_interval */
    double linear_predictor; /* of the model; valid when has_risk, and from score_predict also
                                when every term had its value: it then ranks */
    double cutoff;           /* 0 when the package has none */
    bool above_cutoff;
    char group[STAGE_SIZE];  /* the package's name for this height of the risk; "": it has none */
    struct contribution *contributions; /* owned; contribution_count of them, stage by stage */
    size_t contribution_count;
    /* Why there is no risk, in plain words a radiologist reads. */
    char reasons[REASON_MAX][200];
    int reason_count;
};
void score_release(struct score *score);
/* One more reason why there is no risk: what there was of one, its interval and its group, is gone. Its
 * words are ignored past REASON_MAX or when already there. */
void score_add_reason(struct score *score, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
