/* One call before anything else in this folder is used. */
#ifndef AXNODE_DICOM_SETUP_H
#define AXNODE_DICOM_SETUP_H

#include "base/error.h"

/* Silence DCMTK's loggers (some print data sets), load the data dictionary, switch off Nagle's algorithm and reverse name look-ups. May be called again; not
 * from two threads at once. A missing data dictionary is STATUS_NOT_FOUND. */
int dicom_setup(struct error *err);

#endif
