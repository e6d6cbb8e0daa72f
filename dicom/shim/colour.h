// Colours for display: sRGB in CIELAB, and as an ICC profile.
#ifndef AXNODE_DICOM_SHIM_COLOUR_H
#define AXNODE_DICOM_SHIM_COLOUR_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace colour
{

// CIELAB with white point D50, scaled to 16 bits as PS3.3 C.10.7.1.1 says.
void cielab(const uint8_t rgb[3], uint16_t ret_lab[3]);

// sRGB (IEC 61966-2-1) as an ICC profile of version 2, of the class that DICOM asks for (input
// device, PS3.3 C.11.15); always the same bytes, of an even number.
std::vector<uint8_t> srgb_profile();

// Whether these bytes are a profile that may stand in an object of ours: of an input device, RGB, of
// the size that it says.
bool is_rgb_profile(const uint8_t *bytes, size_t size);

} // namespace colour

#endif
