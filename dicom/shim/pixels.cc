#include "dicom/shim/shim.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include <dcmtk/dcmdata/dccodec.h>
#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmimage/diregist.h> /* registers the colour models */
#include <dcmtk/dcmimgle/dcmimage.h>

extern "C" {
#include "dicom/reader.h"
#include "dicom/scan.h"
}

/* A native image must be there in full. One byte more is padding; older ultrasound machines add
 * some more, which is harmless. */
static int check_native_length(const struct dicom_scan *scan, const struct dicom_instance *image,
                               const char *path, struct error *err)
{
    uint64_t samples = (uint64_t)image->samples_per_pixel;
    uint64_t pixels = (uint64_t)image->rows * (uint64_t)image->columns * (uint64_t)image->frames;
    uint64_t bits = pixels * samples * (uint64_t)image->bits_allocated;
    if (strcmp(image->photometric, "YBR_FULL_422") == 0 && samples == 3)
        bits = bits / 3 * 2; /* two luminances share their chrominances */
    if (scan->pixel_bytes < (bits + 7) / 8)
        return error_set(err, STATUS_INVALID, "%s: %llu bytes of pixels where %llu belong", path,
                         (unsigned long long)scan->pixel_bytes,
                         (unsigned long long)((bits + 7) / 8));
    return 0;
}

static int check_shape(const struct dicom_scan *scan, const struct dicom_instance *image,
                       const char *path, struct error *err)
{
    int samples = image->samples_per_pixel, bits = image->bits_allocated;
    if (samples != 1 && samples != 3)
        return error_set(err, STATUS_UNSUPPORTED, "%s: %d samples per pixel", path, samples);
    if (bits != 1 && bits != 8 && bits != 16)
        return error_set(err, STATUS_UNSUPPORTED, "%s: %d bits per sample", path, bits);
    if (image->rows > IMAGE_SIDE_MAX || image->columns > IMAGE_SIDE_MAX)
        return error_set(err, STATUS_LIMIT, "%s: %d × %d pixels, a side longer than %d", path,
                         image->rows, image->columns, IMAGE_SIDE_MAX);
    return scan->encapsulated ? 0 : check_native_length(scan, image, path, err);
}

static int copy_pixels(DicomImage &decoded, const struct dicom_instance *shape, const char *path,
                       struct image *ret_image, struct error *err)
{
    bool grey = decoded.isMonochrome();
    struct image image = {};
    if ((int)decoded.getHeight() != shape->rows || (int)decoded.getWidth() != shape->columns)
        return error_set(err, STATUS_INVALID, "%s: the decoded size differs", path);
    int r = image_init(&image, shape->rows, shape->columns, grey ? 1 : 3, err);
    if (r < 0)
        return r;
    /* More than 8 bits need a window: the file's first, else from darkest to brightest. */
    if (grey && shape->bits_allocated > 8 && !decoded.setWindow(0ul))
        decoded.setMinMaxWindow();
    /* DCMTK's own inversion is off by one for some values. */
    bool inverse = grey && strcmp(shape->photometric, "MONOCHROME1") == 0;
    if (inverse)
        decoded.setPolarity(EPP_Reverse);
    size_t size = (size_t)shape->rows * (size_t)shape->columns * (grey ? 1u : 3u);
    if (!decoded.getOutputData(image.pixels, size, 8, 0, 0)) {
        image_release(&image);
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded", path);
    }
    for (size_t i = 0; inverse && i < size; i++)
        image.pixels[i] = static_cast<uint8_t>(255 - image.pixels[i]);
    *ret_image = image;
    return 0;
}

static std::unique_ptr<DicomImage> open_frame(DcmDataset &dataset, int frame, unsigned long flags)
{
    auto image = std::make_unique<DicomImage>(&dataset, dataset.getCurrentXfer(),
                                              CIF_UsePartialAccessToPixelData | flags,
                                              static_cast<unsigned long>(frame), 1);
    return image->getStatus() == EIS_Normal ? std::move(image) : nullptr;
}

/* Where frames are split into fragments without an offset table, only decoding them all finds
 * the wanted one. */
static bool decode_all(DcmDataset &dataset, const struct dicom_scan *scan,
                       const struct dicom_instance *shape, const struct dicom_limits *limits)
{
    uint64_t decoded = (uint64_t)shape->rows * (uint64_t)shape->columns * (uint64_t)shape->frames *
                       (uint64_t)shape->samples_per_pixel;
    return scan->encapsulated && scan->fragments != (uint32_t)shape->frames &&
           decoded <= limits->object_bytes &&
           dataset.chooseRepresentation(EXS_LittleEndianExplicit, nullptr).good();
}

