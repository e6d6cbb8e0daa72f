/* libFuzzer target: the NRRD reader. */
#include <stddef.h>
#include <stdint.h>

#include "model/radiomics/nrrd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct volume volume;
    struct label_volume labels;
    if (nrrd_read_bytes(data, size, "fuzz.nrrd", &volume, NULL) == 0) {
        if (label_volume_from_volume(&volume, &labels, NULL) == 0)
            label_volume_release(&labels);
        volume_release(&volume);
    }
    return 0;
}
