#include "dicom/shim/header.h"
#include "dicom/shim/shim.h"
#include "dicom/shim/text.h"

#include <climits>
#include <cmath>
#include <cstring>
#include <string>

#include <unistd.h>

#include <dcmtk/dcmdata/dcistrmf.h>

extern "C" {
#include "base/number.h"
#include "dicom/syntax.h"
}

static const DcmTagKey TAG_SYNTHETIC_DATA(0x0008, 0x001c); /* newer than DCMTK 3.6.7 */

extern "C" struct dicom_limits dicom_limits_default(void)
{
    struct dicom_limits limits = {};
    limits.object_bytes = 512ull << 20;
    limits.frames = 4096;
    limits.frame_pixels = 64ull << 20;
    return limits;
}

Header::~Header()
{
    if (fd_ >= 0)
        close(fd_);
}

int Header::open(const char *path, const char *name, uint64_t bytes_max, struct error *err)
{
    int r = dicom_scan_open(path, name, bytes_max, &fd_, &scan, err);
    if (r < 0)
        return r;
    const struct dicom_syntax *syntax = dicom_syntax_find(scan.transfer_syntax_uid);
    if (!syntax)
        return error_set(err, STATUS_UNSUPPORTED, "%s: unknown transfer syntax %s", name,
                         scan.transfer_syntax_uid);
    encoding_ = scan.deflated ? EXS_LittleEndianExplicit : DcmXfer(syntax->uid).getXfer();
    if (encoding_ == EXS_Unknown)
        encoding_ = EXS_JPEGProcess1;
    return 0;
}

/* What was scanned is what is loaded, even when the path has come to mean another file. */
OFCondition Header::read(const DcmTagKey &until)
{
    std::string path = "/proc/self/fd/" + std::to_string(fd_);
    OFCondition cond = meta().loadFile(path.c_str());
    if (cond.bad())
        return cond;
    /* Skipped, not opened there: what is read later is found by its distance from the start. */
    DcmInputFileStream stream(path.c_str());
    offile_off_t offset = static_cast<offile_off_t>(scan.data_set_offset);
    if (stream.status().bad() || stream.skip(offset) != offset)
        return stream.status().bad() ? stream.status() : EC_InvalidStream;
    dataset().transferInit();
    cond = dataset().readUntilTag(stream, encoding_, EGL_noChange, DCM_MaxReadLength, until);
    dataset().transferEnd();
    return cond;
}

int Header::load(const char *path, const char *name, uint64_t bytes_max, struct error *err)
{
    int r = open(path, name, bytes_max, err);
    if (r < 0)
        return r;
    OFCondition cond = read(DCM_PixelData);
    if (cond.bad())
        return shim_error(err, STATUS_INVALID, cond, "%s: cannot read the DICOM header", name);
    return 0;
}

int Header::load_whole(const char *path, uint64_t bytes_max, struct error *err)
{
    int r = open(path, path, bytes_max, err);
    if (r < 0)
        return r;
    OFCondition cond = read(DCM_UndefinedTagKey);
    if (cond.bad())
        return shim_error(err, STATUS_INVALID, cond, "%s: cannot read the DICOM file", path);
    return 0;
}

static int read_uid(DcmItem &dataset, const DcmTagKey &tag, const char *what, const char *name,
                    char out[UID_SIZE], struct error *err)
{
    OFString value;
    if (dataset.findAndGetOFStringArray(tag, value).bad() || value.empty())
        return error_set(err, STATUS_INVALID, "%s: no %s", name, what);
    if (value.length() >= UID_SIZE || !uid_valid(value.c_str()))
        return error_set(err, STATUS_INVALID, "%s: the %s is malformed", name, what);
    memcpy(out, value.c_str(), value.length() + 1);
    return 0;
}

int header_read_uids(DcmItem &dataset, const char *name, struct dicom_instance *instance,
                     struct error *err)
{
    int r = read_uid(dataset, DCM_SOPClassUID, "SOP Class UID", name, instance->sop_class_uid, err);
    if (r == 0)
        r = read_uid(dataset, DCM_SOPInstanceUID, "SOP Instance UID", name,
                     instance->sop_instance_uid, err);
    if (r == 0)
        r = read_uid(dataset, DCM_StudyInstanceUID, "Study Instance UID", name,
                     instance->study_instance_uid, err);
    if (r == 0)
        r = read_uid(dataset, DCM_SeriesInstanceUID, "Series Instance UID", name,
                     instance->series_instance_uid, err);
    return r;
}

