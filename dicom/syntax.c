#include "dicom/syntax.h"

#include <stddef.h>
#include <string.h>

#define DICOM "1.2.840.10008.1.2"

static const struct dicom_syntax syntaxes[] = {
    {DICOM, "Implicit VR Little Endian", DICOM_CODEC_NATIVE, DICOM_IMPLICIT_LITTLE, false},
    {DICOM ".1", "Explicit VR Little Endian", DICOM_CODEC_NATIVE, .deflated = false},
    {DICOM ".1.99", "Deflated Explicit VR Little Endian", DICOM_CODEC_NATIVE, .deflated = true},
    {DICOM ".2", "Explicit VR Big Endian", DICOM_CODEC_NATIVE, DICOM_EXPLICIT_BIG, false},
    {DICOM ".5", "RLE Lossless", .codec = DICOM_CODEC_RLE},
    {DICOM ".4.50", "JPEG Baseline", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.51", "JPEG Extended", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.52", "JPEG Process 3 and 5", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.53", "JPEG Spectral Selection", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.54", "JPEG Process 7 and 9", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.55", "JPEG Full Progression", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.56", "JPEG Process 11 and 13", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.57", "JPEG Lossless", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.58", "JPEG Process 15", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.59", "JPEG Process 16 and 18", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.60", "JPEG Process 17 and 19", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.61", "JPEG Process 20 and 22", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.62", "JPEG Process 21 and 23", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.63", "JPEG Process 24 and 26", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.64", "JPEG Process 25 and 27", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.65", "JPEG Process 28", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.66", "JPEG Process 29", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.70", "JPEG Lossless SV1", .codec = DICOM_CODEC_JPEG},
    {DICOM ".4.80", "JPEG-LS Lossless", .codec = DICOM_CODEC_JPEG_LS},
    {DICOM ".4.81", "JPEG-LS Near-Lossless", .codec = DICOM_CODEC_JPEG_LS},
    {DICOM ".4.90", "JPEG 2000 Lossless", .codec = DICOM_CODEC_JPEG2000},
    {DICOM ".4.91", "JPEG 2000", .codec = DICOM_CODEC_JPEG2000},
    {DICOM ".4.92", "JPEG 2000 Part 2 Lossless", .codec = DICOM_CODEC_JPEG2000},
    {DICOM ".4.93", "JPEG 2000 Part 2", .codec = DICOM_CODEC_JPEG2000},
    {DICOM ".4.100", "MPEG-2 Main Level", .codec = DICOM_CODEC_MPEG2},
    {DICOM ".4.100.1", "MPEG-2 Main Level, fragmentable", .codec = DICOM_CODEC_MPEG2},
    {DICOM ".4.101", "MPEG-2 High Level", .codec = DICOM_CODEC_MPEG2},
    {DICOM ".4.101.1", "MPEG-2 High Level, fragmentable", .codec = DICOM_CODEC_MPEG2},
    {DICOM ".4.102", "H.264 4.1", .codec = DICOM_CODEC_H264},
    {DICOM ".4.102.1", "H.264 4.1, fragmentable", .codec = DICOM_CODEC_H264},
    {DICOM ".4.103", "H.264 4.1 BD-compatible", .codec = DICOM_CODEC_H264},
    {DICOM ".4.103.1", "H.264 4.1 BD-compatible, fragmentable", .codec = DICOM_CODEC_H264},
    {DICOM ".4.104", "H.264 4.2 for 2D", .codec = DICOM_CODEC_H264},
    {DICOM ".4.104.1", "H.264 4.2 for 2D, fragmentable", .codec = DICOM_CODEC_H264},
    {DICOM ".4.105", "H.264 4.2 for 3D", .codec = DICOM_CODEC_H264},
    {DICOM ".4.105.1", "H.264 4.2 for 3D, fragmentable", .codec = DICOM_CODEC_H264},
    {DICOM ".4.106", "H.264 Stereo 4.2", .codec = DICOM_CODEC_H264},
    {DICOM ".4.106.1", "H.264 Stereo 4.2, fragmentable", .codec = DICOM_CODEC_H264},
    {DICOM ".4.107", "HEVC Main 5.1", .codec = DICOM_CODEC_HEVC},
    {DICOM ".4.108", "HEVC Main 10 5.1", .codec = DICOM_CODEC_HEVC},
    {DICOM ".4.110", "JPEG XL Lossless", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.111", "JPEG XL JPEG Recompression", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.112", "JPEG XL", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.201", "HTJ2K Lossless", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.202", "HTJ2K Lossless RPCL", .codec = DICOM_CODEC_MISSING},
    {DICOM ".4.203", "HTJ2K", .codec = DICOM_CODEC_MISSING},
};

const struct dicom_syntax *dicom_syntax_find(const char *uid)
{
    for (size_t i = 0; i < sizeof syntaxes / sizeof *syntaxes; i++)
        if (strcmp(syntaxes[i].uid, uid) == 0)
            return &syntaxes[i];
    return NULL;
}

bool dicom_syntax_encapsulated(const struct dicom_syntax *syntax)
{
    return syntax->codec != DICOM_CODEC_NATIVE;
}

bool dicom_syntax_video(const struct dicom_syntax *syntax)
{
    return syntax->codec >= DICOM_CODEC_MPEG2 && syntax->codec <= DICOM_CODEC_HEVC;
}
