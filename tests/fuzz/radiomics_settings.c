/* libFuzzer target: PyRadiomics' parameter files. */
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"
#include "model/radiomics/radiomics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml *yaml;
    struct radiomics_settings settings;
    if (yaml_load_text((const char *)data, size, "fuzz.yaml", &yaml, NULL) == 0) {
        radiomics_settings_read(yaml, yaml_root(yaml), &settings, NULL, NULL);
        yaml_unload(yaml);
    }
    return 0;
}