static enum dicom_kind kind_of(const char *sop_class)
{
    static const char *const ultrasound[] = {
        UID_UltrasoundImageStorage, UID_UltrasoundMultiframeImageStorage,
        UID_RETIRED_UltrasoundImageStorage, UID_RETIRED_UltrasoundMultiframeImageStorage};
    static const char reports[] = "1.2.840.10008.5.1.4.1.1.88.";
    for (const char *uid : ultrasound)
        if (strcmp(sop_class, uid) == 0)
            return DICOM_KIND_ULTRASOUND;
    return strncmp(sop_class, reports, sizeof reports - 1) == 0 ? DICOM_KIND_SR : DICOM_KIND_OTHER;
}

static char side_letter(const char *text)
{
    return *text && strchr("LRBU", *text) && !text[1] ? *text : 0;
}

static char get_side(TextReader &texts, DcmItem &dataset, const DcmTagKey &tag)
{
    char text[17];
    texts.get(dataset, tag, text, sizeof text);
    return side_letter(text);
}

static void get_code(TextReader &texts, DcmItem &item, struct dicom_code *code)
{
    texts.get(item, DCM_CodeValue, code->value, sizeof code->value);
    if (!*code->value)
        texts.get(item, DCM_LongCodeValue, code->value, sizeof code->value);
    texts.get(item, DCM_CodingSchemeDesignator, code->scheme, sizeof code->scheme);
    texts.get(item, DCM_CodeMeaning, code->meaning, sizeof code->meaning);
}

/* The first item of a sequence, or NULL. */
static DcmItem *first_item(DcmItem &item, const DcmTagKey &sequence)
{
    DcmItem *found = nullptr;
    return item.findAndGetSequenceItem(sequence, found, 0).good() ? found : nullptr;
}

/* CID 244 Laterality, SNOMED CT and the older SNOMED RT codes. */
static char side_of_code(const char *value)
{
    static const struct {
        const char *value;
        char side;
    } sides[] = {{"7771000", 'L'},  {"G-A101", 'L'}, {"24028007", 'R'}, {"G-A100", 'R'},
                 {"51440002", 'B'}, {"G-A102", 'B'}, {"66459002", 'U'}, {"G-A103", 'U'}};
    for (const auto &side : sides)
        if (strcmp(value, side.value) == 0)
            return side.side;
    return 0;
}

static void get_anatomy(TextReader &texts, DcmItem &dataset, struct dicom_instance *out)
{
    if (DcmItem *region = first_item(dataset, DCM_AnatomicRegionSequence)) {
        get_code(texts, *region, &out->anatomic_region);
        if (DcmItem *modifier = first_item(*region, DCM_AnatomicRegionModifierSequence)) {
            struct dicom_code code = {};
            get_code(texts, *modifier, &code);
            out->anatomic_laterality = side_of_code(code.value);
        }
    }
    if (DcmItem *structure = first_item(dataset, DCM_PrimaryAnatomicStructureSequence))
        get_code(texts, *structure, &out->primary_structure);
    if (DcmItem *view = first_item(dataset, DCM_ViewCodeSequence))
        get_code(texts, *view, &out->view);
}

static void get_texts(TextReader &texts, DcmItem &dataset, struct dicom_instance *out)
{
    const struct {
        DcmTagKey tag;
        char *to;
        size_t size;
    } wanted[] = {
        {DCM_Modality, out->modality, sizeof out->modality},
        {DCM_PatientID, out->patient_id, sizeof out->patient_id},
        {DCM_IssuerOfPatientID, out->patient_id_issuer, sizeof out->patient_id_issuer},
        {DCM_PatientName, out->patient_name, sizeof out->patient_name},
        {DCM_PatientBirthDate, out->patient_birth_date, sizeof out->patient_birth_date},
        {DCM_PatientSex, out->patient_sex, sizeof out->patient_sex},
        {DCM_PatientAge, out->patient_age, sizeof out->patient_age},
        {DCM_AccessionNumber, out->accession_number, sizeof out->accession_number},
        {DCM_StudyDate, out->study_date, sizeof out->study_date},
        {DCM_StudyTime, out->study_time, sizeof out->study_time},
        {DCM_StudyDescription, out->study_description, sizeof out->study_description},
        {DCM_SeriesDescription, out->series_description, sizeof out->series_description},
        {DCM_BodyPartExamined, out->body_part_examined, sizeof out->body_part_examined},
        {DCM_ProtocolName, out->protocol_name, sizeof out->protocol_name},
        {DCM_ImageComments, out->image_comments, sizeof out->image_comments},
        {DCM_ViewName, out->view_name, sizeof out->view_name},
        {DCM_Manufacturer, out->manufacturer, sizeof out->manufacturer},
        {DCM_ManufacturerModelName, out->manufacturer_model, sizeof out->manufacturer_model},
        {DCM_PhotometricInterpretation, out->photometric, sizeof out->photometric},
    };
    for (const auto &text : wanted)
        texts.get(dataset, text.tag, text.to, text.size);
    out->laterality = get_side(texts, dataset, DCM_Laterality);
    out->image_laterality = get_side(texts, dataset, DCM_ImageLaterality);
    out->own =
        strcmp(out->manufacturer, "axnode") == 0 && strcmp(out->manufacturer_model, "axnode") == 0;
    char synthetic[17];
    texts.get(dataset, TAG_SYNTHETIC_DATA, synthetic, sizeof synthetic);
    out->synthetic_data = strcmp(synthetic, "YES") == 0;
    TextReader::get_whole(dataset, DCM_SeriesNumber, INT_MIN, INT_MAX, &out->series_number);
    TextReader::get_whole(dataset, DCM_InstanceNumber, INT_MIN, INT_MAX, &out->instance_number);
}

