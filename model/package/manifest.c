#include "model/package/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/signature.h"

enum { FILES_MAX = 1024, DEPTH_MAX = 4, PATH_BYTES_MAX = 256, MANIFEST_BYTES_MAX = 1 << 20 };

struct file_list {
    struct arena *arena;
    const char *paths[FILES_MAX];
    size_t count;
};

static bool path_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '.' || c == '_' || c == '-';
}

bool manifest_path_valid(const char *path)
{
    size_t n = strlen(path);
    if (n == 0 || n > PATH_BYTES_MAX)
        return false;
    bool start = true;
    for (const char *p = path; *p; p++) {
        if (*p == '/' ? start : (!path_character(*p) || (start && *p == '.')))
            return false;
        start = *p == '/';
    }
    return !start;
}

/* ---- what the folder holds ---- */

static int list_folder(const char *folder, const char *below, int depth, struct file_list *list,
                       struct error *err);

static int list_entry(const char *folder, const char *path, int depth, struct file_list *list,
                      struct error *err)
{
    char full[PATH_MAX];
    struct stat info;
    if (snprintf(full, sizeof full, "%s/%s", folder, path) >= (int)sizeof full ||
        !manifest_path_valid(path))
        return error_set(err, STATUS_INVALID, "package %s holds a file with an unusable name",
                         folder);
    if (lstat(full, &info) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot look at file %s", full);
    if (S_ISDIR(info.st_mode))
        return list_folder(folder, path, depth + 1, list, err);
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_INVALID,
                         "package %s: %s is neither a plain file nor a folder", folder, path);
    if (list->count == FILES_MAX)
        return error_set(err, STATUS_LIMIT, "package %s holds more than %d files", folder,
                         FILES_MAX);
    list->paths[list->count] = arena_text(list->arena, path);
    if (!list->paths[list->count])
        return error_set(err, STATUS_NOMEM, "out of memory");
    list->count++;
    return 0;
}

static int list_folder(const char *folder, const char *below, int depth, struct file_list *list,
                       struct error *err)
{
    char full[PATH_MAX], path[2 * PATH_BYTES_MAX];
    if (depth > DEPTH_MAX)
        return error_set(err, STATUS_LIMIT, "package %s has folders deeper than %d", folder,
                         DEPTH_MAX);
    if (snprintf(full, sizeof full, "%s/%s", folder, below) >= (int)sizeof full)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    DIR *dir = opendir(full);
    if (!dir)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open package folder %s", full);
    int status = 0;
    for (struct dirent *entry; status == 0 && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            (!*below && (strcmp(name, "MANIFEST") == 0 || strcmp(name, "MANIFEST.sig") == 0)))
            continue;
        int n = snprintf(path, sizeof path, "%s%s%s", below, *below ? "/" : "", name);
        status = n < (int)sizeof path ? list_entry(folder, path, depth, list, err)
                                      : error_set(err, STATUS_LIMIT,
                                                  "package %s has too long a path", folder);
    }
    closedir(dir);
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int list_files(const char *folder, struct file_list *list, struct error *err)
{
    int status = list_folder(folder, "", 0, list, err);
    if (status == 0)
        qsort(list->paths, list->count, sizeof *list->paths, compare_paths);
    return status;
}

static int digest_of(const char *folder, const char *path, char ret_hex[DIGEST_TEXT_SIZE],
                     struct error *err)
{
    char full[PATH_MAX];
    if (snprintf(full, sizeof full, "%s/%s", folder, path) >= (int)sizeof full)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    return digest_file(full, ret_hex, NULL, err);
}

/* ---- what MANIFEST says ---- */

static bool is_digest(const char *text)
{
    return strspn(text, "0123456789abcdef") >= DIGEST_TEXT_SIZE - 1;
}

