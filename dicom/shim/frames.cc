#include "dicom/shim/header.h"
#include "dicom/shim/shim.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <dcmtk/dcmdata/dcpixseq.h>
#include <dcmtk/dcmdata/dcpxitem.h>
#include <dcmtk/dcmdata/dcrledrg.h>
#include <dcmtk/dcmimage/diregist.h> /* registers the colour models */
#include <dcmtk/dcmimgle/dcmimage.h>
#include <dcmtk/dcmjpeg/djdecode.h>
#include <dcmtk/dcmjpls/djdecode.h>

extern "C" {
#include "base/buffer.h"
#include "dicom/fragments.h"
#include "dicom/jpeg2000.h"
#include "dicom/palette.h"
#include "dicom/video.h"
}

/* Of one frame. */
static uint64_t native_bits(const struct dicom_instance *image)
{
    uint64_t samples = (uint64_t)image->samples_per_pixel;
    uint64_t pixels = (uint64_t)image->rows * (uint64_t)image->columns;
    if (samples == 3 && (strcmp(image->photometric, "YBR_FULL_422") == 0 ||
                         strcmp(image->photometric, "YBR_PARTIAL_422") == 0))
        samples = 2; /* two luminances share their chrominances */
    return pixels * samples * (uint64_t)image->bits_allocated;
}

/* A native image must be there in full. One byte more is padding; older ultrasound machines add
 * some more, which is harmless. */