static int get_us(DcmItem &item, const DcmTagKey &tag)
{
    Uint16 value = 0;
    item.findAndGetUint16(tag, value);
    return value;
}

static double get_delta(DcmItem &item, const DcmTagKey &tag)
{
    Float64 value = 0;
    item.findAndGetFloat64(tag, value);
    return std::isfinite(value) ? value : 0;
}

static bool get_corner(DcmItem &item, const DcmTagKey &tag, int *ret)
{
    Uint32 value = 0;
    if (item.findAndGetUint32(tag, value).bad() || value > INT_MAX)
        return false;
    *ret = static_cast<int>(value);
    return true;
}

static bool get_region(DcmItem &item, struct us_region *ret)
{
    struct us_region region = {};
    if (!get_corner(item, DCM_RegionLocationMinX0, &region.x0) ||
        !get_corner(item, DCM_RegionLocationMinY0, &region.y0) ||
        !get_corner(item, DCM_RegionLocationMaxX1, &region.x1) ||
        !get_corner(item, DCM_RegionLocationMaxY1, &region.y1) || region.x0 > region.x1 ||
        region.y0 > region.y1)
        return false;
    region.spatial_format = get_us(item, DCM_RegionSpatialFormat);
    region.data_type = get_us(item, DCM_RegionDataType);
    region.units_x = get_us(item, DCM_PhysicalUnitsXDirection);
    region.units_y = get_us(item, DCM_PhysicalUnitsYDirection);
    region.delta_x = get_delta(item, DCM_PhysicalDeltaX);
    region.delta_y = get_delta(item, DCM_PhysicalDeltaY);
    *ret = region;
    return true;
}

/* Regions without sound corners are left out. */
static void get_regions(DcmItem &dataset, struct dicom_instance *out)
{
    DcmSequenceOfItems *sequence = nullptr;
    if (dataset.findAndGetSequence(DCM_SequenceOfUltrasoundRegions, sequence).bad())
        return;
    for (unsigned long i = 0; i < sequence->card() && out->region_count < DICOM_REGIONS_MAX; i++)
        if (get_region(*sequence->getItem(i), &out->regions[out->region_count]))
            out->region_count++;
}

static int get_pixel_shape(DcmItem &dataset, const struct dicom_limits *limits, const char *name,
                           struct dicom_instance *out, struct error *err)
{
    int frames = 1;
    if (dataset.tagExistsWithValue(DCM_NumberOfFrames) &&
        !TextReader::get_whole(dataset, DCM_NumberOfFrames, 1, INT_MAX, &frames))
        return error_set(err, STATUS_INVALID, "%s: the number of frames is no number", name);
    out->rows = get_us(dataset, DCM_Rows);
    out->columns = get_us(dataset, DCM_Columns);
    out->frames = frames;
    out->samples_per_pixel = get_us(dataset, DCM_SamplesPerPixel);
    out->bits_allocated = get_us(dataset, DCM_BitsAllocated);
    if (out->rows == 0 || out->columns == 0)
        return error_set(err, STATUS_INVALID, "%s: pixels without rows and columns", name);
    uint64_t pixels = (uint64_t)out->rows * (uint64_t)out->columns;
    if (frames > limits->frames)
        return error_set(err, STATUS_LIMIT, "%s: %d frames, more than %d", name, frames,
                         limits->frames);
    if (pixels > limits->frame_pixels)
        return error_set(err, STATUS_LIMIT, "%s: %d × %d pixels, more than %llu", name, out->rows,
                         out->columns, (unsigned long long)limits->frame_pixels);
    return 0;
}

