#include "dicom/shim/shim.h"

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

static std::unique_ptr<DicomImage> open_frame(DcmDataset &dataset, int frame)
{
    auto image = std::make_unique<DicomImage>(&dataset, dataset.getCurrentXfer(),
                                              CIF_UsePartialAccessToPixelData,
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

static int decode(const char *path, int frame, const struct dicom_limits *limits,
                  struct image *ret_image, struct error *err)
{
    auto shape = std::make_unique<struct dicom_instance>();
    struct dicom_scan scan;
    int r = dicom_instance_read(path, limits, shape.get(), err);
    if (r == 0)
        r = dicom_scan_file(path, limits->object_bytes, &scan, err);
    if (r < 0)
        return r;
    if (!scan.pixels)
        return error_set(err, STATUS_INVALID, "%s: no pixels", path);
    if (frame < 0 || frame >= shape->frames)
        return error_set(err, STATUS_INVALID, "%s: no frame %d of %d", path, frame, shape->frames);
    r = check_shape(&scan, shape.get(), path, err);
    if (r < 0)
        return r;
    DcmFileFormat file;
    OFCondition cond =
        file.loadFile(path, EXS_Unknown, EGL_noChange, DCM_MaxReadLength, ERM_fileOnly);
    if (cond.bad())
        return shim_error(err, STATUS_INVALID, cond, "%s: cannot read the DICOM file", path);
    DcmDataset &dataset = *file.getDataset();
    r = check_decoder(dataset, path, err);
    if (r < 0)
        return r;
    if (dataset.getOriginalXfer() == EXS_RLELossless &&
        (scan.fragments != (uint32_t)shape->frames ||
         !rle_frame_sound(dataset, frame, shape.get())))
        return error_set(err, STATUS_INVALID, "%s: the run-length encoding is damaged", path);
    std::unique_ptr<DicomImage> decoded = open_frame(dataset, frame);
    if (!decoded && decode_all(dataset, &scan, shape.get(), limits))
        decoded = open_frame(dataset, frame);
    if (!decoded)
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded", path);
    return copy_pixels(*decoded, shape.get(), path, ret_image, err);
}

extern "C" int dicom_frame_decode(const char *path, int frame, const struct dicom_limits *limits,
                                  struct image *ret_image, struct error *err)
{
    return shim_guard(err, "decode pixels",
                      [&]() -> int { return decode(path, frame, limits, ret_image, err); });
}
