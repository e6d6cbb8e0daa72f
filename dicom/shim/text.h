/* Texts of a data set as valid UTF-8 without control characters. */
#ifndef AXNODE_DICOM_TEXT_H
#define AXNODE_DICOM_TEXT_H

#include <cstddef>

#include <dcmtk/config/osconfig.h>

#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcspchrs.h>

class TextReader
{
  public:
    /* The character set is the data set's; one that is unknown leaves ASCII. */
    explicit TextReader(DcmItem &dataset);
    /* Value of `tag` in `item` (all values, with '\'), outer blanks removed, cut to `size` at a
     * character's border; "" when absent. Bytes that cannot be converted become '?'. */
    void get(DcmItem &item, const DcmTagKey &tag, char *out, size_t size);
    /* False when absent or no whole number that fits. */
    static bool get_whole(DcmItem &item, const DcmTagKey &tag, long min, long max, int *ret);

  private:
    OFString convert(const OFString &raw);
    DcmSpecificCharacterSet charset_;
    bool known_;
};

/* The last component of the rule above, for texts from elsewhere. */
void text_copy(const char *text, size_t length, char *out, size_t size);

#endif