/* Our receiver's "peer=ADDRESS;association=ID;received_us=N". */
static void get_receipt(const char *text, struct dicom_instance *out)
{
    static const char peer[] = "peer=", association[] = ";association=", us[] = ";received_us=";
    const char *second = strstr(text, association);
    const char *third = second ? strstr(second, us) : nullptr;
    if (!third || strncmp(text, peer, sizeof peer - 1) != 0)
        return;
    text += sizeof peer - 1;
    text_copy(text, static_cast<size_t>(second - text), out->peer_address,
              sizeof out->peer_address);
    second += sizeof association - 1;
    text_copy(second, static_cast<size_t>(third - second), out->association,
              sizeof out->association);
    int64_t received = 0;
    if (number_parse_int(third + sizeof us - 1, 0, INT64_MAX, &received, nullptr) == 0)
        out->received_us = received;
}

static void get_meta(TextReader &texts, DcmMetaInfo &meta, struct dicom_instance *out)
{
    OFString creator;
    const Uint8 *bytes = nullptr;
    unsigned long count = 0;
    meta.findAndGetOFString(DCM_PrivateInformationCreatorUID, creator);
    if (creator != SHIM_PRIVATE_INFORMATION_UID)
        return;
    texts.get(meta, DCM_SourceApplicationEntityTitle, out->calling_ae, sizeof out->calling_ae);
    texts.get(meta, DCM_ReceivingApplicationEntityTitle, out->called_ae, sizeof out->called_ae);
    if (meta.findAndGetUint8Array(DCM_PrivateInformation, bytes, &count).good() && bytes) {
        char text[256];
        text_copy(reinterpret_cast<const char *>(bytes), count, text, sizeof text);
        get_receipt(text, out);
    }
}

int header_read_instance(Header &header, const struct dicom_limits *limits, const char *name,
                         struct dicom_instance *out, struct error *err)
{
    DcmDataset &dataset = header.dataset();
    int r = header_read_uids(dataset, name, out, err);
    if (r == 0 && header.scan.pixels)
        r = get_pixel_shape(dataset, limits, name, out, err);
    if (r < 0)
        return r;
    memcpy(out->transfer_syntax_uid, header.scan.transfer_syntax_uid, UID_SIZE);
    out->kind = kind_of(out->sop_class_uid);
    TextReader texts(dataset);
    get_texts(texts, dataset, out);
    get_anatomy(texts, dataset, out);
    get_regions(dataset, out);
    get_meta(texts, header.meta(), out);
    return 0;
}

extern "C" int dicom_instance_read(const char *path, const struct dicom_limits *limits,
                                   struct dicom_instance *ret_instance, struct error *err)
{
    return shim_guard(err, "read DICOM header", [&]() -> int {
        struct dicom_instance instance = {};
        Header header;
        int r = header.load(path, path, limits->object_bytes, err);
        if (r == 0)
            r = header_read_instance(header, limits, path, &instance, err);
        if (r == 0)
            *ret_instance = instance;
        return r;
    });
}

extern "C" int dicom_content_digest(const char *path, const struct dicom_limits *limits,
                                    char ret_hex[DIGEST_TEXT_SIZE], struct error *err)
{
    struct digest *digest = digest_new();
    if (!digest)
        return error_set(err, STATUS_NOMEM, "cannot digest DICOM file: out of memory");
    int r = shim_guard(err, "digest DICOM file", [&]() -> int {
        Header header;
        int loaded = header.load_whole(path, limits->object_bytes, err);
        if (loaded < 0)
            return loaded;
        DcmDataset &dataset = header.dataset();
        DcmXfer original(header.encoding());
        E_TransferSyntax encoding =
            original.isEncapsulated() ? original.getXfer() : EXS_LittleEndianImplicit;
        ShimConsumer consumer(-1, digest);
        ShimStream stream(consumer);
        DcmWriteCache cache;
        dataset.transferInit();
        shim_check(dataset.write(stream, encoding, EET_ExplicitLength, &cache, EGL_withoutGL,
                                 EPD_withoutPadding));
        dataset.transferEnd();
        return 0;
    });
    if (r == 0) {
        uint8_t bytes[DIGEST_SIZE];
        digest_end(digest, bytes);
        digest_format(bytes, ret_hex);
    }
    digest_free(digest);
    return r;
}