static int check_native_length(const struct dicom_scan *scan, const struct dicom_instance *image,
                               const char *path, struct error *err)
{
    uint64_t bits = native_bits(image) * (uint64_t)image->frames;
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

static uint32_t little_endian(const Uint8 *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* PS3.5 annex G. DCMTK 3.6.7 follows the offsets in a frame's header wherever they point: they
 * must rise, stay in the frame and leave each segment some bytes. */
static bool rle_sound(const struct buffer &stored, const struct dicom_instance *shape)
{
    const Uint8 *bytes = reinterpret_cast<const Uint8 *>(stored.data);
    uint32_t segments = (uint32_t)(shape->samples_per_pixel * (shape->bits_allocated / 8));
    if (stored.size < 64 || little_endian(bytes) != segments || segments < 1 || segments > 15)
        return false;
    for (uint32_t i = 1; i <= segments; i++) {
        uint32_t start = little_endian(bytes + 4 * i);
        uint64_t end = i < segments ? little_endian(bytes + 4 * i + 4) : stored.size;
        if (start < 64 || end > stored.size || start > end || end - start < 2)
            return false;
    }
    return true;
}

struct dicom_frames {
    ~dicom_frames()
    {
        video_close(video);
        fragments_close(fragments);
        buffer_release(&stored);
    }
    std::string path;
    struct dicom_limits limits = {};
    Header header;
    struct dicom_instance instance = {};
    const struct dicom_syntax *syntax = nullptr;
    /* What of the header tells how pixels are meant, to which a frame's pixels are added. */
    DcmDataset meaning;
    struct fragments *fragments = nullptr; /* of compressed pixels */
    struct video *video = nullptr;
    int video_next = 0; /* the frame that the video gives next */
    int next = 0;
    struct buffer stored = {}; /* one frame's bytes as they stand in the file */
};

/* Only groups with a say in pixels; overlays and what is private stay behind. */
static void copy_meaning(DcmDataset &from, DcmDataset &to)
{
    for (DcmObject *next = from.nextInContainer(nullptr); next; next = from.nextInContainer(next)) {
        Uint16 group = next->getGTag();
        if (group == 0x0028 || group == 0x2050)
            shim_check(to.insert(static_cast<DcmElement *>(next->clone()), OFTrue));
    }
}

/* DCMTK knows palettes in full only. */
static int expand_palette(DcmDataset &meaning, const DcmTagKey &descriptor,
                          const DcmTagKey &segmented, const DcmTagKey &full, struct error *err)
{
    const Uint16 *words = nullptr;
    unsigned long n = 0;
    Uint16 entries = 0, first = 0, bits = 0;
    if (meaning.findAndGetUint16(descriptor, entries, 0).bad() ||
        meaning.findAndGetUint16(descriptor, first, 1).bad() ||
        meaning.findAndGetUint16(descriptor, bits, 2).bad() || (bits != 8 && bits != 16) ||
        meaning.findAndGetUint16Array(segmented, words, &n).bad() || !words)
        return error_set(err, STATUS_INVALID, "the segmented palette is damaged");
    std::vector<Uint16> segments;
    for (unsigned long i = 0; i < n; i++) {
        if (bits == 8) {
            segments.push_back(words[i] & 0xff);
            segments.push_back(static_cast<Uint16>(words[i] >> 8));
        } else {
            segments.push_back(words[i]);
        }
    }
    std::vector<Uint16> values(entries ? entries : 65536u);
    int r =
        palette_expand(segments.data(), segments.size(), bits, values.size(), values.data(), err);
    if (r < 0)
        return r;
    if (bits == 8) { /* DCMTK has several opinions on how these are packed */
        for (Uint16 &value : values)
            value = static_cast<Uint16>(value << 8 | value);
        const Uint16 words_of_16[] = {entries, first, 16};
        shim_check(meaning.putAndInsertUint16Array(descriptor, words_of_16, 3));
    }
    shim_check(meaning.putAndInsertUint16Array(full, values.data(), values.size()));
    return 0;
}

static int expand_palettes(DcmDataset &meaning, const char *path, struct error *err)
{
    static const DcmTagKey tags[][3] = {
        {DCM_RedPaletteColorLookupTableDescriptor, DCM_SegmentedRedPaletteColorLookupTableData,
         DCM_RedPaletteColorLookupTableData},
        {DCM_GreenPaletteColorLookupTableDescriptor, DCM_SegmentedGreenPaletteColorLookupTableData,
         DCM_GreenPaletteColorLookupTableData},
        {DCM_BluePaletteColorLookupTableDescriptor, DCM_SegmentedBluePaletteColorLookupTableData,
         DCM_BluePaletteColorLookupTableData}};
    for (const auto &tag : tags) {
        if (meaning.tagExists(tag[2]) || !meaning.tagExists(tag[1]))
            continue;
        int r = expand_palette(meaning, tag[0], tag[1], tag[2], err);
        if (r < 0)
            return error_prefix(err, "%s", path);
    }
    return 0;
}

/* Compressed frames larger than twice their samples are damaged, or an attack. */
static uint64_t compressed_max(const struct dicom_instance *shape)
{
    return 2ull * (uint64_t)shape->rows * (uint64_t)shape->columns *
               (uint64_t)shape->samples_per_pixel * (uint64_t)(shape->bits_allocated + 7) / 8 +
           (1u << 20);
}

static int check_photometric(const char *photometric, bool jpeg2000, const char *path,
                             struct error *err)
{
    static const char *const known[] = {"MONOCHROME1", "MONOCHROME2",  "PALETTE COLOR",   "RGB",
                                        "YBR_FULL",    "YBR_FULL_422", "YBR_PARTIAL_422", "HSV"};
    if (!*photometric)
        return error_set(err, STATUS_INVALID, "%s: no photometric interpretation", path);
    if (jpeg2000 && (strcmp(photometric, "YBR_ICT") == 0 || strcmp(photometric, "YBR_RCT") == 0))
        return 0;
    for (const char *name : known)
        if (strcmp(photometric, name) == 0)
            return 0;
    return error_set(err, STATUS_UNSUPPORTED, "%s: photometric interpretation %s", path,
                     photometric);
}

static int open_pixels(struct dicom_frames *frames, struct error *err)
{
    const struct dicom_scan *scan = &frames->header.scan;
    const struct dicom_syntax *syntax = frames->syntax;
    const struct dicom_instance *shape = &frames->instance;
    const char *path = frames->path.c_str();
    if (!scan->pixels)
        return error_set(err, STATUS_INVALID, "%s: no pixels", path);
    if (syntax->codec == DICOM_CODEC_MISSING)
        return error_set(err, STATUS_UNSUPPORTED, "%s: cannot decode %s", path, syntax->name);
    if (scan->encapsulated != dicom_syntax_encapsulated(syntax))
        return error_set(err, STATUS_INVALID, "%s: pixels %s fragments as %s", path,
                         scan->encapsulated ? "in" : "without", syntax->name);
    int r = check_shape(scan, shape, path, err);
    if (r == 0 && scan->encapsulated)
        r = fragments_open(frames->header.fd(), path, scan, syntax, shape->frames,
                           &frames->fragments, err);
    if (r < 0)
        return r;
    if (dicom_syntax_video(syntax))
        return video_open(frames->fragments, path, syntax->codec, shape->rows, shape->columns,
                          &frames->video, err);
    r = check_photometric(shape->photometric, syntax->codec == DICOM_CODEC_JPEG2000, path, err);
    if (r < 0)
        return r;
    copy_meaning(frames->header.dataset(), frames->meaning);
    return expand_palettes(frames->meaning, path, err);
}

/* The codecs register themselves for the whole process, once. */
static void register_codecs()
{
    static const bool registered = [] {
        DJDecoderRegistration::registerCodecs();
        DJLSDecoderRegistration::registerCodecs();
        DcmRLEDecoderRegistration::registerCodecs();
        return true;
    }();
    (void)registered;
}

static int open_frames(struct dicom_frames *frames, struct error *err)
{
    const char *path = frames->path.c_str();
    int r = frames->header.load(path, path, frames->limits.object_bytes, err);
    if (r == 0)
        r = header_read_instance(frames->header, &frames->limits, path, &frames->instance, err);
    if (r < 0)
        return r;
    register_codecs();
    frames->syntax = dicom_syntax_find(frames->instance.transfer_syntax_uid);
    return open_pixels(frames, err);
}

extern "C" int dicom_frames_open(const char *path, const struct dicom_limits *limits,
                                 struct dicom_frames **ret_frames, struct error *err)
{
    return shim_guard(err, "decode pixels", [&]() -> int {
        auto frames = std::make_unique<struct dicom_frames>();
        frames->path = path;
        frames->limits = *limits;
        int r = open_frames(frames.get(), err);
        if (r == 0)
            *ret_frames = frames.release();
        return r;
    });
}

extern "C" void dicom_frames_close(struct dicom_frames *frames)
{
    delete frames;
}

extern "C" const struct dicom_instance *dicom_frames_instance(const struct dicom_frames *frames)
{
    return &frames->instance;
}

extern "C" int dicom_frames_seek(struct dicom_frames *frames, int frame, struct error *err)
{
    if (frame < 0 || frame >= frames->instance.frames)
        return error_set(err, STATUS_INVALID, "%s: no frame %d of %d", frames->path.c_str(), frame,
                         frames->instance.frames);
    frames->next = frame;
    return 0;
}

/* Bits of all frames follow each other without a gap. */
static void shift_bits(struct buffer *bytes, unsigned by)
{
    for (size_t i = 0; by && i < bytes->size; i++) {
        unsigned next = i + 1 < bytes->size ? static_cast<Uint8>(bytes->data[i + 1]) : 0;
        bytes->data[i] = static_cast<char>((static_cast<Uint8>(bytes->data[i]) | next << 8) >> by);
    }
}

static void swap_words(struct buffer *bytes)
{
    for (size_t i = 0; i + 1 < bytes->size; i += 2)
        std::swap(bytes->data[i], bytes->data[i + 1]);
}

/* One frame of native pixels into `stored`, as the machine has it. */
static int read_native(struct dicom_frames *frames, struct error *err)
{
    const struct dicom_scan *scan = &frames->header.scan;
    uint64_t bits = native_bits(&frames->instance);
    uint64_t first = bits * (uint64_t)frames->next, end = first + bits;
    bool swapped = frames->syntax->encoding == DICOM_EXPLICIT_BIG &&
                   (scan->pixel_words || frames->instance.bits_allocated == 16);
    uint64_t begin = first / 8, size = (end + 7) / 8 - begin, skipped = swapped ? begin % 2 : 0;
    begin -= skipped;
    size += skipped;
    if (swapped && size % 2 && begin + size < scan->pixel_bytes)
        size++;
    struct buffer *stored = &frames->stored;
    stored->size = 0;
    char part[16384];
    while (stored->size < size) {
        size_t wanted = std::min<uint64_t>(sizeof part, size - stored->size);
        ssize_t got = pread(frames->header.fd(), part, wanted,
                            static_cast<off_t>(scan->pixel_at + begin + stored->size));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, STATUS_IO, errno, "cannot read %s", frames->path.c_str());
        if (got == 0)
            return error_set(err, STATUS_INVALID, "%s: the file is cut off", frames->path.c_str());
        int r = buffer_add(stored, part, static_cast<size_t>(got), err);
        if (r < 0)
            return r;
    }
    if (swapped)
        swap_words(stored);
    if (skipped) {
        memmove(stored->data, stored->data + 1, stored->size - 1);
        stored->size--;
    }
    shift_bits(stored, static_cast<unsigned>(first % 8));
    return 0;
}

/* One frame's pixels, native, into its data set. */
static void put_native(DcmDataset &one, const void *bytes, size_t size, int bits)
{
    if (bits == 16) {
        std::vector<Uint16> words((size + 1) / 2);
        memcpy(words.data(), bytes, size);
        auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
        pixels->setVR(EVR_OW);
        shim_check(pixels->putUint16Array(words.data(), words.size()));
        shim_check(one.insert(pixels.release(), OFTrue));
    } else {
        auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
        pixels->setVR(EVR_OB);
        shim_check(pixels->putUint8Array(static_cast<const Uint8 *>(bytes), size));
        shim_check(one.insert(pixels.release(), OFTrue));
    }
}

static void put_compressed(DcmDataset &one, struct buffer &stored, E_TransferSyntax syntax)
{
    auto sequence = std::make_unique<DcmPixelSequence>(DcmTag(DCM_PixelSequenceTag));
    auto table = std::make_unique<DcmPixelItem>(DcmTag(DCM_PixelItemTag));
    auto item = std::make_unique<DcmPixelItem>(DcmTag(DCM_PixelItemTag));
    auto pixels = std::make_unique<DcmPixelData>(DCM_PixelData);
    shim_check(item->putUint8Array(reinterpret_cast<Uint8 *>(stored.data), stored.size));
    shim_check(sequence->insert(table.release()));
    shim_check(sequence->insert(item.release()));
    pixels->setVR(EVR_OB);
    pixels->putOriginalRepresentation(syntax, nullptr, sequence.release());
    shim_check(one.insert(pixels.release(), OFTrue));
}

static int put_jpeg2000(struct dicom_frames *frames, DcmDataset &one, struct error *err)
{
    const struct dicom_instance *shape = &frames->instance;
    const char *path = frames->path.c_str();
    struct jpeg2000_shape wanted = {shape->rows, shape->columns, shape->samples_per_pixel,
                                    shape->bits_allocated};
    std::string photometric = shape->photometric;
    if (shape->bits_allocated == 1 || photometric.compare(0, 12, "YBR_PARTIAL_") == 0)
        return error_set(err, STATUS_UNSUPPORTED, "%s: JPEG 2000 of %d bits as %s", path,
                         shape->bits_allocated, shape->photometric);
    std::vector<Uint8> samples((size_t)shape->rows * (size_t)shape->columns *
                               (size_t)shape->samples_per_pixel *
                               (size_t)(shape->bits_allocated / 8));
    int r = jpeg2000_decode(frames->stored.data, frames->stored.size, &wanted, path, samples.data(),
                            err);
    if (r < 0)
        return r;
    /* The decoder has undone the component transform. */
    if (photometric == "YBR_ICT" || photometric == "YBR_RCT")
        shim_check(one.putAndInsertString(DCM_PhotometricInterpretation, "RGB"));
    if (photometric == "YBR_FULL_422")
        shim_check(one.putAndInsertString(DCM_PhotometricInterpretation, "YBR_FULL"));
    if (shape->samples_per_pixel > 1)
        shim_check(one.putAndInsertUint16(DCM_PlanarConfiguration, 0));
    put_native(one, samples.data(), samples.size(), shape->bits_allocated);
    return 0;
}

/* The next frame in DCMTK's hands, alone in a data set of its own. `flags`: DCMTK's CIF_…, besides
 * partial access. */
static int load_frame(struct dicom_frames *frames, unsigned long flags, DcmDataset &one,
                      std::unique_ptr<DicomImage> &ret_image, struct error *err)
{
    const struct dicom_instance *shape = &frames->instance;
    enum dicom_codec codec = frames->syntax->codec;
    E_TransferSyntax syntax = EXS_LittleEndianExplicit;
    int r = frames->fragments ? fragments_frame(frames->fragments, frames->next,
                                                compressed_max(shape), &frames->stored, err)
                              : read_native(frames, err);
    if (r < 0)
        return r;
    one = frames->meaning;
    shim_check(one.putAndInsertString(DCM_NumberOfFrames, "1"));
    if (codec == DICOM_CODEC_NATIVE) {
        put_native(one, frames->stored.data, frames->stored.size, shape->bits_allocated);
    } else if (codec == DICOM_CODEC_JPEG2000) {
        r = put_jpeg2000(frames, one, err);
        if (r < 0)
            return r;
    } else {
        if (codec == DICOM_CODEC_RLE && !rle_sound(frames->stored, shape))
            return error_set(err, STATUS_INVALID, "%s: the run-length encoding is damaged",
                             frames->path.c_str());
        syntax = frames->header.encoding();
        put_compressed(one, frames->stored, syntax);
    }
    ret_image =
        std::make_unique<DicomImage>(&one, syntax, CIF_UsePartialAccessToPixelData | flags, 0, 1);
    if (ret_image->getStatus() != EIS_Normal)
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded",
                         frames->path.c_str());
    return 0;
}

