/* Files made for the tests of this folder. */
#ifndef AXNODE_TESTS_DICOM_SAMPLE_H
#define AXNODE_TESTS_DICOM_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "dicom/us_image.h"

enum { SAMPLE_PATH_SIZE = 128 };

/* A new scratch folder; removed by sample_folder_remove with its files. */
void sample_folder_make(char out[SAMPLE_PATH_SIZE]);
void sample_folder_remove(const char *folder);
void sample_path(const char *folder, const char *name, char out[SAMPLE_PATH_SIZE]);

/* A description with every field set; frames are made by sample_frames. */
struct us_image sample_image(const struct image *frames, int count);
/* `count` frames of 16 rows and 20 columns, no two alike. Release each. */
void sample_frames(struct image *frames, int count, int channels);
/* Both in one: a file in `folder`, its path in `out`. */
void sample_write(const char *folder, const char *name, int frames, int channels,
                  const char *sop_instance_uid, char out[SAMPLE_PATH_SIZE]);

void sample_load(const char *path, struct buffer *content);
void sample_save(const char *path, const void *bytes, size_t n);
/* Where `n` bytes first stand in the content; fails the test when nowhere. */
size_t sample_find(const struct buffer *content, const void *bytes, size_t n);
/* The data set's bytes: behind the file meta information. */
size_t sample_data_set_offset(const struct buffer *content);

/* Run a program and wait: its exit code, or -1 when it is not installed. Output is thrown away,
 * or goes to the file `output`. */
int sample_run(const char *const *arguments, const char *output);

#endif
