extern "C" {
#include "dicom/seg.h"
#include "dicom/seg_read.h"
}

#include <cstdlib>
#include <cstring>
#include <vector>

#include "dicom/shim/shim.h"

namespace
{

struct Frame {
    char tracking_id[65], tracking_uid[UID_SIZE], image[UID_SIZE];
    int number; // of the image's frame, 0: the whole object
};

template <size_t SIZE> bool get(DcmItem &item, const DcmTagKey &tag, char (&out)[SIZE])
{
    OFString value;
    if (item.findAndGetOFString(tag, value).bad() || value.empty() || value.size() >= SIZE)
        return false;
    memcpy(out, value.c_str(), value.size() + 1);
    return true;
}

DcmItem *first_item(DcmItem &item, const DcmTagKey &sequence)
{
    DcmItem *found = NULL;
    return item.findAndGetSequenceItem(sequence, found, 0).good() ? found : NULL;
}

// The segment with this number; their order need not be that of the numbers.
DcmItem *find_segment(DcmItem &data, Uint16 number)
{
    DcmItem *segment = NULL;
    for (long i = 0; data.findAndGetSequenceItem(DCM_SegmentSequence, segment, i).good(); i++) {
        Uint16 is = 0;
        if (segment->findAndGetUint16(DCM_SegmentNumber, is).good() && is == number)
            return segment;
    }
    return NULL;
}

// What frame `index` shows; false when it does not say.
bool read_frame(DcmItem &data, long index, Frame &ret_frame)
{
    DcmItem *groups = NULL;
    Uint16 number = 0;
    Sint32 image_frame = 0;
    if (data.findAndGetSequenceItem(DCM_PerFrameFunctionalGroupsSequence, groups, index).bad())
        return false;
    DcmItem *id = first_item(*groups, DCM_SegmentIdentificationSequence);
    DcmItem *derivation = first_item(*groups, DCM_DerivationImageSequence);
    DcmItem *source = derivation ? first_item(*derivation, DCM_SourceImageSequence) : NULL;
    if (!id || !source || id->findAndGetUint16(DCM_ReferencedSegmentNumber, number).bad())
        return false;
    DcmItem *segment = find_segment(data, number);
    if (source->findAndGetSint32(DCM_ReferencedFrameNumber, image_frame).bad())
        image_frame = 0;
    ret_frame.number = image_frame;
    return segment && get(*segment, DCM_TrackingID, ret_frame.tracking_id) &&
           get(*segment, DCM_TrackingUID, ret_frame.tracking_uid) &&
           uid_valid(ret_frame.tracking_uid) &&
           get(*source, DCM_ReferencedSOPInstanceUID, ret_frame.image) && image_frame >= 0;
}

bool same_place(const seg_outline &outline, const Frame &frame)
{
    return strcmp(outline.tracking_uid, frame.tracking_uid) == 0 &&
           strcmp(outline.sop_instance_uid, frame.image) == 0 && outline.frame == frame.number;
}

// Owns outlines until they are handed over.
class Outlines
{
  public:
    ~Outlines()
    {
        for (seg_outline &outline : list_)
            mask_release(&outline.mask);
    }
    // The outline that the frame belongs to; a new one has an empty mask. Throws bad_alloc.
    seg_outline *find(const Frame &frame, int rows, int columns)
    {
        for (seg_outline &outline : list_)
            if (same_place(outline, frame))
                return &outline;
        if (list_.size() == SEG_OUTLINES_MAX)
            return NULL;
        seg_outline outline = {};
        memcpy(outline.tracking_id, frame.tracking_id, sizeof outline.tracking_id);
        memcpy(outline.tracking_uid, frame.tracking_uid, sizeof outline.tracking_uid);
        memcpy(outline.sop_instance_uid, frame.image, sizeof outline.sop_instance_uid);
        outline.frame = frame.number;
        list_.reserve(SEG_OUTLINES_MAX);
        if (mask_init(&outline.mask, rows, columns, NULL) < 0)
            throw std::bad_alloc();
        list_.push_back(outline);
        return &list_.back();
    }
    void hand_over(seg_outline **ret_outlines, size_t *ret_count)
    {
        seg_outline *array =
            static_cast<seg_outline *>(calloc(list_.size() + 1, sizeof *array));
        if (!array)
            throw std::bad_alloc();
        for (size_t i = 0; i < list_.size(); i++)
            array[i] = list_[i];
        *ret_count = list_.size();
        *ret_outlines = array;
        list_.clear();
    }

  private:
    std::vector<seg_outline> list_;
};

} // namespace

int seg_read(const char *path, struct seg_outline **ret_outlines, size_t *ret_count,
             struct error *err)
{
    return shim_guard(err, "read a segmentation", [&]() -> int {
        DcmFileFormat file;
        shim_check(file.loadFile(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength));
        DcmDataset &data = *file.getDataset();
        OFString type;
        Uint16 rows = 0, columns = 0;
        Sint32 frames = 0;
        const Uint8 *bits = NULL;
        unsigned long bytes = 0;
        if (data.findAndGetOFString(DCM_SegmentationType, type).bad() || type != "BINARY" ||
            data.findAndGetUint16(DCM_Rows, rows).bad() ||
            data.findAndGetUint16(DCM_Columns, columns).bad() ||
            data.findAndGetSint32(DCM_NumberOfFrames, frames).bad() ||
            data.findAndGetUint8Array(DCM_PixelData, bits, &bytes).bad() || !bits)
            return error_set(err, STATUS_INVALID, "not a binary segmentation");
        if (rows < 1 || columns < 1 || rows > IMAGE_SIDE_MAX || columns > IMAGE_SIDE_MAX ||
            frames < 1 || frames > SEG_OUTLINES_MAX)
            return error_set(err, STATUS_LIMIT, "a segmentation of too many or too large frames");
        const size_t pixels = size_t(rows) * columns;
        if (pixels * size_t(frames) > size_t(bytes) * 8)
            return error_set(err, STATUS_INVALID, "a segmentation with too few pixels");
        Outlines outlines;
        for (long i = 0; i < frames; i++) {
            Frame frame;
            seg_outline *outline =
                read_frame(data, i, frame) ? outlines.find(frame, rows, columns) : NULL;
            for (size_t k = 0; outline && k < pixels; k++) {
                const size_t at = size_t(i) * pixels + k; // frames follow without padding
                outline->mask.pixels[k] |= bits[at / 8] >> at % 8 & 1;
            }
        }
        outlines.hand_over(ret_outlines, ret_count);
        return 0;
    });
}

void seg_outlines_free(struct seg_outline *outlines, size_t count)
{
    for (size_t i = 0; outlines && i < count; i++)
        mask_release(&outlines[i].mask);
    free(outlines);
}