/* Cuts one line in place; the buffer's text ends with NUL. */
static int parse_line(char *line, const char *name, int number, struct arena *arena,
                      const struct manifest_entry *before, struct manifest_entry *ret_entry,
                      struct error *err)
{
    enum { HEX = DIGEST_TEXT_SIZE - 1 };
    if (strlen(line) < HEX + 3 || !is_digest(line) || memcmp(line + HEX, "  ", 2) != 0)
        return error_set(err, STATUS_INVALID, "%s:%d: must be a SHA-256, two blanks and a path",
                         name, number);
    const char *path = line + HEX + 2;
    if (!manifest_path_valid(path))
        return error_set(err, STATUS_INVALID, "%s:%d: the path is not allowed", name, number);
    if (before && strcmp(before->path, path) >= 0)
        return error_set(err, STATUS_INVALID, "%s:%d: the paths are not in order", name, number);
    memcpy(ret_entry->sha256, line, HEX);
    ret_entry->sha256[HEX] = '\0';
    ret_entry->path = arena_text(arena, path);
    return ret_entry->path ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
}

static int parse_manifest(struct buffer *content, const char *name, struct arena *arena,
                          struct manifest *manifest, struct error *err)
{
    manifest->entries = arena_array(arena, FILES_MAX, sizeof *manifest->entries);
    if (!manifest->entries)
        return error_set(err, STATUS_NOMEM, "out of memory");
    if (content->size == 0 || strlen(content->data) != content->size)
        return error_set(err, STATUS_INVALID, "%s is empty or no text", name);
    int number = 1;
    for (char *line = content->data; *line; number++) {
        char *end = strchr(line, '\n');
        if (!end)
            return error_set(err, STATUS_INVALID, "%s:%d: the line does not end", name, number);
        *end = '\0';
        if (manifest->count == FILES_MAX)
            return error_set(err, STATUS_LIMIT, "%s names more than %d files", name, FILES_MAX);
        struct manifest_entry *entry = &manifest->entries[manifest->count];
        int status = parse_line(line, name, number, arena, manifest->count ? entry - 1 : NULL,
                                entry, err);
        if (status < 0)
            return status;
        manifest->count++;
        line = end + 1;
    }
    return 0;
}

const char *manifest_digest(const struct manifest *manifest, const char *path)
{
    for (size_t i = 0; i < manifest->count; i++)
        if (strcmp(manifest->entries[i].path, path) == 0)
            return manifest->entries[i].sha256;
    return NULL;
}

/* Both lists are sorted, so they are walked side by side. */
static int compare_files(const char *folder, const struct manifest *manifest,
                         const struct file_list *files, struct error *err)
{
    for (size_t i = 0; i < files->count || i < manifest->count; i++) {
        const char *here = i < files->count ? files->paths[i] : NULL;
        const char *named = i < manifest->count ? manifest->entries[i].path : NULL;
        int order = !here ? 1 : !named ? -1 : strcmp(here, named);
        if (order < 0)
            return error_set(err, STATUS_INVALID,
                             "package %s holds %s, which its MANIFEST does not name", folder, here);
        if (order > 0)
            return error_set(err, STATUS_INVALID, "package %s lacks %s, which its MANIFEST names",
                             folder, named);
        char hex[DIGEST_TEXT_SIZE];
        int status = digest_of(folder, here, hex, err);
        if (status < 0)
            return status;
        if (strcmp(hex, manifest->entries[i].sha256) != 0)
            return error_set(err, STATUS_INVALID,
                             "package %s: %s differs from what its MANIFEST states", folder, here);
    }
    return 0;
}

/* ---- signature ---- */

static int check_signature(const char *folder, const struct package_options *options,
                           const struct buffer *content, bool *ret_signed, struct error *err)
{
    char path[PATH_MAX];
    struct buffer signature BUFFER_AUTO = {0};
    struct error why = {0};
    if (snprintf(path, sizeof path, "%s/MANIFEST.sig", folder) >= (int)sizeof path)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    int status = file_read(path, SIGNATURE_SIZE, &signature, &why);
    if (status == STATUS_NOT_FOUND) {
        *ret_signed = false;
        return options->allow_unsigned
                   ? 0
                   : error_set(err, STATUS_INVALID, "package %s is not signed", folder);
    }
    if (status < 0 || signature.size != SIGNATURE_SIZE)
        return error_set(err, STATUS_INVALID, "package %s: MANIFEST.sig is no Ed25519 signature",
                         folder);
    bool valid = false;
    for (size_t i = 0; i < options->key_count && !valid; i++) {
        status = signature_verify(options->key_files[i], buffer_text(content), content->size,
                                  (const uint8_t *)signature.data, &valid, err);
        if (status < 0)
            return status;
    }
    if (!valid && (options->key_count > 0 || !options->allow_unsigned))
        return error_set(err, STATUS_INVALID, "package %s is not signed by a trusted key", folder);
    *ret_signed = valid;
    return 0;
}

