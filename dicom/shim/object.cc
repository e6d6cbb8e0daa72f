#include "dicom/shim/object.h"

extern "C" {
#include "base/clock.h"
#include "base/uid.h"
}

namespace object
{

namespace
{

const size_t SH_MAX = 16, CS_MAX = 16;

// Bytes of the UTF-8 sequence at `s` (at most `left` bytes), 0 when it is malformed. Overlong
// forms, surrogates and values past U+10FFFF are malformed (RFC 3629).
size_t sequence_length(const unsigned char *s, size_t left)
{
    const unsigned char c = s[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xC2 && c < 0xE0 ? 2
               : c >= 0xE0 && c < 0xF0 ? 3
               : c >= 0xF0 && c < 0xF5 ? 4
                                       : 0;
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

Source::Source(const char *path)
{
    shim_check(file_.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, 4096, ERM_autoDetect,
                                      DCM_SamplesPerPixel));
    converts_ = converter_.selectCharacterSet(*file_.getDataset()).good();
    study_ = text(DCM_StudyInstanceUID);
    if (!uid_valid(study_.c_str()))
        throw ShimFailure{EC_InvalidValue};
}

OFString Source::text(const DcmTagKey &tag, const char *delimiters)
{
    OFString raw, value;
    DcmElement *element = NULL;
    if (file_.getDataset()->findAndGetElement(tag, element).bad() || element->getLength() > 4096 ||
        element->getOFStringArray(raw).bad())
        return "";
    if (!converts_ || converter_.convertString(raw, value, delimiters).bad()) {
        value = raw;
        for (size_t i = 0; i < value.size(); i++)
            if (static_cast<unsigned char>(value[i]) >= 0x80 || value[i] == '\033')
                value[i] = '?';
    }
    value = value.substr(0, value.find('\\'));
    trim(value);
    return value;
}

namespace
{

// A Person Name: up to three groups of 64 characters, up to five components each.
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

OFString clean_value(Source &source, const DcmTagKey &tag)
{
    const DcmEVR vr = DcmTag(tag).getEVR();
    if (vr == EVR_PN)
        return clean_name(source.text(tag, "\\^=").c_str());
    const OFString value = source.text(tag);
    OFDate date;
    OFTime time;
    switch (vr) {
    case EVR_LO: return clean(value.c_str(), LO_MAX);
    case EVR_SH: return clean(value.c_str(), SH_MAX);
    case EVR_DA:
        return DcmDate::checkStringValue(value, "1").good() &&
                       DcmDate::getOFDateFromString(value, date, OFFalse).good() && date.isValid()
                   ? value
                   : OFString();
    case EVR_TM:
        return DcmTime::checkStringValue(value, "1").good() &&
                       DcmTime::getOFTimeFromString(value, time, OFFalse).good() && time.isValid()
                   ? value
                   : OFString();
    case EVR_AS: return DcmAgeString::checkStringValue(value, "1").good() ? value : OFString();
    case EVR_DS: return DcmDecimalString::checkStringValue(value, "1").good() ? value : OFString();
    case EVR_CS:
        return value.size() <= CS_MAX && DcmCodeString::checkStringValue(value, "1").good()
                   ? value
                   : OFString();
    default: return "";
    }
}

// PS3.3 C.7.1.1, C.7.2.1, C.7.2.2: type 2 stands empty when the source has nothing valid.
void copy_patient_and_study(Source &source, ShimItem to)
{
    static const struct {
        DcmTagKey tag;
        bool required;
    } copied[] = {
        {DCM_PatientName, true},
        {DCM_PatientID, true},
        {DCM_IssuerOfPatientID, false},
        {DCM_PatientBirthDate, true},
        {DCM_PatientSex, true},
        {DCM_PatientAge, false},
        {DCM_PatientSize, false},
        {DCM_PatientWeight, false},
        {DCM_StudyDate, true},
        {DCM_StudyTime, true},
        {DCM_AccessionNumber, true},
        {DCM_ReferringPhysicianName, true},
        {DCM_StudyID, true},
        {DCM_StudyDescription, false},
    };
    for (const auto &attribute : copied) {
        OFString value = clean_value(source, attribute.tag);
        if (attribute.tag == DCM_PatientSex && value != "M" && value != "F" && value != "O")
            value = "";
        delete to.raw().remove(attribute.tag);
        if (attribute.required || !value.empty())
            to.text(attribute.tag, value.c_str());
    }
    const OFString method = clean_value(source, DCM_DeidentificationMethod);
    if (clean_value(source, DCM_PatientIdentityRemoved) == "YES" && !method.empty()) {
        to.text(DCM_PatientIdentityRemoved, "YES");
        to.text(DCM_DeidentificationMethod, method.c_str());
    }
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

void stamp_dates(Source &source, const struct dicom_object &object, ShimItem to)
{
    const OFString offset = source.text(DCM_TimezoneOffsetFromUTC);
    int minutes = 0;
    if (parse_offset(offset, minutes))
        to.text(DCM_TimezoneOffsetFromUTC, offset.c_str());
    else
        minutes = 0;
    char date[CLOCK_TEXT_SIZE], time[CLOCK_TEXT_SIZE];
    clock_format_dicom(object.created_us + minutes * INT64_C(60000000), date, time);
    to.text(DCM_InstanceCreationDate, date);
    to.text(DCM_InstanceCreationTime, time);
    to.text(DCM_SeriesDate, date);
    to.text(DCM_SeriesTime, time);
    to.text(DCM_ContentDate, date);
    to.text(DCM_ContentTime, time);
}

void stamp_identity(const struct dicom_object &object, ShimItem to)
{
    delete to.raw().remove(DCM_InstanceCreatorUID); // the library's, not ours
    to.text(DCM_SpecificCharacterSet, "ISO_IR 192");
    to.text(DCM_SOPInstanceUID, object.sop_instance_uid);
    to.text(DCM_SeriesInstanceUID, object.series_instance_uid);
    to.whole(DCM_SeriesNumber, object.series_number);
    to.text(DCM_SeriesDescription, clean(object.series_description, LO_MAX).c_str());
    to.text(DCM_InstanceNumber, "1");
    to.text(DCM_Manufacturer, DICOM_OWN_MANUFACTURER);
    to.text(DCM_ManufacturerModelName, DICOM_OWN_MANUFACTURER);
    to.text(DCM_DeviceSerialNumber, DICOM_OWN_SERIAL);
    to.text(DCM_SoftwareVersions, clean(object.software_version, LO_MAX).c_str());
}

} // namespace

void stamp(const struct dicom_object &object, Source &source, DcmDataset &dataset)
{
    ShimItem to(dataset);
    to.text(DCM_StudyInstanceUID, source.study().c_str());
    copy_patient_and_study(source, to);
    stamp_identity(object, to);
    stamp_dates(source, object, to);
}

} // namespace object
