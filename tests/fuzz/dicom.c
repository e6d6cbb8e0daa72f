/* libFuzzer target: a whole DICOM file, header, pictures of every codec and content of a report,
 * through a file in memory. Seeds: tests/unit/dicom/pictures.py make FOLDER. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/reader.h"
#include "dicom/reported.h"
#include "dicom/setup.h"

enum { FRAMES_TRIED = 3 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return dicom_setup(NULL) < 0;
}

static void decode(const char *path, const struct dicom_limits *limits)
{
    struct dicom_frames *frames;
    struct image image;
    struct deep_image deep;
    if (dicom_frames_open(path, limits, &frames, NULL) < 0)
        return;
    for (int i = 0; i < FRAMES_TRIED && dicom_frames_next(frames, &image, NULL) == 0; i++)
        image_release(&image);
    if (dicom_frames_seek(frames, 0, NULL) == 0 &&
        dicom_frames_next_deep(frames, &deep, NULL) == 0)
        deep_image_release(&deep);
    dicom_frames_close(frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dicom_limits limits = {
        .object_bytes = 4 << 20, .frames = 64, .frame_pixels = 1 << 18};
    struct reported reported;
    int fd = memfd_create("fuzz.dcm", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (write(fd, data, size) == (ssize_t)size) {
        char path[64];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        decode(path, &limits);
        reported_read(path, &limits, &reported, NULL);
    }
    close(fd);
    return 0;
}