/* A video gives its frames one after the other only. */
static int next_of_video(struct dicom_frames *frames, struct image *ret_image, struct error *err)
{
    const struct dicom_instance *shape = &frames->instance;
    const char *path = frames->path.c_str();
    int r = 0;
    if (frames->next < frames->video_next || !frames->video) {
        video_close(frames->video);
        frames->video = nullptr;
        frames->video_next = 0;
        r = video_open(frames->fragments, path, frames->syntax->codec, shape->rows, shape->columns,
                       &frames->video, err);
    }
    while (r == 0 && frames->video_next <= frames->next) {
        r = video_next(frames->video, frames->video_next < frames->next ? nullptr : ret_image, err);
        if (r == 0)
            frames->video_next++;
    }
    if (r == STATUS_NOT_FOUND)
        r = error_set(err, STATUS_INVALID, "%s: the video has only %d frames of %d", path,
                      frames->video_next, shape->frames);
    if (r < 0) {
        video_close(frames->video); /* what it would give next is not known */
        frames->video = nullptr;
    }
    return r;
}

static int next_image(struct dicom_frames *frames, struct image *ret_image, struct error *err)
{
    if (dicom_syntax_video(frames->syntax))
        return next_of_video(frames, ret_image, err);
    DcmDataset one;
    std::unique_ptr<DicomImage> decoded;
    int r = load_frame(frames, 0, one, decoded, err);
    return r < 0 ? r
                 : copy_pixels(*decoded, &frames->instance, frames->path.c_str(), ret_image, err);
}

