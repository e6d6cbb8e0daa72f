#include "cli/files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <string.h>
#include <unistd.h>

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int list_add(struct file_list *list, size_t *capacity, const char *path,
                    struct arena *arena, struct error *err)
{
    if (list->count == *capacity) {
        size_t more = *capacity ? *capacity * 2 : 64;
        const char **grown = arena_array(arena, more, sizeof *grown);
        if (!grown)
            return error_set(err, STATUS_NOMEM, "out of memory");
        if (list->count)
            memcpy(grown, list->paths, list->count * sizeof *grown);
        list->paths = grown;
        *capacity = more;
    }
    const char *copy = arena_text(arena, path);
    if (!copy)
        return error_set(err, STATUS_NOMEM, "out of memory");
    list->paths[list->count++] = copy;
    return 0;
}

int files_list(char *const *paths, struct arena *arena, struct file_list *ret_list,
               struct error *err)
{
    struct file_list list = {0};
    size_t capacity = 0;
    int status = 0;
    FTS *walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
    if (!walk)
        return error_set_errno(err, STATUS_IO, errno, "cannot list files");
    for (FTSENT *entry; status == 0 && (entry = fts_read(walk));) {
        switch (entry->fts_info) {
        case FTS_F: status = list_add(&list, &capacity, entry->fts_path, arena, err); break;
        case FTS_NS:
        case FTS_ERR:
        case FTS_DNR:
            status = error_set_errno(err,
                                     entry->fts_errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO,
                                     entry->fts_errno, "cannot read %s", entry->fts_path);
            break;
        default: break;
        }
    }
    fts_close(walk);
    if (status == 0)
        *ret_list = list;
    return status;
}

bool file_starts_with(const char *path, const char *bytes, size_t size)
{
    char start[16];
    assert(size <= sizeof start);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, start, size);
    if (fd >= 0)
        close(fd);
    return n == (ssize_t)size && memcmp(start, bytes, size) == 0;
}

bool file_is_png(const char *path)
{
    return file_starts_with(path, "\x89PNG\r\n\x1a\n", 8);
}
