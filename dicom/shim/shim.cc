#include "dicom/shim/shim.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

extern "C" {
#include "base/number.h"
}

int shim_error(struct error *err, int status, const OFCondition &why, const char *format, ...)
{
    char message[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    error_set(err, status, "%s", message);
    error_detail(err, "%s", why.text());
    return status;
}

void ShimItem::keep(const OFCondition &condition)
{
    if (parent_)
        parent_->keep(condition);
    else if (condition_.good())
        condition_ = condition;
}

void ShimItem::text(const DcmTagKey &tag, const char *value)
{
    keep(item_.putAndInsertString(tag, value ? value : ""));
}

void ShimItem::text_unless_empty(const DcmTagKey &tag, const char *value)
{
    if (value && *value)
        text(tag, value);
}

void ShimItem::whole(const DcmTagKey &tag, long value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", value);
    text(tag, digits);
}

void ShimItem::us(const DcmTagKey &tag, int value)
{
    keep(item_.putAndInsertUint16(tag, static_cast<Uint16>(value)));
}

void ShimItem::ul(const DcmTagKey &tag, unsigned long value)
{
    keep(item_.putAndInsertUint32(tag, static_cast<Uint32>(value)));
}

void ShimItem::fd(const DcmTagKey &tag, double value)
{
    keep(item_.putAndInsertFloat64(tag, value));
}

ShimItem ShimItem::item(const DcmTagKey &sequence)
{
    DcmItem *made = nullptr;
    keep(item_.findOrCreateSequenceItem(sequence, made, -2)); /* -2: append */
    return ShimItem(made ? *made : lone_, this);
}

void ShimItem::code(const DcmTagKey &sequence, const char *value, const char *scheme,
                    const char *meaning)
{
    ShimItem code = item(sequence);
    code.text(DCM_CodeValue, value);
    code.text(DCM_CodingSchemeDesignator, scheme);
    code.text(DCM_CodeMeaning, meaning);
}

offile_off_t ShimConsumer::write(const void *bytes, offile_off_t n)
{
    taken_ += static_cast<Uint64>(n);
    if (over_limit() || errno_)
        return n;
    const char *at = static_cast<const char *>(bytes);
    size_t left = static_cast<size_t>(n);
    if (digest_)
        digest_add(digest_, at, left);
    while (fd_ >= 0 && left > 0) {
        ssize_t done = ::write(fd_, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            errno_ = errno;
            return n;
        }
        at += done;
        left -= static_cast<size_t>(done);
    }
    return n;
}

OFCondition shim_meta_fill(DcmMetaInfo &meta, const char *sop_class_uid,
                           const char *sop_instance_uid, const char *transfer_syntax_uid)
{
    static const Uint8 version[2] = {0, 1};
    ShimItem out(meta);
    out.ul(DCM_FileMetaInformationGroupLength, 0);
    out.keep(meta.putAndInsertUint8Array(DCM_FileMetaInformationVersion, version, 2));
    out.text(DCM_MediaStorageSOPClassUID, sop_class_uid);
    out.text(DCM_MediaStorageSOPInstanceUID, sop_instance_uid);
    out.text(DCM_TransferSyntaxUID, transfer_syntax_uid);
    out.text(DCM_ImplementationClassUID, SHIM_IMPLEMENTATION_CLASS_UID);
    out.text(DCM_ImplementationVersionName, SHIM_IMPLEMENTATION_VERSION);
    return out.condition();
}

OFCondition shim_meta_write(DcmMetaInfo &meta, DcmOutputStream &stream)
{
    OFCondition cond = meta.computeGroupLengthAndPadding(
        EGL_withGL, EPD_noChange, EXS_LittleEndianExplicit, EET_ExplicitLength);
    if (cond.good()) {
        meta.transferInit();
        cond = meta.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr);
        meta.transferEnd();
    }
    return cond;
}

static int file_fill(DcmDataset &dataset, int fd, const char *path, struct error *err)
{
    OFString sop_class, sop_instance;
    dataset.findAndGetOFString(DCM_SOPClassUID, sop_class);
    dataset.findAndGetOFString(DCM_SOPInstanceUID, sop_instance);
    DcmMetaInfo meta;
    OFCondition cond = shim_meta_fill(meta, sop_class.c_str(), sop_instance.c_str(),
                                      UID_LittleEndianExplicitTransferSyntax);
    ShimConsumer consumer(fd, nullptr);
    ShimStream stream(consumer);
    if (cond.good())
        cond = shim_meta_write(meta, stream);
    if (cond.good()) {
        DcmWriteCache cache;
        dataset.transferInit();
        cond = dataset.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, &cache,
                             EGL_withoutGL, EPD_withoutPadding);
        dataset.transferEnd();
    }
    if (cond.bad())
        return shim_error(err, STATUS_INVALID, cond, "cannot write DICOM file %s", path);
    if (consumer.write_errno())
        return error_set_errno(err, STATUS_IO, consumer.write_errno(), "cannot write DICOM file %s",
                               path);
    return 0;
}

int shim_file_write(DcmDataset &dataset, const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot create DICOM file %s", path);
    int r = file_fill(dataset, fd, path, err);
    if (close(fd) != 0 && r == 0)
        r = error_set_errno(err, STATUS_IO, errno, "cannot write DICOM file %s", path);
    if (r < 0)
        unlink(path);
    return r;
}
