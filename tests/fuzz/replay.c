/* Runs a fuzz target without libFuzzer: every .dcm or .pdu file of a folder as it is, then with bytes
 * changed. The same files give the same runs, on every compiler and sanitizer.
 *
 *   replay_NAME FOLDER RUNS    RUNS changed versions of each file
 *
 * Exit status 77 without any file. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/number.h"

enum { FILE_MAX = 1 << 20, CHANGES_MAX = 8, HEADER = 2048, SKIPPED = 77 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*state >> 33);
}

/* A few bytes, most of them near the start, where lengths and kinds stand; or the end is lost.
 * Returns how many bytes are left. */
static size_t change(uint8_t *data, size_t size, uint64_t *state)
{
    static const uint8_t telling[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
    for (uint32_t i = next(state) % CHANGES_MAX + 1; i > 0; i--) {
        size_t within = size > HEADER && next(state) % 3 ? HEADER : size;
        uint8_t *at = data + next(state) % within;
        *at = next(state) % 2 ? (uint8_t)(*at ^ 1U << next(state) % 8)
                              : telling[next(state) % sizeof telling];
    }
    return next(state) % 8 ? size : next(state) % size + 1;
}

/* Each run has an allocation of its own size, so that a sanitizer sees what is read beyond. */
static void run(const uint8_t *data, size_t size, uint64_t *change_by)
{
    uint8_t *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    size_t left = change_by ? change(copy, size, change_by) : size;
    uint8_t *cut = realloc(copy, left);
    if (!cut)
        abort();
    LLVMFuzzerTestOneInput(cut, left);
    free(cut);
}

static int replay(const char *path, int64_t runs)
{
    struct buffer file = {0};
    uint64_t state;
    int status = file_read(path, FILE_MAX, &file, NULL);
    if (status == 0 && file.size > 0) {
        state = file.size;
        run((const uint8_t *)file.data, file.size, NULL);
        for (int64_t i = 0; i < runs; i++)
            run((const uint8_t *)file.data, file.size, &state);
    }
    buffer_release(&file);
    return status == 0;
}

static int is_seed(const struct dirent *entry)
{
    const char *end = strrchr(entry->d_name, '.');
    return end && (strcmp(end, ".dcm") == 0 || strcmp(end, ".pdu") == 0);
}

static int replay_folder(const char *folder, int64_t runs)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_seed, alphasort), files = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) < (int)sizeof path)
            files += replay(path, runs);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return files;
}

int main(int argc, char **argv)
{
    int64_t runs = 0;
    if (argc != 3 || number_parse_int(argv[2], 0, 1000000, &runs, NULL) < 0)
        return 2;
    if (LLVMFuzzerInitialize(&argc, &argv) != 0)
        return 2;
    int files = replay_folder(argv[1], runs);
    printf("%d files, each with %lld changed versions\n", files, (long long)runs);
    return files ? 0 : SKIPPED;
}