extern "C" int dicom_frames_next(struct dicom_frames *frames, struct image *ret_image,
                                 struct error *err)
{
    int r = dicom_frames_seek(frames, frames->next, err);
    if (r == 0)
        r = shim_guard(err, "decode pixels",
                       [&]() -> int { return next_image(frames, ret_image, err); });
    if (r == 0)
        frames->next++;
    return r;
}

extern "C" int dicom_frame_decode(const char *path, int frame, const struct dicom_limits *limits,
                                  struct image *ret_image, struct error *err)
{
    struct dicom_frames *frames = nullptr;
    int r = dicom_frames_open(path, limits, &frames, err);
    if (r == 0)
        r = dicom_frames_seek(frames, frame, err);
    if (r == 0)
        r = dicom_frames_next(frames, ret_image, err);
    dicom_frames_close(frames);
    return r;
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
    case EPR_Uint8: return static_cast<const Uint8 *>(data)[i];
    case EPR_Sint8: return static_cast<const Sint8 *>(data)[i];
    case EPR_Uint16: return static_cast<const Uint16 *>(data)[i];
    case EPR_Sint16: return static_cast<const Sint16 *>(data)[i];
    case EPR_Uint32: return static_cast<const Uint32 *>(data)[i];
    case EPR_Sint32: return static_cast<const Sint32 *>(data)[i];
    }
    return 0;
}

