/* Reading a file's header, for the reader and the receiver. */
#ifndef AXNODE_DICOM_HEADER_H
#define AXNODE_DICOM_HEADER_H

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>

extern "C" {
#include "dicom/reader.h"
#include "dicom/scan.h"
}

/* A file whose header is loaded: its data set up to the pixels. Values that are large stay in the
 * file until they are asked for, so the file stays open. */
class Header
{
  public:
    Header() = default;
    Header(const Header &) = delete;
    Header &operator=(const Header &) = delete;
    ~Header();
    /* Scan (dicom/scan.h), then load. `name` stands in messages. A transfer syntax that nothing
     * here knows is STATUS_UNSUPPORTED. */
    int load(const char *path, const char *name, uint64_t bytes_max, struct error *err);
    /* The same with the pixels. */
    int load_whole(const char *path, uint64_t bytes_max, struct error *err);
    DcmDataset &dataset()
    {
        return *file_.getDataset();
    }
    DcmMetaInfo &meta()
    {
        return *file_.getMetaInfo();
    }
    int fd() const
    {
        return fd_;
    }
    /* As the data set stands in `fd`; syntaxes newer than DCMTK look like another of their kind. */
    E_TransferSyntax encoding() const
    {
        return encoding_;
    }
    struct dicom_scan scan = {};

  private:
    int open(const char *path, const char *name, uint64_t bytes_max, struct error *err);
    OFCondition read(const DcmTagKey &until);
    DcmFileFormat file_;
    E_TransferSyntax encoding_ = EXS_Unknown;
    int fd_ = -1;
};

/* Fill `ret_instance` from a loaded header. */
int header_read_instance(Header &header, const struct dicom_limits *limits, const char *name,
                         struct dicom_instance *ret_instance, struct error *err);
/* Fill the four UIDs; missing or malformed ones are STATUS_INVALID. */
int header_read_uids(DcmItem &dataset, const char *name, struct dicom_instance *instance,
                     struct error *err);

#endif
