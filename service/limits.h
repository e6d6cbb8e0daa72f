/* The settings' limits of a DICOM object, as dicom/ wants them. */
#ifndef AXNODE_SERVICE_LIMITS_H
#define AXNODE_SERVICE_LIMITS_H

#include "dicom/reader.h"
#include "service/settings.h"

static inline struct dicom_limits limits_of_objects(const struct settings *settings)
{
    return (struct dicom_limits){.object_bytes = (uint64_t)settings->limits.object_mib << 20,
                                 .frames = settings->limits.frames,
                                 .frame_pixels = (uint64_t)settings->limits.frame_pixels};
}

#endif