static int copy_samples(DicomImage &decoded, DcmDataset &dataset,
                        const struct dicom_instance *shape, const char *path,
                        struct deep_image *ret_image, struct error *err)
{
    Rescale rescale;
    Uint16 stored = 0, is_signed = 0;
    int r = read_rescale(dataset, path, rescale, err);
    if (r < 0)
        return r;
    if (dataset.findAndGetUint16(DCM_BitsStored, stored).bad() || stored < 1 ||
        stored > shape->bits_allocated)
        return error_set(err, STATUS_INVALID, "%s: Bits Stored is missing or wrong", path);
    dataset.findAndGetUint16(DCM_PixelRepresentation, is_signed);
    const DiPixel *pixels = decoded.getInterData();
    size_t count = (size_t)shape->rows * (size_t)shape->columns;
    if ((int)decoded.getHeight() != shape->rows || (int)decoded.getWidth() != shape->columns)
        return error_set(err, STATUS_INVALID, "%s: the decoded size differs", path);
    if (!pixels || !pixels->getData() || pixels->getPlanes() != 1 || pixels->getCount() < count)
        return error_set(err, STATUS_INVALID, "%s: the pixels cannot be decoded", path);
    struct deep_image image = {};
    r = deep_image_init(&image, shape->rows, shape->columns,
                        type_of(stored, is_signed != 0, rescale), err);
    if (r < 0)
        return r;
    bool inverse = strcmp(shape->photometric, "MONOCHROME1") == 0;
    double mirror = is_signed ? -1 : std::ldexp(1, stored) - 1; /* lowest and highest, added */
    for (size_t i = 0; i < count; i++) {
        double value = sample_at(*pixels, i);
        image.values[i] = (inverse ? mirror - value : value) * rescale.slope + rescale.intercept;
    }
    *ret_image = image;
    return 0;
}

