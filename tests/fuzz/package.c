/* libFuzzer target: package.yaml, and a score by what it says. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/yaml.h"
#include "model/package/read.h"
#include "model/score/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml *yaml;
    if (yaml_load_text((const char *)data, size, "package.yaml", &yaml, NULL) < 0)
        return 0;
    struct package *package = calloc(1, sizeof *package);
    if (!package)
        abort();
    arena_init(&package->arena);
    if (package_read(yaml, package, NULL) == 0) {
        struct feature_list values = {0};
        const struct feature_list *lists[] = {&values};
        struct score score;
        for (size_t i = 0; i < package->term_count; i++)
            feature_list_add(&values, package->terms[i].feature, 1, false, NULL);
        for (size_t i = 0; i < package->score_count; i++)
            for (size_t k = 0; k < package->scores[i].term_count; k++)
                feature_list_add(&values, package->scores[i].terms[k].feature, 1, false, NULL);
        if (score_predict(package, lists, 1, &score, NULL) == 0)
            score_release(&score);
        feature_list_release(&values);
    }
    yaml_unload(yaml);
    package_free(package);
    return 0;
}
