#include "dicom/shim/shim.h"

#include <cstdlib>

#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/oflog/oflog.h>

extern "C" {
#include "dicom/setup.h"
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
        /* Without it every answer waits some 40 ms for the peer's delayed acknowledgement. */
        setenv("TCP_NODELAY", "1", 1);
        dcmDisableGethostbyaddr.set(OFTrue);
        /* Each registers its codecs once, however often it is called. */
        DJDecoderRegistration::registerCodecs();
        DJLSDecoderRegistration::registerCodecs();
        DcmRLEDecoderRegistration::registerCodecs();
        return 0;
    });
}
