/* Reading a file's header, for the reader and the receiver. */
#ifndef AXNODE_DICOM_HEADER_H
#define AXNODE_DICOM_HEADER_H

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

extern "C" {
#include "dicom/reader.h"
#include "dicom/scan.h"
}

/* Scan the file (dicom/scan.h), then load its data set up to the pixels. `name` stands in
 * messages. */
int header_load(const char *path, const char *name, uint64_t bytes_max, DcmFileFormat &ret_file,
                struct dicom_scan *ret_scan, struct error *err);
/* Fill the four UIDs; missing or malformed ones are STATUS_INVALID. */
int header_read_uids(DcmItem &dataset, const char *name, struct dicom_instance *instance,
                     struct error *err);

#endif