static int next_deep(struct dicom_frames *frames, struct deep_image *ret_image, struct error *err)
{
    const struct dicom_instance *shape = &frames->instance;
    const char *path = frames->path.c_str();
    struct image colour = {};
    int r;
    if (dicom_syntax_video(frames->syntax)) {
        r = next_of_video(frames, &colour, err);
    } else {
        DcmDataset one;
        std::unique_ptr<DicomImage> decoded;
        r = load_frame(frames, CIF_IgnoreModalityTransformation, one, decoded, err);
        if (r == 0 && decoded->isMonochrome())
            return copy_samples(*decoded, one, shape, path, ret_image, err);
        if (r == 0 && shape->bits_allocated > 8)
            r = error_set(err, STATUS_UNSUPPORTED,
                          "%s: colours of 16 bits: grey of them is not defined here", path);
        if (r == 0)
            r = copy_pixels(*decoded, shape, path, &colour, err);
    }
    if (r == 0)
        r = deep_image_from_image(&colour, ret_image, err);
    image_release(&colour);
    return r;
}

extern "C" int dicom_frames_next_deep(struct dicom_frames *frames, struct deep_image *ret_image,
                                      struct error *err)
{
    int r = dicom_frames_seek(frames, frames->next, err);
    if (r == 0)
        r = shim_guard(err, "decode pixels",
                       [&]() -> int { return next_deep(frames, ret_image, err); });
    if (r == 0)
        frames->next++;
    return r;
}

extern "C" int dicom_frame_decode_deep(const char *path, int frame,
                                       const struct dicom_limits *limits,
                                       struct deep_image *ret_image, struct error *err)
{
    struct dicom_frames *frames = nullptr;
    int r = dicom_frames_open(path, limits, &frames, err);
    if (r == 0)
        r = dicom_frames_seek(frames, frame, err);
    if (r == 0)
        r = dicom_frames_next_deep(frames, ret_image, err);
    dicom_frames_close(frames);
    return r;
}
