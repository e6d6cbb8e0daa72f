/* phantom_write FOLDER STUDIES SEED [loops]: what cues.py looks at. */
#include <stdio.h>

#include "base/number.h"
#include "dicom/setup.h"
#include "phantom/phantom.h"

int main(int argc, char **argv)
{
    struct error err = {0};
    int64_t studies, seed;
    if (argc < 4 ||
        number_parse_int(argv[2], 1, PHANTOM_STUDIES_MAX, &studies, &err) != STATUS_OK ||
        number_parse_int(argv[3], 0, INT64_MAX, &seed, &err) != STATUS_OK ||
        dicom_setup(&err) != STATUS_OK ||
        phantom_generate(argv[1],
                         &(struct phantom_request){(int)studies, (uint64_t)seed,
                                                   argc > 4 ? PHANTOM_LOOPS : PHANTOM_STILLS},
                         NULL, NULL, &err) != STATUS_OK) {
        fprintf(stderr, "phantom_write: %s\n", err.message);
        return 1;
    }
    return 0;
}
