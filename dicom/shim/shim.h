/* What the sources of this folder share: DCMTK's conditions and exceptions as errors, output
 * streams, file meta information. C++ only; nothing here leaves the folder.
 *
 * Every exported function runs its body in shim_guard, so no exception reaches C:
 *   int sr_write(…) { return shim_guard(err, "write SR", [&]() -> int { … }); } */
#ifndef AXNODE_DICOM_SHIM_H
#define AXNODE_DICOM_SHIM_H

#include <exception>
#include <new>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcostrma.h>
#include <dcmtk/dcmdata/dcwcache.h>

extern "C" {
#include "base/digest.h"
#include "base/error.h"
}

/* 2.25 UIDs derived (base/uid.h) from the digest of "axnode", with the purposes
 * "implementation-class" and "private-information". */
#define SHIM_IMPLEMENTATION_CLASS_UID "2.25.178240806382318161760053205393846588530"
#define SHIM_IMPLEMENTATION_VERSION "AXNODE"
#define SHIM_PRIVATE_INFORMATION_UID "2.25.267855563021282477260596335406917019851"

/* Thrown by shim_check and ShimItem: DCMTK refused something. */
struct ShimFailure {
    OFCondition why;
};
inline void shim_check(const OFCondition &condition)
{
    if (condition.bad())
        throw ShimFailure{condition};
}

/* `status` with a message; the condition's text becomes its detail. */
int shim_error(struct error *err, int status, const OFCondition &why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Run `body`; `what` as in "cannot WHAT". A ShimFailure becomes STATUS_INVALID. */
template <class Body> int shim_guard(struct error *err, const char *what, Body body) noexcept
{
    try {
        return body();
    } catch (const ShimFailure &failure) {
        return shim_error(err, STATUS_INVALID, failure.why, "cannot %s", what);
    } catch (const std::bad_alloc &) {
        return error_set(err, STATUS_NOMEM, "cannot %s: out of memory", what);
    } catch (const std::exception &e) {
        error_set(err, STATUS_INTERNAL, "cannot %s: a library failed", what);
        error_detail(err, "%s", e.what());
        return STATUS_INTERNAL;
    } catch (...) {
        return error_set(err, STATUS_INTERNAL, "cannot %s: a library failed", what);
    }
}

/* Inserts attributes into a data set or item; throws ShimFailure when DCMTK refuses. */
class ShimItem
{
  public:
    explicit ShimItem(DcmItem &item) : item_(item)
    {
    }
    /* UTF-8; NULL counts as "". */
    void text(const DcmTagKey &tag, const char *value);
    void text_unless_empty(const DcmTagKey &tag, const char *value);
    void whole(const DcmTagKey &tag, long value); /* IS */
    void us(const DcmTagKey &tag, int value);
    void ul(const DcmTagKey &tag, unsigned long value);
    void fd(const DcmTagKey &tag, double value);
    /* A new last item of a sequence. */
    ShimItem item(const DcmTagKey &sequence);
    /* A sequence of one code; returns its item. */
    ShimItem code(const DcmTagKey &sequence, const char *value, const char *scheme,
                  const char *meaning);
    DcmItem &raw()
    {
        return item_;
    }

  private:
    DcmItem &item_;
};

/* Where bytes go: a file, a digest, or both. With a limit, bytes beyond it are taken but thrown
 * away, likewise after a failed write, so that a peer's message can be read to its end. DCMTK offers
 * a header in pieces of two bytes: pieces are gathered, and in the file after finish(). */
class ShimConsumer : public DcmConsumer
{
  public:
    /* fd -1: none; digest NULL: none. Both stay the caller's. */
    ShimConsumer(int fd, struct digest *digest, Uint64 limit = ~Uint64(0))
        : fd_(fd), digest_(digest), limit_(limit)
    {
    }
    OFBool good() const override
    {
        return OFTrue;
    }
    OFCondition status() const override
    {
        return EC_Normal;
    }
    OFBool isFlushed() const override
    {
        return OFTrue;
    }
    offile_off_t avail() const override
    {
        return 1 << 30;
    }
    offile_off_t write(const void *bytes, offile_off_t n) override;
    void flush() override
    {
    }

    Uint64 taken() const
    {
        return taken_;
    } /* bytes offered */
    bool over_limit() const
    {
        return taken_ > limit_;
    }
    /* So far beyond the limit that a peer is no longer worth listening to. */
    bool flooded() const
    {
        return taken_ > limit_ && taken_ - limit_ > Uint64(4) << 30;
    }
    /* All that was offered is in the file: 0, or the errno of the write that failed. */
    int finish();
    /* While more arrives, or is looked at, the disk takes what is here, so that the sync at the end
     * has less to wait for. Up to a whole page: one that grows would go twice. A hint: what fails
     * here, fails there again. */
    void write_back();

  private:
    void put(const char *at, size_t left);

    static const size_t GATHER_BYTES = 64 << 10;
    static const Uint64 PAGE_BYTES = 4096;
    int fd_;
    struct digest *digest_;
    Uint64 limit_, taken_ = 0;
    /* In this file; of these, on their way to the disk. The first page waits for the end, since a
     * receiver writes the time of receipt there last. */
    Uint64 written_ = 0, sent_back_ = PAGE_BYTES;
    int errno_ = 0;
    size_t gathered_ = 0;
    char gather_[GATHER_BYTES];
};

class ShimStream : public DcmOutputStream
{
  public:
    explicit ShimStream(ShimConsumer &consumer) : DcmOutputStream(&consumer)
    {
    }
};

/* File meta information that depends on nothing but its arguments. The caller may add elements
 * and then calls shim_meta_write. Both throw ShimFailure. */
void shim_meta_fill(DcmMetaInfo &meta, const char *sop_class_uid, const char *sop_instance_uid,
                    const char *transfer_syntax_uid);
void shim_meta_write(DcmMetaInfo &meta, DcmOutputStream &stream);

/* A whole file, explicit little endian, mode 0600, replacing another. The same data set gives
 * the same bytes. Not durable. The data set must hold SOP Class and SOP Instance UID. */
int shim_file_write(DcmDataset &dataset, const char *path, struct error *err);

#endif
