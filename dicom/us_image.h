/* Writes Ultrasound Image Storage (one frame) and Ultrasound Multi-frame Image Storage objects,
 * for synthetic studies. The same input gives the same bytes. */
#ifndef AXNODE_DICOM_US_IMAGE_H
#define AXNODE_DICOM_US_IMAGE_H

#include <stdbool.h>

#include "base/error.h"
#include "dicom/reader.h"
#include "image/calibration.h"
#include "image/image.h"

/* Everything is borrowed for the call. Texts are UTF-8; NULL counts as "". */
struct us_image {
    const char *sop_instance_uid, *study_instance_uid, *series_instance_uid;
    const char *patient_id, *patient_name; /* "Family^Given" */
    const char *patient_birth_date;        /* YYYYMMDD or "" */
    const char *patient_sex;               /* "F", "M", "O" or "" */
    const char *accession_number, *study_id;
    const char *study_date, *study_time; /* YYYYMMDD, HHMMSS; also of series and content */
    const char *study_description, *series_description;
    const char *protocol_name, *image_comments;
    const char *body_part_examined; /* "BREAST"; left out when "" */
    int series_number, instance_number;
    char laterality;                   /* 'L', 'R', 'B', 'U' as Image Laterality; 0: absent */
    struct dicom_code anatomic_region; /* left out when its value is "" */
    bool laterality_modifier;          /* L, R, B also as modifier of the anatomic region */
    struct dicom_code view;            /* left out when its value is "" */
    const char *manufacturer;          /* "" for "axnode phantom" */
    const char *manufacturer_model;    /* "" for "axnode phantom" */
    const struct us_region *regions;
    int region_count;
    const struct image *frames; /* all of one size and channel count (1: MONOCHROME2, 3: RGB) */
    int frame_count;
    double frame_time_ms; /* multi-frame only; above 0 */
    bool synthetic_data;  /* write (0008,001C) Synthetic Data = YES */
};

/* Explicit little endian, uncompressed, mode 0600; an existing file is replaced. Not durable.
 * Malformed UIDs, differing frames, a code that does not fit: STATUS_INVALID. */
int us_image_write(const char *path, const struct us_image *image, struct error *err);

#endif
