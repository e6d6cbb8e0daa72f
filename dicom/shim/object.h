// What the object writers share: clean texts, the modules every object has, writing.
#ifndef AXNODE_DICOM_SHIM_OBJECT_H
#define AXNODE_DICOM_SHIM_OBJECT_H

#include <exception>
#include <new>

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"

#include "base/error.h"
#include "dicom/object.h"

namespace object {

// Valid UTF-8 without control characters (new lines stay with `lines`) and backslashes, at most
// `max` characters, no outer blanks. NULL gives "".
OFString clean(const char *text, size_t max, bool lines = false);
// A Person Name: up to three groups of 64 characters, up to five components each.
OFString clean_name(const char *text);

// DCMTK's refusals travel as exceptions up to guard().
struct Fault : std::exception {
    OFString text;
    Fault(const char *what, const OFCondition &condition)
        : text(OFString(what) + ": " + condition.text())
    {
    }
    const char *what() const noexcept override { return text.c_str(); }
};

inline void check(const OFCondition &condition, const char *what)
{
    if (condition.bad())
        throw Fault(what, condition);
}

void put(DcmItem &item, const DcmTagKey &tag, const OFString &value);

// Stamps identity, patient, study, series, equipment and dates onto `dataset`, which holds the
// rest, and writes it. 0 or a negative status.
int save(const struct dicom_object &object, DcmFileFormat &file, const char *path,
         struct error *err);

// Runs a writer's work; no exception leaves. `kind` is "report", "segmentation" …
template <typename Work> int guard(const char *kind, struct error *err, Work work)
{
    try {
        return work();
    } catch (const std::bad_alloc &) {
        return error_set(err, STATUS_NOMEM, "cannot make the %s: out of memory", kind);
    } catch (const std::exception &fault) {
        return error_set(err, STATUS_INVALID, "cannot make the %s: %s", kind, fault.what());
    } catch (...) {
        return error_set(err, STATUS_INTERNAL, "cannot make the %s", kind);
    }
}

} // namespace object

#endif
