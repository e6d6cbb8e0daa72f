#include "dicom/shim/text.h"

#include <cstring>

extern "C" {
#include "base/number.h"
}

/* Length of the UTF-8 character at `at` (RFC 3629), or 0 when there is none. */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    static const unsigned long smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = at[0] < 0x80       ? 1
               : at[0] >> 5 == 6  ? 2
               : at[0] >> 4 == 14 ? 3
               : at[0] >> 3 == 30 ? 4
                                  : 0;
    if (n == 0 || n > left)
        return 0;
    unsigned long value = n == 1 ? at[0] : at[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3f);
    }
    bool surrogate = value >= 0xd800 && value < 0xe000;
    return value < smallest[n] || value > 0x10ffff || surrogate ? 0 : n;
}

void text_copy(const char *text, size_t length, char *out, size_t size)
{
    const unsigned char *at = reinterpret_cast<const unsigned char *>(text);
    while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\0'))
        length--;
    while (length > 0 && *at == ' ') {
        at++;
        length--;
    }
    size_t used = 0;
    while (length > 0) {
        size_t n = utf8_length(at, length);
        bool control = n == 1 && (*at < 0x20 || *at == 0x7f);
        bool latin_control = n == 2 && at[0] == 0xc2 && at[1] < 0xa0;
        size_t takes = n ? n : 1;
        size_t writes = n == 0 || control || latin_control ? 1 : n;
        if (used + writes >= size)
            break;
        if (n == 0)
            out[used] = '?';
        else if (control || latin_control)
            out[used] = ' ';
        else
            memcpy(out + used, at, n);
        used += writes;
        at += takes;
        length -= takes;
    }
    out[used] = '\0';
}

TextReader::TextReader(DcmItem &dataset) : known_(charset_.selectCharacterSet(dataset).good())
{
}

OFString TextReader::convert(const OFString &raw)
{
    /* '^' and '=' end an escape sequence's reach in names, '\' in every text of many values. */
    OFString converted;
    if (known_ && charset_.convertString(raw, converted, "\\^=").good())
        return converted;
    OFString ascii(raw);
    for (size_t i = 0; i < ascii.length(); i++)
        if (static_cast<unsigned char>(ascii[i]) >= 0x80)
            ascii[i] = '?';
    return ascii;
}

void TextReader::get(DcmItem &item, const DcmTagKey &tag, char *out, size_t size)
{
    OFString raw;
    out[0] = '\0';
    if (item.findAndGetOFStringArray(tag, raw).bad())
        return;
    OFString text = convert(raw);
    text_copy(text.c_str(), text.length(), out, size);
}

bool TextReader::get_whole(DcmItem &item, const DcmTagKey &tag, long min, long max, int *ret)
{
    OFString raw;
    char digits[32];
    int64_t value;
    if (item.findAndGetOFString(tag, raw).bad())
        return false;
    text_copy(raw.c_str(), raw.length(), digits, sizeof digits);
    const char *start = *digits == '+' ? digits + 1 : digits;
    if (number_parse_int(start, min, max, &value, nullptr) < 0)
        return false;
    *ret = static_cast<int>(value);
    return true;
}
