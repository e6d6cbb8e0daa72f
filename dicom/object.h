/* What every DICOM object that we write has in common. Patient and study modules are copied from
 * a source image, sanitised: the source is hostile, the object must be valid all the same. Texts
 * are UTF-8 (ISO_IR 192), whatever the source's character set. Written as explicit little
 * endian, mode 0600; nothing comes from a clock or a random number, so that the same arguments
 * give the same bytes. */
#ifndef AXNODE_DICOM_OBJECT_H
#define AXNODE_DICOM_OBJECT_H

#include <stdint.h>

#include "base/error.h"

/* Manufacturer and Manufacturer's Model Name: this marks objects as our own. */
#define DICOM_OWN_MANUFACTURER "axnode"
/* Objects do not tell which installation made them: same study, same bytes. */
#define DICOM_OWN_SERIAL "UNASSIGNED"

/* A coded concept; static or caller's texts. */
struct dicom_concept {
    const char *value, *scheme, *meaning;
};

/* Another object of the same study. */
struct dicom_reference {
    const char *sop_class_uid, *sop_instance_uid, *series_instance_uid;
    int frame; /* from 1; 0 is the whole object */
};

struct dicom_object {
    const char *source_path; /* a DICOM file; its patient and study are copied */
    const char *sop_instance_uid, *series_instance_uid;
    int series_number;
    int instance_number; /* in its series; 0 counts as 1 */
    const char *series_description;
    const char *software_version;
    char laterality;    /* 'L', 'R', or 0 when unknown */
    int64_t created_us; /* written in the source's Timezone Offset From UTC, or else in UTC */
};

/* dicom_object.created_us back from a file that was written with it. STATUS_INVALID: the file
 * holds no such time. */
int dicom_object_created(const char *path, int64_t *ret_created_us, struct error *err);

#endif
