#include "dicom/shim/shim.h"

#include <cstdlib>

#include <dcmtk/dcmdata/dcdicent.h>
#include <dcmtk/dcmdata/dcdict.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/oflog/oflog.h>

extern "C" {
#include "dicom/setup.h"
}

/* (0008,001C) Synthetic Data is newer than DCMTK 3.6.7: without an entry its representation is
 * lost where the encoding does not tell it. */
static void know_synthetic_data()
{
    DcmDataDictionary &dictionary = dcmDataDict.wrlock();
    if (!dictionary.findEntry(DcmTagKey(0x0008, 0x001c), nullptr))
        dictionary.addEntry(new DcmDictEntry(0x0008, 0x001c, EVR_CS, "SyntheticData", 1, 1,
                                             "DICOM/2023b", OFTrue, nullptr));
    dcmDataDict.wrunlock();
}

extern "C" int dicom_setup(struct error *err)
{
    return shim_guard(err, "set up DICOM", [&]() -> int {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        if (!dcmDataDict.isDictionaryLoaded()) {
            error_set(err, STATUS_NOT_FOUND, "cannot load the DICOM data dictionary");
            error_hint(err, "install DCMTK's dicom.dic, or name it in DCMDICTPATH");
            return STATUS_NOT_FOUND;
        }
        know_synthetic_data();
        /* Without it every answer waits some 40 ms for the peer's delayed acknowledgement. */
        setenv("TCP_NODELAY", "1", 1);
        dcmDisableGethostbyaddr.set(OFTrue);
        return 0;
    });
}
