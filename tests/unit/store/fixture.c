#include "fixture.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"

static int fixture_make(const char *scratch, void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct error err;
    if (!f)
        return -1;
    snprintf(f->folder, sizeof f->folder, "%s/axnode-store-XXXXXX", scratch);
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->root, sizeof f->root, "%s/a/store", f->folder);
    if (store_open(f->root, NULL, &f->store, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    *state = f;
    return 0;
}

int fixture_setup(void **state)
{
    return fixture_make("/tmp", state);
}

int fixture_setup_in_memory(void **state)
{
    return fixture_make(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", state);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    store_close(f->store);
    nftw(f->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

size_t object_make(char *out, size_t size, size_t meta, const char *dataset)
{
    static const char head[] = "DICM\2\0\0\0UL\4\0";
    size_t n = 144 + meta, length = strlen(dataset);
    if (n + length > size)
        abort();
    memset(out, 0, n);
    memcpy(out + 128, head, sizeof head - 1);
    out[140] = (char)(meta & 255);
    out[141] = (char)(meta >> 8 & 255);
    memset(out + 144, 'm', meta);
    memcpy(out + n, dataset, length);
    return n + length;
}

int object_store(struct store *store, const char *uid, size_t meta, const char *dataset,
                 struct store_committed *ret_committed, struct error *err)
{
    char bytes[8192];
    struct store_temp temp;
    size_t n = object_make(bytes, sizeof bytes, meta, dataset);
    int status = store_incoming_begin(store, &temp, err);
    if (status < 0)
        return status;
    status = store_temp_write(&temp, bytes, n / 2, err);
    if (status == 0)
        status = store_temp_write(&temp, bytes + n / 2, n - n / 2, err);
    if (status < 0) {
        store_temp_abandon(&temp);
        return status;
    }
    return store_incoming_commit(&temp, uid, ret_committed, err);
}

size_t area_count(struct store *store, enum store_area area)
{
    struct store_file files[3];
    struct store_scan *scan;
    size_t count, sum = 0;
    if (store_scan_open(store, area, &scan, NULL) < 0)
        abort();
    do {
        if (store_scan_next(scan, files, 3, &count, NULL) < 0)
            abort();
        sum += count;
    } while (count > 0);
    store_scan_close(scan);
    return sum;
}

size_t folder_count(const struct fixture *f, const char *folder)
{
    char path[160];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/%s", f->root, folder);
    DIR *list = opendir(path);
    if (!list)
        abort();
    const struct dirent *entry;
    while ((entry = readdir(list)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(list);
    return count;
}

bool file_holds(const char *path, const char *dataset)
{
    BUFFER_AUTO struct buffer content;
    buffer_init(&content);
    size_t n = strlen(dataset);
    return file_read(path, 1 << 20, &content, NULL) == 0 && content.size > n &&
           memcmp(content.data + content.size - n, dataset, n) == 0;
}
