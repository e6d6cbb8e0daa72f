// What the object writers share: clean texts, and the modules every object has.
#ifndef AXNODE_DICOM_SHIM_OBJECT_H
#define AXNODE_DICOM_SHIM_OBJECT_H

#include <memory>

extern "C" {
#include "dicom/object.h"
}
#include "dicom/shim/shim.h"
#include "dicom/shim/text.h"

namespace object
{

const size_t LO_MAX = 64; // characters of a Long String

// Valid UTF-8 without control characters (new lines stay with `lines`) and backslashes, at most
// `max` characters, no outer blanks. NULL gives "".
OFString clean(const char *text, size_t max, bool lines = false);

// The image whose patient and study an object shares; hostile.
class Source
{
  public:
    // Throws ShimFailure when the file cannot be read or has no valid Study Instance UID.
    explicit Source(const char *path);
    const OFString &study() const
    {
        return study_;
    }
    // The first value as UTF-8 without control characters; "" when absent.
    OFString text(const DcmTagKey &tag);

  private:
    DcmFileFormat file_;
    std::unique_ptr<TextReader> reader_;
    OFString study_;
};

// Says what the designator of our own codes, 99AXNODE, stands for (PS3.3 C.12.1): for objects that
// may hold some.
void name_codes(ShimItem to);

// Puts identity, patient, study, series, equipment and dates onto `dataset`, which holds the
// rest. Throws ShimFailure.
void stamp(const struct dicom_object &object, Source &source, DcmDataset &dataset);

} // namespace object

#endif
