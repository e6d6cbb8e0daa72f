#include "dicom/shim/object.h"

#include <vector>

#include "dcmtk/dcmdata/dcostrmb.h"
#include "dcmtk/dcmdata/dcspchrs.h"

extern "C" {
#include "base/clock.h"
#include "base/file.h"
#include "base/uid.h"
}

namespace object {

namespace {

const size_t LO_MAX = 64, SH_MAX = 16, CS_MAX = 16;

// Bytes of the UTF-8 sequence at `s` (at most `left` bytes), 0 when it is malformed. Overlong
// forms, surrogates and values past U+10FFFF are malformed (RFC 3629).
size_t sequence_length(const unsigned char *s, size_t left)
{
    const unsigned char c = s[0];
    size_t n = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3
             : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    if ((c == 0xE0 && s[1] < 0xA0) || (c == 0xED && s[1] > 0x9F) || (c == 0xF0 && s[1] < 0x90) ||
        (c == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

// C0 and C1 controls and DEL.
bool is_control(const unsigned char *s, size_t n)
{
    return (n == 1 && (s[0] < 0x20 || s[0] == 0x7F)) || (n == 2 && s[0] == 0xC2 && s[1] < 0xA0);
}

void trim(OFString &text)
{
    size_t begin = 0, end = text.size();
    while (begin < end && (text[begin] == ' ' || text[begin] == '\n'))
        begin++;
    while (end > begin && (text[end - 1] == ' ' || text[end - 1] == '\n'))
        end--;
    text = text.substr(begin, end - begin);
}

} // namespace

OFString clean(const char *text, size_t max, bool lines)
{
    OFString out;
    const unsigned char *s = reinterpret_cast<const unsigned char *>(text ? text : "");
    size_t left = strlen(reinterpret_cast<const char *>(s)), count = 0;
    while (left > 0 && count < max) {
        const size_t n = sequence_length(s, left);
        if (n == 0)
            out += '?';
        else if (lines && s[0] == '\n')
            out += "\r\n";
        else if (is_control(s, n))
            out += ' ';
        else if (s[0] == '\\')
            out += '/'; // it would split the value
        else
            out.append(reinterpret_cast<const char *>(s), n);
        s += n ? n : 1;
        left -= n ? n : 1;
        count++;
    }
    trim(out);
    return out;
}

OFString clean_name(const char *text)
{
    OFString out, group;
    int groups = 0, carets = 0;
    const OFString all = clean(text, 1024);
    for (size_t i = 0; i <= all.size(); i++) {
        if (i < all.size() && all[i] != '=') {
            if (all[i] != '^' || ++carets <= 4)
                group += all[i];
            continue;
        }
        if (groups > 0)
            out += '=';
        out += clean(group.c_str(), LO_MAX);
        group.clear();
        carets = 0;
        if (++groups == 3)
            break;
    }
    while (!out.empty() && (out[out.size() - 1] == '=' || out[out.size() - 1] == '^'))
        out.erase(out.size() - 1);
    return out;
}

void put(DcmItem &item, const DcmTagKey &tag, const OFString &value)
{
    check(item.putAndInsertOFStringArray(tag, value), DcmTag(tag).getTagName());
}

namespace {

// The source's patient and study, up to the attributes that describe the image.
class Source {
  public:
    int open(const char *path, struct error *err)
    {
        const OFCondition loaded = file_.loadFileUntilTag(
            path, EXS_Unknown, EGL_noChange, 4096, ERM_autoDetect, DCM_SamplesPerPixel);
        if (loaded.bad())
            return error_set(err, STATUS_INVALID, "cannot read the source image: %s",
                             loaded.text());
        converts_ = converter_.selectCharacterSet(data()).good();
        return 0;
    }

    DcmDataset &data() { return *file_.getDataset(); }

    // The value as UTF-8; characters that cannot be converted become '?'.
    OFString text(const DcmTagKey &tag, const char *delimiters)
    {
        OFString raw, converted;
        DcmElement *element = NULL;
        if (data().findAndGetElement(tag, element).bad() || element->getLength() > 4096 ||
            element->getOFStringArray(raw).bad())
            return "";
        if (converts_ && converter_.convertString(raw, converted, delimiters).good())
            return converted;
        for (size_t i = 0; i < raw.size(); i++)
            if (static_cast<unsigned char>(raw[i]) >= 0x80 || raw[i] == '\033')
                raw[i] = '?';
        return raw;
    }

  private:
    DcmFileFormat file_;
    DcmSpecificCharacterSet converter_;
    bool converts_ = false;
};

OFString first_value(const OFString &values)
{
    OFString value = values.substr(0, values.find('\\'));
    trim(value);
    return value;
}

OFString clean_value(Source &source, const DcmTagKey &tag)
{
    const DcmEVR vr = DcmTag(tag).getEVR();
    if (vr == EVR_PN)
        return clean_name(first_value(source.text(tag, "\\^=")).c_str());
    const OFString value = first_value(source.text(tag, "\\"));
    OFDate date;
    OFTime time;
    switch (vr) {
    case EVR_LO: return clean(value.c_str(), LO_MAX);
    case EVR_SH: return clean(value.c_str(), SH_MAX);
    case EVR_DA:
        return DcmDate::checkStringValue(value, "1").good() &&
                       DcmDate::getOFDateFromString(value, date, OFFalse).good() && date.isValid()
                   ? value : OFString();
    case EVR_TM:
        return DcmTime::checkStringValue(value, "1").good() &&
                       DcmTime::getOFTimeFromString(value, time, OFFalse).good() && time.isValid()
                   ? value : OFString();
    case EVR_AS: return DcmAgeString::checkStringValue(value, "1").good() ? value : OFString();
    case EVR_DS: return DcmDecimalString::checkStringValue(value, "1").good() ? value : OFString();
    case EVR_CS:
        return value.size() <= CS_MAX && DcmCodeString::checkStringValue(value, "1").good()
                   ? value : OFString();
    default: return "";
    }
}

// PS3.3 C.7.1.1, C.7.2.1, C.7.2.2: type 2 stands empty when the source has nothing valid.
void copy_patient_and_study(Source &source, DcmDataset &to)
{
    static const struct {
        DcmTagKey tag;
        bool required;
    } copied[] = {
        {DCM_PatientName, true},       {DCM_PatientID, true},
        {DCM_IssuerOfPatientID, false}, {DCM_PatientBirthDate, true},
        {DCM_PatientSex, true},        {DCM_PatientAge, false},
        {DCM_PatientSize, false},      {DCM_PatientWeight, false},
        {DCM_StudyDate, true},         {DCM_StudyTime, true},
        {DCM_AccessionNumber, true},   {DCM_ReferringPhysicianName, true},
        {DCM_StudyID, true},           {DCM_StudyDescription, false},
    };
    for (const auto &attribute : copied) {
        OFString value = clean_value(source, attribute.tag);
        if (attribute.tag == DCM_PatientSex && value != "M" && value != "F" && value != "O")
            value = "";
        delete to.remove(attribute.tag);
        if (attribute.required || !value.empty())
            put(to, attribute.tag, value);
    }
    const OFString method = clean_value(source, DCM_DeidentificationMethod);
    if (clean_value(source, DCM_PatientIdentityRemoved) == "YES" && !method.empty()) {
        put(to, DCM_PatientIdentityRemoved, "YES");
        put(to, DCM_DeidentificationMethod, method);
    }
    if (first_value(source.text(DcmTagKey(0x0008, 0x001C), "\\")) == "YES")
        check(to.putAndInsertString(DcmTag(0x0008, 0x001C, EVR_CS), "YES"), "Synthetic Data");
}

// "+HHMM" or "-HHMM" in minutes; false when it is none (PS3.3 C.12.1.1.8: -1200 to +1400).
bool parse_offset(const OFString &text, int &ret_minutes)
{
    if (text.size() != 5 || (text[0] != '+' && text[0] != '-'))
        return false;
    for (int i = 1; i < 5; i++)
        if (text[i] < '0' || text[i] > '9')
            return false;
    const int minutes = (text[3] - '0') * 10 + text[4] - '0';
    const int total = ((text[1] - '0') * 10 + text[2] - '0') * 60 + minutes;
    ret_minutes = text[0] == '-' ? -total : total;
    return minutes < 60 && text != "-0000" && ret_minutes >= -12 * 60 && ret_minutes <= 14 * 60;
}

void stamp_dates(Source &source, const struct dicom_object &object, DcmDataset &to)
{
    const OFString offset = first_value(source.text(DCM_TimezoneOffsetFromUTC, "\\"));
    int minutes = 0;
    if (parse_offset(offset, minutes))
        put(to, DCM_TimezoneOffsetFromUTC, offset);
    else
        minutes = 0;
    char date[CLOCK_TEXT_SIZE], time[CLOCK_TEXT_SIZE];
    clock_format_dicom(object.created_us + minutes * INT64_C(60000000), date, time);
    put(to, DCM_InstanceCreationDate, date);
    put(to, DCM_InstanceCreationTime, time);
    put(to, DCM_SeriesDate, date);
    put(to, DCM_SeriesTime, time);
    put(to, DCM_ContentDate, date);
    put(to, DCM_ContentTime, time);
}

void stamp_identity(const struct dicom_object &object, DcmDataset &to)
{
    delete to.remove(DCM_InstanceCreatorUID); // the library's, not ours
    put(to, DCM_SpecificCharacterSet, "ISO_IR 192");
    put(to, DCM_SOPInstanceUID, object.sop_instance_uid);
    put(to, DCM_SeriesInstanceUID, object.series_instance_uid);
    put(to, DCM_SeriesNumber, std::to_string(object.series_number).c_str());
    put(to, DCM_SeriesDescription, clean(object.series_description, LO_MAX));
    put(to, DCM_InstanceNumber, "1");
    put(to, DCM_Manufacturer, DICOM_OWN_MANUFACTURER);
    put(to, DCM_ManufacturerModelName, DICOM_OWN_MANUFACTURER);
    put(to, DCM_DeviceSerialNumber, DICOM_OWN_SERIAL);
    put(to, DCM_SoftwareVersions, clean(object.software_version, LO_MAX));
}

// In memory first: DCMTK's file stream hides write errors and takes its mode from the umask.
int write_file(DcmFileFormat &file, const char *path, struct error *err)
{
    const E_TransferSyntax syntax = EXS_LittleEndianExplicit;
    check(file.validateMetaInfo(syntax), "file meta information");
    check(file.chooseRepresentation(syntax, NULL), "transfer syntax");
    std::vector<char> bytes(file.calcElementLength(syntax, EET_ExplicitLength) + 4096);
    DcmOutputBufferStream stream(bytes.data(), bytes.size());
    file.transferInit();
    check(file.write(stream, syntax, EET_ExplicitLength, NULL), "encoding");
    file.transferEnd();
    void *begin = NULL;
    offile_off_t size = 0;
    stream.flushBuffer(begin, size);
    return file_write(path, begin, static_cast<size_t>(size), err);
}

} // namespace

int save(const struct dicom_object &object, DcmFileFormat &file, const char *path,
         struct error *err)
{
    Source source;
    const int failed = source.open(object.source_path, err);
    if (failed)
        return failed;
    DcmDataset &dataset = *file.getDataset();
    const OFString study = first_value(source.text(DCM_StudyInstanceUID, "\\"));
    if (!uid_valid(study.c_str()))
        return error_set(err, STATUS_INVALID, "the source image has no valid Study Instance UID");
    put(dataset, DCM_StudyInstanceUID, study);
    copy_patient_and_study(source, dataset);
    stamp_identity(object, dataset);
    stamp_dates(source, object, dataset);
    return write_file(file, path, err);
}

} // namespace object
