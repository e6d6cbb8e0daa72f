/* What the rest of the program knows of a stored DICOM object. Every byte of input is hostile:
 * texts are cut to the sizes below, numbers checked, character sets converted to UTF-8. */
#ifndef AXNODE_DICOM_READER_H
#define AXNODE_DICOM_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/uid.h"
#include "image/calibration.h"
#include "image/image.h"

enum { DICOM_TEXT_SIZE = 257, DICOM_REGIONS_MAX = 32 };

struct dicom_limits {
    uint64_t object_bytes; /* whole file */
    int frames;            /* Number of Frames */
    uint64_t frame_pixels; /* rows × columns */
};
/* 512 MiB, 4096 frames, 64 Mi pixels. */
struct dicom_limits dicom_limits_default(void);

struct dicom_code {
    char value[65], scheme[17], meaning[65]; /* value "" when absent */
};

enum dicom_kind {
    DICOM_KIND_ULTRASOUND, /* US still or multi-frame, current or retired SOP class */
    DICOM_KIND_SR,         /* structured report */
    DICOM_KIND_OTHER,
};

struct dicom_instance {
    enum dicom_kind kind;
    char sop_class_uid[UID_SIZE], sop_instance_uid[UID_SIZE];
    char study_instance_uid[UID_SIZE], series_instance_uid[UID_SIZE];
    char transfer_syntax_uid[UID_SIZE];
    char modality[17];
    /* Patient and study: stored in the database and written to reports, never logged. */
    char patient_id[DICOM_TEXT_SIZE], patient_id_issuer[DICOM_TEXT_SIZE];
    char patient_name[DICOM_TEXT_SIZE], patient_birth_date[17], patient_sex[17];
    char patient_age[17]; /* "054Y" */
    char accession_number[DICOM_TEXT_SIZE], study_date[17], study_time[17];
    char study_description[DICOM_TEXT_SIZE], series_description[DICOM_TEXT_SIZE];
    char body_part_examined[17], protocol_name[DICOM_TEXT_SIZE];
    char image_comments[DICOM_TEXT_SIZE], view_name[DICOM_TEXT_SIZE];
    char laterality;                     /* (0020,0060) 'L', 'R', 'B', 'U', or 0 when absent */
    char image_laterality;               /* (0020,0062), same letters */
    char anatomic_laterality;            /* from (0008,2220) inside (0008,2218), same letters */
    struct dicom_code anatomic_region;   /* (0008,2218) */
    struct dicom_code primary_structure; /* (0008,2228) */
    struct dicom_code view;              /* (0054,0220) */
    char manufacturer[DICOM_TEXT_SIZE], manufacturer_model[DICOM_TEXT_SIZE];
    bool own;                           /* equipment is axnode itself: never analysed (rule 3) */
    bool synthetic_data;                /* (0008,001C) is YES */
    int series_number, instance_number; /* 0 when absent */
    /* Pixels; rows is 0 when the object has none. */
    int rows, columns, frames, samples_per_pixel, bits_allocated;
    char photometric[17];
    struct us_region regions[DICOM_REGIONS_MAX];
    int region_count;
    /* How it came, from the file meta information our receiver wrote; "" or 0 otherwise. */
    char calling_ae[17], called_ae[17], peer_address[65], association[65];
    int64_t received_us;
};

/* Header only (stops before the pixels). Reasons: cut-off or foreign file, missing or malformed
 * UIDs (STATUS_INVALID), sizes over a limit (STATUS_LIMIT), a transfer syntax that nothing here
 * knows (STATUS_UNSUPPORTED). */
int dicom_instance_read(const char *path, const struct dicom_limits *limits,
                        struct dicom_instance *ret_instance, struct error *err);

/* A picture or loop, opened and parsed once and decoded frame by frame (library axnode_pictures).
 * What is kept in memory is one frame: its compressed bytes, which may not be more than twice its
 * samples and 1 MiB, the decoder's planes and the result; together at most 24 bytes for each
 * sample, however long the loop is. Videos add the reference pictures of their stream (at most
 * 16), deflated data sets themselves (at most 64 MiB inflated).
 *
 * Frames count from 0. All but videos are found at once in any order; in a video, going back means
 * starting again, going forward decoding what lies between.
 *
 * STATUS_UNSUPPORTED: a transfer syntax or photometric interpretation without a decoder here, by
 * name. STATUS_INVALID: damaged pixels, fragments that cannot be assigned to frames, sizes that
 * contradict the header. STATUS_LIMIT: beyond `limits` or IMAGE_SIDE_MAX. */
struct dicom_frames;
int dicom_frames_open(const char *path, const struct dicom_limits *limits,
                      struct dicom_frames **ret_frames, struct error *err);
void dicom_frames_close(struct dicom_frames *frames); /* NULL is fine */
/* The header; borrowed until the close. */
const struct dicom_instance *dicom_frames_instance(const struct dicom_frames *frames);
/* Which frame comes next. */
int dicom_frames_seek(struct dicom_frames *frames, int frame, struct error *err);
/* The next frame: monochrome gives one channel (MONOCHROME1 inverted, windows not applied for
 * 8-bit data), everything else RGB. Behind the last: STATUS_INVALID. After a failure the same
 * frame is still the next. */
int dicom_frames_next(struct dicom_frames *frames, struct image *ret_image, struct error *err);
/* The next frame at full depth, for features: monochrome values as ITK's reader (GDCM) gives them,
 * so of any Bits Stored up to 16, signed or not, MONOCHROME1 inverted within Bits Stored, then
 * times Rescale Slope plus Rescale Intercept; lookup tables and windows not applied. Colour becomes
 * BT.601 luma, of 16 bits STATUS_UNSUPPORTED. The type is the narrowest that holds every value
 * possible. */
int dicom_frames_next_deep(struct dicom_frames *frames, struct deep_image *ret_image,
                           struct error *err);

/* The same for one frame alone: open, seek, next, close. */
int dicom_frame_decode(const char *path, int frame, const struct dicom_limits *limits,
                       struct image *ret_image, struct error *err);
int dicom_frame_decode_deep(const char *path, int frame, const struct dicom_limits *limits,
                            struct deep_image *ret_image, struct error *err);

/* SHA-256 over the data set in a canonical encoding (implicit little endian, explicit lengths, no
 * group lengths; with compressed pixels in their own transfer syntax, fragments as they are):
 * equal for two files whose uncompressed data sets differ in encoding alone. */
int dicom_content_digest(const char *path, const struct dicom_limits *limits,
                         char ret_hex[DIGEST_TEXT_SIZE], struct error *err);

#endif
