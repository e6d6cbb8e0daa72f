#include "dicom/shim/shim.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

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

void ShimItem::text(const DcmTagKey &tag, const char *value)
{
    shim_check(item_.putAndInsertString(tag, value ? value : ""));
}

void ShimItem::text_unless_empty(const DcmTagKey &tag, const char *value)
{
    if (value && *value)
        text(tag, value);
}

void ShimItem::whole(const DcmTagKey &tag, long value)
{
    text(tag, std::to_string(value).c_str());
}

void ShimItem::us(const DcmTagKey &tag, int value)
{
    shim_check(item_.putAndInsertUint16(tag, static_cast<Uint16>(value)));
}

void ShimItem::ul(const DcmTagKey &tag, unsigned long value)
{
    shim_check(item_.putAndInsertUint32(tag, static_cast<Uint32>(value)));
}

void ShimItem::fd(const DcmTagKey &tag, double value)
{
    shim_check(item_.putAndInsertFloat64(tag, value));
}

ShimItem ShimItem::item(const DcmTagKey &sequence)
{
    DcmItem *made = nullptr;
    shim_check(item_.findOrCreateSequenceItem(sequence, made, -2)); /* -2: append */
    return ShimItem(*made);
}

ShimItem ShimItem::code(const DcmTagKey &sequence, const char *value, const char *scheme,
                        const char *meaning)
{
    ShimItem code = item(sequence);
    code.text(DCM_CodeValue, value);
    code.text(DCM_CodingSchemeDesignator, scheme);
    code.text(DCM_CodeMeaning, meaning);
    return code;
}

static const Uint64 WRITE_BACK_BYTES = 512 << 10;

offile_off_t ShimConsumer::write(const void *bytes, offile_off_t n)
{
    taken_ += static_cast<Uint64>(n);
    if (over_limit() || errno_)
        return n;
    const char *at = static_cast<const char *>(bytes);
    size_t size = static_cast<size_t>(n);
    if (digest_)
        digest_add(digest_, at, size);
    if (fd_ < 0)
        return n;
    if (gathered_ + size > GATHER_BYTES)
        finish();
    if (size >= GATHER_BYTES) {
        put(at, size);
    } else {
        memcpy(gather_ + gathered_, at, size);
        gathered_ += size;
    }
    return n;
}

int ShimConsumer::finish()
{
    put(gather_, gathered_);
    gathered_ = 0;
    return errno_;
}

void ShimConsumer::put(const char *at, size_t left)
{
    while (left > 0 && errno_ == 0) {
        ssize_t done = ::write(fd_, at, left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            errno_ = errno;
            return;
        }
        at += done;
        left -= static_cast<size_t>(done);
        written_ += static_cast<Uint64>(done);
    }
    if (written_ >= sent_back_ + WRITE_BACK_BYTES)
        write_back();
}

void ShimConsumer::write_back()
{
    Uint64 end = written_ / PAGE_BYTES * PAGE_BYTES;
    if (end <= sent_back_)
        return;
    sync_file_range(fd_, static_cast<off_t>(sent_back_), static_cast<off_t>(end - sent_back_),
                    SYNC_FILE_RANGE_WRITE);
    sent_back_ = end;
}

void shim_meta_fill(DcmMetaInfo &meta, const char *sop_class_uid, const char *sop_instance_uid,
                    const char *transfer_syntax_uid)
{
    static const Uint8 version[2] = {0, 1};
    ShimItem out(meta);
    out.ul(DCM_FileMetaInformationGroupLength, 0);
    shim_check(meta.putAndInsertUint8Array(DCM_FileMetaInformationVersion, version, 2));
    out.text(DCM_MediaStorageSOPClassUID, sop_class_uid);
    out.text(DCM_MediaStorageSOPInstanceUID, sop_instance_uid);
    out.text(DCM_TransferSyntaxUID, transfer_syntax_uid);
    out.text(DCM_ImplementationClassUID, SHIM_IMPLEMENTATION_CLASS_UID);
    out.text(DCM_ImplementationVersionName, SHIM_IMPLEMENTATION_VERSION);
}

void shim_meta_write(DcmMetaInfo &meta, DcmOutputStream &stream)
{
    shim_check(meta.computeGroupLengthAndPadding(EGL_withGL, EPD_noChange, EXS_LittleEndianExplicit,
                                                 EET_ExplicitLength));
    meta.transferInit();
    shim_check(meta.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr));
    meta.transferEnd();
}

static void dataset_write(DcmDataset &dataset, DcmOutputStream &stream)
{
    OFString sop_class, sop_instance;
    shim_check(dataset.findAndGetOFString(DCM_SOPClassUID, sop_class));
    shim_check(dataset.findAndGetOFString(DCM_SOPInstanceUID, sop_instance));
    DcmMetaInfo meta;
    shim_meta_fill(meta, sop_class.c_str(), sop_instance.c_str(),
                   UID_LittleEndianExplicitTransferSyntax);
    shim_meta_write(meta, stream);
    DcmWriteCache cache;
    dataset.transferInit();
    shim_check(dataset.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, &cache,
                             EGL_withoutGL, EPD_withoutPadding));
    dataset.transferEnd();
}

int shim_file_write(DcmDataset &dataset, const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot create DICOM file %s", path);
    ShimConsumer consumer(fd, nullptr);
    ShimStream stream(consumer);
    int r = shim_guard(err, "write DICOM file", [&]() -> int {
        dataset_write(dataset, stream);
        return 0;
    });
    if (r == 0 && consumer.finish() != 0)
        r = error_set_errno(err, STATUS_IO, consumer.finish(), "cannot write DICOM file %s", path);
    if (close(fd) != 0 && r == 0)
        r = error_set_errno(err, STATUS_IO, errno, "cannot write DICOM file %s", path);
    if (r < 0)
        unlink(path);
    return r;
}
