#include "dicom/shim/object.h"

#include <cstring>
#include <ctime>
#include <vector>

extern "C" {
#include "base/clock.h"
#include "base/uid.h"
}

namespace object
{

namespace
{

const size_t SH_MAX = 16, CS_MAX = 16;

void trim(OFString &text)
{
    const char *blanks = " \r\n";
    const size_t begin = text.find_first_not_of(blanks);
    text = begin == OFString_npos ? OFString()
                                  : text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

} // namespace

OFString clean(const char *text, size_t max, bool lines)
{
    OFString out;
    size_t count = 0;
    for (const char *at = text ? text : ""; *at && count < max;) {
        const size_t length = lines ? strcspn(at, "\n") : strlen(at);
        std::vector<char> line(length + 1);
        text_copy(at, length, line.data(), line.size());
        for (const char *c = line.data(); *c; c++) {
            if ((*c & 0xC0) != 0x80 && count++ == max)
                break;
            out += *c == '\\' ? '/' : *c; // a backslash would split the value
        }
        at += length;
        if (*at == '\n') {
            out += "\r\n";
            at++;
        }
    }
    trim(out);
    return out;
}

Source::Source(const char *path)
{
    shim_check(file_.loadFileUntilTag(path, EXS_Unknown, EGL_noChange, 4096, ERM_autoDetect,
                                      DCM_SamplesPerPixel));
    reader_.reset(new TextReader(*file_.getDataset()));
    study_ = text(DCM_StudyInstanceUID);
    if (!uid_valid(study_.c_str()))
        throw ShimFailure{EC_InvalidValue};
}

OFString Source::text(const DcmTagKey &tag)
{
    char values[1024];
    reader_->get(*file_.getDataset(), tag, values, sizeof values);
    OFString value(values);
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
        return clean_name(source.text(tag).c_str());
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
    to.whole(DCM_InstanceNumber, object.instance_number ? object.instance_number : 1);
    to.text(DCM_Manufacturer, DICOM_OWN_MANUFACTURER);
    to.text(DCM_ManufacturerModelName, DICOM_OWN_MANUFACTURER);
    to.text(DCM_DeviceSerialNumber, DICOM_OWN_SERIAL);
    to.text(DCM_SoftwareVersions, clean(object.software_version, LO_MAX).c_str());
}

// `count` digits from `at`; false when they are none.
bool digits(const OFString &text, size_t at, size_t count, long &ret_value)
{
    long value = 0;
    for (size_t i = at; i < at + count; i++) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    ret_value = value;
    return true;
}

// What stamp_dates wrote: "YYYYMMDD" and "HHMMSS.FFFFFF".
bool parse_dates(const OFString &date, const OFString &time, int64_t &ret_us)
{
    long year, month, day, hour, minute, second, fraction;
    if (date.size() != 8 || time.size() != 13 || time[6] != '.' || !digits(date, 0, 4, year) ||
        !digits(date, 4, 2, month) || !digits(date, 6, 2, day) || !digits(time, 0, 2, hour) ||
        !digits(time, 2, 2, minute) || !digits(time, 4, 2, second) ||
        !digits(time, 7, 6, fraction) || month < 1 || month > 12)
        return false;
    struct tm tm = {};
    tm.tm_year = static_cast<int>(year - 1900);
    tm.tm_mon = static_cast<int>(month - 1);
    tm.tm_mday = static_cast<int>(day);
    tm.tm_hour = static_cast<int>(hour);
    tm.tm_min = static_cast<int>(minute);
    tm.tm_sec = static_cast<int>(second);
    ret_us = static_cast<int64_t>(timegm(&tm)) * 1000000 + fraction;
    return true;
}

} // namespace

void name_codes(ShimItem to)
{
    ShimItem scheme = to.item(DCM_CodingSchemeIdentificationSequence);
    scheme.text(DCM_CodingSchemeDesignator, "99AXNODE");
    scheme.text(DCM_CodingSchemeName, "Concepts of axnode that no standard names");
}

void stamp(const struct dicom_object &object, Source &source, DcmDataset &dataset)
{
    ShimItem to(dataset);
    to.text(DCM_StudyInstanceUID, source.study().c_str());
    copy_patient_and_study(source, to);
    stamp_identity(object, to);
    stamp_dates(source, object, to);
}

} // namespace object

int dicom_object_created(const char *path, int64_t *ret_created_us, struct error *err)
{
    return shim_guard(err, "read an object's time", [&]() -> int {
        object::Source source(path);
        int64_t created_us = 0;
        int minutes = 0;
        if (!object::parse_dates(source.text(DCM_ContentDate), source.text(DCM_ContentTime),
                                 created_us))
            return error_set(err, STATUS_INVALID, "the object does not say when it was made");
        if (!object::parse_offset(source.text(DCM_TimezoneOffsetFromUTC), minutes))
            minutes = 0;
        *ret_created_us = created_us - minutes * INT64_C(60000000);
        return 0;
    });
}
