/* What burned-in words say: side, region, place, plane, readings of callipers, and whose picture
 * it is. Everything but annotation_read is plain text work. English, Portuguese, Spanish, German,
 * French and Italian words are known (docs/words.md). Texts here are patient data: never logged. */
#ifndef AXNODE_IMAGE_ANNOTATION_H
#define AXNODE_IMAGE_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "image/calibration.h"
#include "image/words.h"

enum annotation_side { ANNOTATION_SIDE_UNKNOWN, ANNOTATION_LEFT, ANNOTATION_RIGHT };
enum annotation_region {
    ANNOTATION_REGION_UNKNOWN,
    ANNOTATION_BREAST,
    ANNOTATION_AXILLA,
    ANNOTATION_LYMPH_NODE, /* of a place that is not said: necks and groins have them too */
};
enum annotation_plane {
    ANNOTATION_PLANE_UNKNOWN,
    ANNOTATION_RADIAL,
    ANNOTATION_ANTIRADIAL,
    ANNOTATION_TRANSVERSE,
    ANNOTATION_SAGITTAL, /* or longitudinal */
};
enum annotation_quadrant {
    ANNOTATION_QUADRANT_UNKNOWN,
    ANNOTATION_UPPER_OUTER,
    ANNOTATION_UPPER_INNER,
    ANNOTATION_LOWER_OUTER,
    ANNOTATION_LOWER_INNER,
    ANNOTATION_UPPER, /* between the two upper ones, and so on */
    ANNOTATION_LOWER,
    ANNOTATION_OUTER,
    ANNOTATION_INNER,
    ANNOTATION_CENTRAL, /* behind the areola */
};
/* "left", "axilla", "radial", "upper outer"; "unknown". Static storage. */
const char *annotation_side_name(enum annotation_side side);
const char *annotation_region_name(enum annotation_region region);
const char *annotation_plane_name(enum annotation_plane plane);
const char *annotation_quadrant_name(enum annotation_quadrant quadrant);

/* Where an answer comes from. */
struct annotation_source {
    char text[WORD_TEXT_SIZE]; /* the words as read; "" without an answer */
    double confidence;         /* 0 to 1: as read, less where a letter had to be guessed */
    struct bounds box;
};

/* A length that the machine wrote down for its callipers. */
struct annotation_reading {
    double mm;
    char mark; /* the sign or number before it: '+', 'x', '1' ...; 0 when none */
    struct annotation_source source;
};
enum { ANNOTATION_READINGS_MAX = 8 };

enum annotation_identity {
    ANNOTATION_IDENTITY_SILENT, /* the picture names nobody, or not clearly */
    ANNOTATION_IDENTITY_MATCH,
    ANNOTATION_IDENTITY_CONTRADICTION, /* it clearly names another patient or number */
};

/* What the header says of the patient; NULL or "" where it is silent. */
struct annotation_patient {
    const char *name; /* DICOM PN: family^given */
    const char *id;
};

struct annotation {
    enum annotation_side side;
    bool side_contradicted; /* words name both sides: side is unknown */
    struct annotation_source side_source;
    enum annotation_region region;
    bool region_contradicted; /* breast (or a quadrant of it) and axilla or node both: unknown */
    struct annotation_source region_source;
    enum annotation_plane plane;
    struct annotation_source plane_source;
    enum annotation_quadrant quadrant;
    struct annotation_source quadrant_source;
    int clock_minutes; /* clock position, 60 … 720 ("3:30" is 210); 0 when not said */
    struct annotation_source clock_source;
    double nipple_mm; /* distance to the nipple; -1 when not said */
    struct annotation_source nipple_source;
    struct annotation_reading readings[ANNOTATION_READINGS_MAX];
    int reading_count;
    enum annotation_identity identity;
    struct annotation_source identity_source;
};

/* The meaning of words. `patient` may be NULL. */
void annotation_of_words(const struct words *words, const struct annotation_patient *patient,
                         struct annotation *ret_annotation);

/* Read a picture and take its words' meaning. `ret_words` may be NULL. Errors as words_read. */
int annotation_read(struct word_reader *reader, const struct image *picture,
                    const struct bounds *area, const struct annotation_patient *patient,
                    struct words *ret_words, struct annotation *ret_annotation,
                    struct error *err);

/* Size of square pixels from what the machine wrote beside its callipers and the middles of the
 * calliper marks. Two measured lines count when they cross (the two diameters of one lesion) and
 * have a reading each; the answer is the mean of their two spacings when these agree within 3 %
 * and lie between 0.02 and 0.5 mm. Another crossing pair with another answer: none. Without
 * answer the source is CALIBRATION_NONE, else CALIBRATION_ESTIMATED; region is -1. At most 8
 * marks. */
struct annotation_point {
    double x, y; /* pixels of the picture */
    char mark;   /* '+', 'x': marks and readings of different known signs never belong together;
                    0 when not known */
};
struct calibration annotation_calibrate(const struct annotation_reading *readings,
                                        size_t reading_count,
                                        const struct annotation_point *marks, size_t mark_count);

#endif
