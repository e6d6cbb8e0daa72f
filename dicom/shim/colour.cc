#include "dicom/shim/colour.h"

#include <cmath>
#include <cstring>
#include <string>

namespace colour
{

namespace
{

// Linear sRGB to XYZ adapted to D50 by Bradford (ICC.1).
const double MATRIX[3][3] = {{0.4360747, 0.3850649, 0.1430804},
                             {0.2225045, 0.7168786, 0.0606169},
                             {0.0139322, 0.0971045, 0.7141733}};
const double WHITE[3] = {0.9642, 1.0, 0.8249};

double linear(double v)
{
    return v <= 0.04045 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
}

typedef std::vector<uint8_t> Bytes;

void put(Bytes &out, uint32_t value, int bytes)
{
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        out.push_back(static_cast<uint8_t>(value >> shift));
}

void put(Bytes &out, const char *text, size_t size)
{
    const size_t length = strlen(text);
    for (size_t i = 0; i < size; i++)
        out.push_back(i < length ? static_cast<uint8_t>(text[i]) : 0);
}

void put_fixed(Bytes &out, double value) // s15Fixed16Number
{
    put(out, static_cast<uint32_t>(std::lround(value * 65536)), 4);
}

Bytes xyz(double x, double y, double z)
{
    Bytes out;
    put(out, "XYZ ", 4);
    put(out, 0, 4);
    put_fixed(out, x);
    put_fixed(out, y);
    put_fixed(out, z);
    return out;
}

Bytes description(const char *text)
{
    Bytes out;
    put(out, "desc", 4);
    put(out, 0, 4);
    put(out, static_cast<uint32_t>(strlen(text) + 1), 4);
    put(out, text, strlen(text) + 1);
    put(out, "", 4 + 4 + 2 + 1 + 67); // no Unicode, no Macintosh text
    return out;
}

Bytes copyright(const char *text)
{
    Bytes out;
    put(out, "text", 4);
    put(out, 0, 4);
    put(out, text, strlen(text) + 1);
    return out;
}

Bytes curve()
{
    Bytes out;
    put(out, "curv", 4);
    put(out, 0, 4);
    put(out, 256, 4);
    for (int i = 0; i < 256; i++)
        put(out, static_cast<uint32_t>(std::lround(65535 * linear(i / 255.0))), 2);
    return out;
}

Bytes header()
{
    Bytes out;
    put(out, 0, 4); // the size, set when it is known
    put(out, 0, 4);
    put(out, 0x02400000, 4);
    put(out, "scnrRGB XYZ ", 12);
    for (uint32_t part : {2026, 1, 1, 0, 0, 0}) // a fixed date: same bytes
        put(out, part, 2);
    put(out, "acsp", 4);
    put(out, "", 28); // platform, flags, device, attributes, rendering intent: perceptual
    for (double w : WHITE)
        put_fixed(out, w);
    put(out, "", 48);
    return out;
}

} // namespace

void cielab(const uint8_t rgb[3], uint16_t ret_lab[3])
{
    double f[3];
    for (int i = 0; i < 3; i++) {
        double t = 0;
        for (int k = 0; k < 3; k++)
            t += MATRIX[i][k] * linear(rgb[k] / 255.0);
        t /= WHITE[i];
        f[i] = t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
    }
    const auto scaled = [](double v, double low, double high) {
        const double unit = (v - low) / (high - low);
        return static_cast<uint16_t>(std::lround(65535 * (unit < 0 ? 0 : unit > 1 ? 1 : unit)));
    };
    ret_lab[0] = scaled(116 * f[1] - 16, 0, 100);
    ret_lab[1] = scaled(500 * (f[0] - f[1]), -128, 127);
    ret_lab[2] = scaled(200 * (f[1] - f[2]), -128, 127);
}

std::vector<uint8_t> srgb_profile()
{
    const Bytes tone = curve();
    const struct {
        const char *tag;
        Bytes data;
    } tags[] = {
        {"desc", description("sRGB IEC61966-2-1")},
        {"cprt", copyright("No copyright, use freely")},
        {"wtpt", xyz(WHITE[0], WHITE[1], WHITE[2])},
        {"rXYZ", xyz(MATRIX[0][0], MATRIX[1][0], MATRIX[2][0])},
        {"gXYZ", xyz(MATRIX[0][1], MATRIX[1][1], MATRIX[2][1])},
        {"bXYZ", xyz(MATRIX[0][2], MATRIX[1][2], MATRIX[2][2])},
        {"rTRC", tone},
        {"gTRC", tone},
        {"bTRC", tone},
    };
    const size_t count = sizeof tags / sizeof *tags;
    Bytes out = header(), data;
    const size_t first = out.size() + 4 + 12 * count;
    size_t tone_at = 0;
    put(out, static_cast<uint32_t>(count), 4);
    for (const auto &tag : tags) {
        const bool shared = tone_at > 0 && tag.data == tone; // one curve for three colours
        const size_t at = shared ? tone_at : first + data.size();
        if (tag.data == tone)
            tone_at = at;
        put(out, tag.tag, 4);
        put(out, static_cast<uint32_t>(at), 4);
        put(out, static_cast<uint32_t>(tag.data.size()), 4);
        if (!shared)
            data.insert(data.end(), tag.data.begin(), tag.data.end());
        while (data.size() % 4 != 0)
            data.push_back(0);
    }
    out.insert(out.end(), data.begin(), data.end());
    for (int i = 0; i < 4; i++)
        out[static_cast<size_t>(i)] = static_cast<uint8_t>(out.size() >> (24 - 8 * i));
    return out;
}

bool is_rgb_profile(const uint8_t *bytes, size_t size)
{
    if (size < 132)
        return false;
    const size_t says = size_t(bytes[0]) << 24 | size_t(bytes[1]) << 16 | size_t(bytes[2]) << 8 |
                        bytes[3];
    return (says == size || says + 1 == size) && memcmp(bytes + 12, "scnrRGB ", 8) == 0 &&
           memcmp(bytes + 36, "acsp", 4) == 0;
}

} // namespace colour
