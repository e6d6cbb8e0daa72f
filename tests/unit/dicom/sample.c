#include "sample.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

extern char **environ;

void sample_folder_make(char out[SAMPLE_PATH_SIZE])
{
    const char *base = getenv("TMPDIR");
    snprintf(out, SAMPLE_PATH_SIZE, "%s/axnode-dicom-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(out));
}

void sample_folder_remove(const char *folder)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(folder);
}

void sample_path(const char *folder, const char *name, char out[SAMPLE_PATH_SIZE])
{
    snprintf(out, SAMPLE_PATH_SIZE, "%s/%s", folder, name);
}

void sample_frames(struct image *frames, int count, int channels)
{
    for (int i = 0; i < count; i++) {
        assert_int_equal(image_init(&frames[i], 16, 20, channels, NULL), 0);
        for (int k = 0; k < 16 * 20 * channels; k++)
            frames[i].pixels[k] = (uint8_t)(k * 7 + 31 * i);
    }
}

struct us_image sample_image(const struct image *frames, int count)
{
    static const struct us_region regions[] = {{2, 1, 18, 14, 1, 1, 3, 3, 0.0125, 0.025},
                                               {0, 0, 1, 15, 0, 0, 0, 0, 1, 1}};
    return (struct us_image){.sop_instance_uid = "1.2.826.0.1.3680043.2.1",
                             .study_instance_uid = "2.25.1001",
                             .series_instance_uid = "2.25.1002",
                             .patient_id = "P-17",
                             .patient_name = "Müller^Anna",
                             .patient_birth_date = "19700102",
                             .patient_sex = "F",
                             .accession_number = "A4711",
                             .study_id = "S1",
                             .study_date = "20260102",
                             .study_time = "101112",
                             .study_description = "Mamma und Axilla",
                             .series_description = "Axilla links",
                             .protocol_name = "Mamma",
                             .image_comments = "LT AXILLA",
                             .body_part_examined = "BREAST",
                             .series_number = 3,
                             .instance_number = 4,
                             .laterality = 'L',
                             .anatomic_region = {"91470000", "SCT", "Axilla"},
                             .laterality_modifier = true,
                             .view = {"399348003", "SCT", "antero-posterior"},
                             .regions = regions,
                             .region_count = 2,
                             .frames = frames,
                             .frame_count = count,
                             .frame_time_ms = 33.3,
                             .synthetic_data = true};
}

void sample_write(const char *folder, const char *name, int count, int channels,
                  const char *sop_instance_uid, char out[SAMPLE_PATH_SIZE])
{
    struct image frames[4] = {0};
    struct error err = {0};
    assert_in_range(count, 1, 4);
    sample_frames(frames, count, channels);
    struct us_image image = sample_image(frames, count);
    image.sop_instance_uid = sop_instance_uid;
    sample_path(folder, name, out);
    if (us_image_write(out, &image, &err) < 0)
        fail_msg("%s (%s)", err.message, err.detail);
    for (int i = 0; i < count; i++)
        image_release(&frames[i]);
}

void sample_load(const char *path, struct buffer *content)
{
    struct error err = {0};
    buffer_init(content);
    if (file_read(path, 64 << 20, content, &err) < 0)
        fail_msg("%s", err.message);
}

void sample_save(const char *path, const void *bytes, size_t n)
{
    unlink(path); /* some file systems flush what is truncated and written again: slow */
    assert_int_equal(file_write(path, bytes, n, NULL), 0);
}

size_t sample_find(const struct buffer *content, const void *bytes, size_t n)
{
    const char *at = memmem(content->data, content->size, bytes, n);
    assert_non_null(at);
    return (size_t)(at - content->data);
}

size_t sample_data_set_offset(const struct buffer *content)
{
    uint8_t length[4];
    assert_true(content->size > 144);
    memcpy(length, content->data + 140, 4);
    return 144 + length[0] + 256u * length[1];
}

int sample_run(const char *const *arguments, const char *output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int state;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output ? output : "/dev/null",
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    int r = posix_spawnp(&pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0)
        return -1;
    assert_int_equal(waitpid(pid, &state, 0), pid);
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128;
}
