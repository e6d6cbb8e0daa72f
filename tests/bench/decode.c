/* How fast loops are decoded: `bench_decode FILE…` prints frames per second of each, on one
 * thread. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "dicom/reader.h"
#include "dicom/setup.h"

static int decode_all(struct dicom_frames *frames, struct error *err)
{
    const struct dicom_instance *instance = dicom_frames_instance(frames);
    int64_t start = clock_monotonic_us(clock_system());
    for (int i = 0; i < instance->frames; i++) {
        struct image image;
        int r = dicom_frames_next(frames, &image, err);
        if (r < 0)
            return r;
        image_release(&image);
    }
    double seconds = (double)(clock_monotonic_us(clock_system()) - start) / 1e6;
    printf("%7.1f frames/s  %4d × %d × %d  %s  %s\n", instance->frames / seconds, instance->frames,
           instance->rows, instance->columns, instance->transfer_syntax_uid,
           instance->photometric);
    return 0;
}

int main(int argc, char **argv)
{
    const struct dicom_limits limits = dicom_limits_default();
    struct error err = {0};
    int failed = dicom_setup(&err) < 0;
    for (int i = 1; i < argc && !failed; i++) {
        struct dicom_frames *frames = NULL;
        failed = dicom_frames_open(argv[i], &limits, &frames, &err) < 0 ||
                 decode_all(frames, &err) < 0;
        dicom_frames_close(frames);
    }
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    return failed;
}
