/* The transfer syntaxes of PS3.6 annex A under which images are stored, and who decodes them. */
#ifndef AXNODE_DICOM_SYNTAX_H
#define AXNODE_DICOM_SYNTAX_H

#include <stdbool.h>

enum dicom_encoding { DICOM_EXPLICIT_LITTLE, DICOM_IMPLICIT_LITTLE, DICOM_EXPLICIT_BIG };

enum dicom_codec {
    DICOM_CODEC_NATIVE,
    DICOM_CODEC_RLE,      /* DCMTK */
    DICOM_CODEC_JPEG,     /* DCMTK; lossless too */
    DICOM_CODEC_JPEG_LS,  /* DCMTK's CharLS */
    DICOM_CODEC_JPEG2000, /* OpenJPEG */
    DICOM_CODEC_MPEG2,    /* libavcodec, as the next two */
    DICOM_CODEC_H264,
    DICOM_CODEC_HEVC,
    DICOM_CODEC_MISSING, /* known by name, kept, but not decoded */
};

struct dicom_syntax {
    const char *uid, *name;
    enum dicom_codec codec;
    enum dicom_encoding encoding; /* of the data set */
    bool deflated;
};

/* Static storage; NULL when unknown. */
const struct dicom_syntax *dicom_syntax_find(const char *uid);
/* Pixels in fragments. */
bool dicom_syntax_encapsulated(const struct dicom_syntax *syntax);
bool dicom_syntax_video(const struct dicom_syntax *syntax);

#endif
