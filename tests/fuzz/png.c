/* libFuzzer target: pictures and masks from PNG files, through a file in memory, for the readers
 * take paths. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image/png.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz.png", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (write(fd, data, size) == (ssize_t)size) {
        char path[64];
        struct image image;
        struct deep_image grey;
        struct mask mask;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (image_read_png(path, &image, NULL) == 0)
            image_release(&image);
        if (deep_image_read_png(path, &grey, NULL) == 0)
            deep_image_release(&grey);
        if (mask_read_png(path, &mask, NULL) == 0)
            mask_release(&mask);
    }
    close(fd);
    return 0;
}