static int read_manifest(const char *folder, struct buffer *ret_content, char path[PATH_MAX],
                         struct error *err)
{
    if (snprintf(path, PATH_MAX, "%s/MANIFEST", folder) >= PATH_MAX)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    struct stat info;
    if (lstat(path, &info) < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot look at file %s", path);
    if (!S_ISREG(info.st_mode))
        return error_set(err, STATUS_INVALID, "%s is no plain file", path);
    return file_read(path, MANIFEST_BYTES_MAX, ret_content, err);
}

int manifest_check(const char *folder, const struct package_options *options, struct arena *arena,
                   struct manifest *ret_manifest, struct error *err)
{
    char path[PATH_MAX];
    struct buffer content BUFFER_AUTO = {0};
    struct manifest manifest = {0};
    struct file_list *files = arena_alloc(arena, sizeof *files);
    if (!files)
        return error_set(err, STATUS_NOMEM, "out of memory");
    files->arena = arena;
    int status = read_manifest(folder, &content, path, err);
    if (status < 0)
        return status;
    uint8_t digest[DIGEST_SIZE];
    digest_bytes(buffer_text(&content), content.size, digest);
    digest_format(digest, manifest.digest);
    status = check_signature(folder, options, &content, &manifest.is_signed, err);
    if (status == 0)
        status = parse_manifest(&content, path, arena, &manifest, err);
    if (status == 0)
        status = list_files(folder, files, err);
    if (status == 0)
        status = compare_files(folder, &manifest, files, err);
    if (status == 0)
        *ret_manifest = manifest;
    return status;
}

int package_manifest_write(const char *folder, struct error *err)
{
    struct arena arena ARENA_AUTO;
    struct buffer content BUFFER_AUTO = {0};
    char path[PATH_MAX];
    arena_init(&arena);
    struct file_list *files = arena_alloc(&arena, sizeof *files);
    if (!files)
        return error_set(err, STATUS_NOMEM, "out of memory");
    files->arena = &arena;
    int status = list_files(folder, files, err);
    for (size_t i = 0; i < files->count && status == 0; i++) {
        char hex[DIGEST_TEXT_SIZE];
        status = digest_of(folder, files->paths[i], hex, err);
        if (status == 0)
            status = buffer_print(&content, err, "%s  %s\n", hex, files->paths[i]);
    }
    if (status < 0)
        return status;
    if (snprintf(path, sizeof path, "%s/MANIFEST.sig", folder) >= (int)sizeof path)
        return error_set(err, STATUS_LIMIT, "package %s has too long a path", folder);
    if (unlink(path) < 0 && errno != ENOENT)
        return error_set_errno(err, STATUS_IO, errno, "cannot remove file %s", path);
    path[strlen(path) - strlen(".sig")] = '\0';
    return file_write(path, content.data, content.size, err);
}

int package_sign(const char *folder, const char *key_file, struct error *err)
{
    char path[PATH_MAX], signature_path[PATH_MAX + 8];
    struct buffer content BUFFER_AUTO = {0};
    uint8_t signature[SIGNATURE_SIZE];
    int status = read_manifest(folder, &content, path, err);
    if (status == 0)
        status = signature_make(key_file, buffer_text(&content), content.size, signature, err);
    if (status < 0)
        return status;
    snprintf(signature_path, sizeof signature_path, "%s.sig", path);
    return file_write(signature_path, signature, sizeof signature, err);
}