/* Only what DCMTK says it can decode is tried, so that 'unsupported' and 'damaged' differ. */
static int check_decoder(DcmDataset &dataset, const char *path, struct error *err)
{
    DcmXfer syntax(dataset.getOriginalXfer());
    if (syntax.isEncapsulated() &&
        !DcmCodecList::canChangeCoding(syntax.getXfer(), EXS_LittleEndianExplicit))
        return error_set(err, STATUS_UNSUPPORTED, "%s: cannot decode %s", path,
                         syntax.getXferName());
    if (dataset.tagExists(DCM_SegmentedRedPaletteColorLookupTableData) &&
        !dataset.tagExists(DCM_RedPaletteColorLookupTableData))
        return error_set(err, STATUS_UNSUPPORTED, "%s: cannot decode segmented palettes", path);
    return 0;
}

static uint32_t little_endian(const Uint8 *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* PS3.5 annex G. DCMTK 3.6.7 follows the offsets in a frame's header wherever they point: they
 * must rise, stay in the fragment and leave each segment some bytes. */
static bool rle_frame_sound(DcmDataset &dataset, int frame, const struct dicom_instance *shape)
{
    DcmElement *element = nullptr;
    DcmPixelSequence *sequence = nullptr;
    DcmPixelItem *item = nullptr;
    Uint8 *bytes = nullptr;
    uint32_t segments = (uint32_t)(shape->samples_per_pixel * (shape->bits_allocated / 8));
    if (dataset.findAndGetElement(DCM_PixelData, element).bad() ||
        static_cast<DcmPixelData *>(element)
            ->getEncapsulatedRepresentation(EXS_RLELossless, nullptr, sequence)
            .bad() ||
        sequence->getItem(item, static_cast<unsigned long>(frame) + 1).bad() ||
        item->getLength() < 64 || item->getUint8Array(bytes).bad() || !bytes ||
        little_endian(bytes) != segments || segments < 1 || segments > 15)
        return false;
    for (uint32_t i = 1; i <= segments; i++) {
        uint32_t start = little_endian(bytes + 4 * i);
        uint32_t end = i < segments ? little_endian(bytes + 4 * i + 4) : item->getLength();
        if (start < 64 || end > item->getLength() || start > end || end - start < 2)
            return false;
    }
    return true;
}

/* A frame on its way: what the header says, the file, and the frame in DCMTK's hands. */
struct Frame {
    std::unique_ptr<struct dicom_instance> shape = std::make_unique<struct dicom_instance>();
    DcmFileFormat file;
    std::unique_ptr<DicomImage> decoded;
};

/* `flags`: DCMTK's CIF_…, besides partial access. */
static int load_frame(const char *path, int frame, const struct dicom_limits *limits,
                      unsigned long flags, Frame &ret_frame, struct error *err)
{
    struct dicom_instance *shape = ret_frame.shape.get();
    struct dicom_scan scan;
    int r = dicom_instance_read(path, limits, shape, err);
    if (r == 0)
        r = dicom_scan_file(path, limits->object_bytes, &scan, err);
    if (r < 0)
        return r;
    if (!scan.pixels)
        return error_set(err, STATUS_INVALID, "%s: no pixels", path);
    if (frame < 0 || frame >= shape->frames)
        return error_set(err, STATUS_INVALID, "%s: no frame %d of %d", path, frame, shape->frames);
    r = check_shape(&scan, shape, path, err);
    if (r < 0)
        return r;
    OFCondition cond = ret_frame.file.loadFile(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength,
                                               ERM_fileOnly);
    if (cond.bad())
        return shim_error(err, STATUS_INVALID, cond, "%s: cannot read the DICOM file", path);
    DcmDataset &dataset = *ret_frame.file.getDataset();
    r = check_decoder(dataset, path, err);
    if (r < 0)
        return r;
    if (dataset.getOriginalXfer() == EXS_RLELossless &&
        (scan.fragments != (uint32_t)shape->frames || !rle_frame_sound(dataset, frame, shape)))
        return error_set(err, STATUS_INVALID, "%s: the run-length encoding is damaged", path);
    ret_frame.decoded = open_frame(dataset, frame, flags);
    if (!ret_frame.decoded && decode_all(dataset, &scan, shape, limits))
        ret_frame.decoded = open_frame(dataset, frame, flags);
    if (!ret_frame.decoded)
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded", path);
    return 0;
}

extern "C" int dicom_frame_decode(const char *path, int frame, const struct dicom_limits *limits,
                                  struct image *ret_image, struct error *err)
{
    return shim_guard(err, "decode pixels", [&]() -> int {
        Frame loaded;
        int r = load_frame(path, frame, limits, 0, loaded, err);
        return r < 0 ? r : copy_pixels(*loaded.decoded, loaded.shape.get(), path, ret_image, err);
    });
}

/* What ITK's reader (GDCM) makes of stored values. */
struct Rescale {
    double slope = 1, intercept = 0;
};

static int read_rescale(DcmDataset &dataset, const char *path, Rescale &ret_rescale,
                        struct error *err)
{
    Rescale found;
    dataset.findAndGetFloat64(DCM_RescaleSlope, found.slope);
    dataset.findAndGetFloat64(DCM_RescaleIntercept, found.intercept);
    if (!std::isfinite(found.slope) || !std::isfinite(found.intercept))
        return error_set(err, STATUS_INVALID, "%s: the rescale slope or intercept is no number",
                         path);
    if (found.slope == 0)
        found.slope = 1; /* as there */
    ret_rescale = found;
    return 0;
}

/* The narrowest type for values of `bits` bits after rescaling. */
static enum voxel_type type_of(int bits, bool is_signed, const Rescale &rescale)
{
    double slope = rescale.slope, intercept = rescale.intercept;
    if (slope != std::floor(slope) || intercept != std::floor(intercept))
        return VOXEL_DOUBLE;
    double first = (is_signed ? -std::ldexp(1, bits - 1) : 0) * slope + intercept;
    double last = (std::ldexp(1, is_signed ? bits - 1 : bits) - 1) * slope + intercept;
    double low = std::min(first, last), high = std::max(first, last);
    if (low >= 0)
        return high <= UINT8_MAX    ? VOXEL_UINT8
               : high <= UINT16_MAX ? VOXEL_UINT16
               : high <= UINT32_MAX ? VOXEL_UINT32
                                    : VOXEL_DOUBLE;
    return low >= INT8_MIN && high <= INT8_MAX     ? VOXEL_INT8
           : low >= INT16_MIN && high <= INT16_MAX ? VOXEL_INT16
           : low >= INT32_MIN && high <= INT32_MAX ? VOXEL_INT32
                                                   : VOXEL_DOUBLE;
}

static double sample_at(const DiPixel &pixels, size_t i)
{
    const void *data = pixels.getData();
    switch (pixels.getRepresentation()) {
    case EPR_Uint8:
        return static_cast<const Uint8 *>(data)[i];
    case EPR_Sint8:
        return static_cast<const Sint8 *>(data)[i];
    case EPR_Uint16:
        return static_cast<const Uint16 *>(data)[i];
    case EPR_Sint16:
        return static_cast<const Sint16 *>(data)[i];
    case EPR_Uint32:
        return static_cast<const Uint32 *>(data)[i];
    case EPR_Sint32:
        return static_cast<const Sint32 *>(data)[i];
    }
    return 0;
}

static int copy_samples(Frame &frame, const char *path, struct deep_image *ret_image,
                        struct error *err)
{
    DcmDataset &dataset = *frame.file.getDataset();
    Rescale rescale;
    Uint16 stored = 0, is_signed = 0;
    int r = read_rescale(dataset, path, rescale, err);
    if (r < 0)
        return r;
    if (dataset.findAndGetUint16(DCM_BitsStored, stored).bad() || stored < 1 ||
        stored > frame.shape->bits_allocated)
        return error_set(err, STATUS_INVALID, "%s: Bits Stored is missing or wrong", path);
    dataset.findAndGetUint16(DCM_PixelRepresentation, is_signed);
    const DiPixel *pixels = frame.decoded->getInterData();
    size_t count = (size_t)frame.shape->rows * (size_t)frame.shape->columns;
    if ((int)frame.decoded->getHeight() != frame.shape->rows ||
        (int)frame.decoded->getWidth() != frame.shape->columns)
        return error_set(err, STATUS_INVALID, "%s: the decoded size differs", path);
    if (!pixels || !pixels->getData() || pixels->getPlanes() != 1 || pixels->getCount() < count)
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded", path);
    struct deep_image image = {};
    r = deep_image_init(&image, frame.shape->rows, frame.shape->columns,
                        type_of(stored, is_signed != 0, rescale), err);
    if (r < 0)
        return r;
    bool inverse = strcmp(frame.shape->photometric, "MONOCHROME1") == 0;
    double mirror = is_signed ? -1 : std::ldexp(1, stored) - 1; /* lowest and highest, added */
    for (size_t i = 0; i < count; i++) {
        double value = sample_at(*pixels, i);
        image.values[i] = (inverse ? mirror - value : value) * rescale.slope + rescale.intercept;
    }
    *ret_image = image;
    return 0;
}

static int decode_deep(const char *path, int number, const struct dicom_limits *limits,
                       struct deep_image *ret_image, struct error *err)
{
    Frame frame;
    int r = load_frame(path, number, limits, CIF_IgnoreModalityTransformation, frame, err);
    if (r < 0)
        return r;
    if (frame.decoded->isMonochrome())
        return copy_samples(frame, path, ret_image, err);
    if (frame.shape->bits_allocated > 8)
        return error_set(err, STATUS_UNSUPPORTED,
                         "%s: colours of 16 bits: grey of them is not defined here", path);
    struct image colour = {};
    r = copy_pixels(*frame.decoded, frame.shape.get(), path, &colour, err);
    if (r < 0)
        return r;
    r = deep_image_from_image(&colour, ret_image, err);
    image_release(&colour);
    return r;
}

extern "C" int dicom_frame_decode_deep(const char *path, int frame,
                                       const struct dicom_limits *limits,
                                       struct deep_image *ret_image, struct error *err)
{
    return shim_guard(err, "decode pixels", [&]() -> int {
        return decode_deep(path, frame, limits, ret_image, err);
    });
}
