#include "dicom/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/inflate.h"
#include "dicom/syntax.h"

enum { WINDOW_BYTES = 16384, UNDEFINED_LENGTH = 0xffffffff };
enum { TAG_ITEM = 0xfffee000, TAG_ITEM_END = 0xfffee00d, TAG_SEQUENCE_END = 0xfffee0dd };
enum { TAG_PIXEL_DATA = 0x7fe00010, TAG_EXTENDED_OFFSETS = 0x7fe00001 };
enum { TAG_META_CLASS = 0x00020002, TAG_META_SYNTAX = 0x00020010 };

enum level_kind { LEVEL_ITEM, LEVEL_SEQUENCE, LEVEL_FRAGMENTS };

/* One open item or sequence. */
struct level {
    enum level_kind kind;
    enum dicom_encoding encoding;
    bool delimited; /* undefined length: ends at a delimiter, `end` is only its parent's */
    bool guessed;   /* a value that merely looks like a sequence: if it is none, it is skipped */
    uint64_t end;
};

struct walk {
    int fd;
    const char *name;
    struct error *err;
    uint64_t at; /* position in the file */
    uint8_t window[WINDOW_BYTES];
    uint64_t window_at;
    size_t window_size;
    uint32_t elements;
    bool in_pixels;                               /* the data set's own Pixel Data */
    struct level levels[2 * DICOM_DEPTH_MAX + 1]; /* [0] is the data set */
    int depth;
    struct dicom_scan scan;
};

struct element {
    uint32_t tag, length;
    char vr[3]; /* "" when implicit */
};

static int broken(struct walk *w, const char *reason)
{
    return error_set(w->err, STATUS_INVALID, "%s: %s at byte %llu", w->name, reason,
                     (unsigned long long)w->at);
}

/* `n` bytes at the current position, which moves behind them. */
static int take(struct walk *w, uint64_t end, void *ret_bytes, size_t n)
{
    if (w->at > end || end - w->at < n)
        return broken(w, end == w->scan.file_bytes ? "the file is cut off"
                                                   : "an element is larger than its item");
    if (w->at < w->window_at || w->at + n > w->window_at + w->window_size) {
        ssize_t got;
        do
            got = pread(w->fd, w->window, sizeof w->window, (off_t)w->at);
        while (got < 0 && errno == EINTR);
        if (got < 0)
            return error_set_errno(w->err, STATUS_IO, errno, "cannot read %s", w->name);
        w->window_at = w->at;
        w->window_size = (size_t)got;
        if ((size_t)got < n)
            return broken(w, "the file is cut off");
    }
    memcpy(ret_bytes, w->window + (w->at - w->window_at), n);
    w->at += n;
    return 0;
}

static int skip(struct walk *w, uint64_t end, uint64_t n)
{
    if (end - w->at < n)
        return broken(w, end == w->scan.file_bytes ? "the file is cut off"
                                                   : "an element is larger than its item");
    w->at += n;
    return 0;
}

static uint32_t number(const uint8_t *bytes, int n, bool big)
{
    uint32_t value = 0;
    for (int i = 0; i < n; i++)
        value = value << 8 | bytes[big ? i : n - 1 - i];
    return value;
}

static bool vr_is(const char *vr, const char *list)
{
    for (; *list; list += 2)
        if (memcmp(vr, list, 2) == 0)
            return true;
    return false;
}

static int take_element(struct walk *w, uint64_t end, enum dicom_encoding encoding,
                        struct element *ret_element)
{
    bool big = encoding == DICOM_EXPLICIT_BIG;
    uint8_t b[8];
    int r = take(w, end, b, 8);
    if (r < 0)
        return r;
    struct element e = {.tag = number(b, 2, big) << 16 | number(b + 2, 2, big)};
    if (encoding == DICOM_IMPLICIT_LITTLE || e.tag >> 16 == 0xfffe) {
        e.length = number(b + 4, 4, big);
    } else {
        memcpy(e.vr, b + 4, 2);
        if (e.vr[0] < 'A' || e.vr[0] > 'Z' || e.vr[1] < 'A' || e.vr[1] > 'Z') {
            w->at -= 4;
            return broken(w, "no value representation");
        }
        e.length = number(b + 6, 2, big);
        if (vr_is(e.vr, "OBODOFOLOVOWSQSVUCUNURUTUV")) {
            r = take(w, end, b, 4);
            e.length = number(b, 4, big);
        }
    }
    if (r == 0)
        *ret_element = e;
    return r;
}

static int count(struct walk *w)
{
    if (++w->elements > DICOM_ELEMENTS_MAX)
        return error_set(w->err, STATUS_INVALID, "%s: more than %d elements", w->name,
                         DICOM_ELEMENTS_MAX);
    return 0;
}

static int push(struct walk *w, enum level_kind kind, enum dicom_encoding encoding, uint32_t length,
                bool guessed)
{
    const struct level *parent = &w->levels[w->depth];
    bool delimited = length == UNDEFINED_LENGTH;
    if (!delimited && parent->end - w->at < length)
        return broken(w, parent->end == w->scan.file_bytes ? "the file is cut off"
                                                           : "an item is larger than its parent");
    if (w->depth + 1 >= (int)(sizeof w->levels / sizeof *w->levels))
        return error_set(w->err, STATUS_INVALID, "%s: items nested deeper than %d", w->name,
                         DICOM_DEPTH_MAX);
    struct level level = {.kind = kind,
                          .encoding = encoding,
                          .delimited = delimited,
                          .guessed = guessed,
                          .end = delimited ? parent->end : w->at + length};
    w->levels[++w->depth] = level;
    return 0;
}

/* Implicit encoding hides which values are sequences, and DCMTK's dictionaries know more than
 * we do: what begins like an item is walked as a sequence. */
static int looks_like_sequence(struct walk *w, uint64_t end, uint32_t length, bool *ret_looks)
{
    uint8_t b[4] = {0};
    *ret_looks = false;
    if (length < 8 || end - w->at < 8)
        return 0;
    int r = take(w, end, b, 4);
    if (r < 0)
        return r;
    w->at -= 4;
    *ret_looks = number(b, 2, false) == 0xfffe && number(b + 2, 2, false) == 0xe000;
    return 0;
}

static int enter_value(struct walk *w, const struct level *level, const struct element *e)
{
    bool sequence = memcmp(e->vr, "SQ", 2) == 0;
    bool implicit = level->encoding == DICOM_IMPLICIT_LITTLE;
    bool unknown = memcmp(e->vr, "UN", 2) == 0; /* always implicit little endian inside */
    bool pixels = e->tag == TAG_PIXEL_DATA;
    if (e->length == UNDEFINED_LENGTH && !sequence && !unknown && (!implicit || pixels)) {
        if (!vr_is(e->vr, "OBOW"))
            return broken(w, "a length is missing");
        return push(w, LEVEL_FRAGMENTS, level->encoding, e->length, false);
    }
    if (sequence || e->length == UNDEFINED_LENGTH)
        return push(w, LEVEL_SEQUENCE, unknown ? DICOM_IMPLICIT_LITTLE : level->encoding, e->length,
                    false);
    bool looks = false;
    if ((implicit || unknown) && !pixels) {
        int r = looks_like_sequence(w, level->end, e->length, &looks);
        if (r < 0)
            return r;
    }
    if (looks)
        return push(w, LEVEL_SEQUENCE, DICOM_IMPLICIT_LITTLE, e->length, true);
    return skip(w, level->end, e->length);
}

static int step_item(struct walk *w, const struct level *level)
{
    struct element e;
    int r = take_element(w, level->end, level->encoding, &e);
    if (r < 0)
        return r;
    if (e.tag == TAG_ITEM_END && level->delimited && w->depth > 0) {
        w->depth--;
        return 0;
    }
    if (e.tag >> 16 == 0xfffe)
        return broken(w, "a delimiter without its item");
    r = count(w);
    if (w->depth == 0)
        w->in_pixels = e.tag == TAG_PIXEL_DATA;
    if (r == 0 && w->depth == 0 && e.tag == TAG_PIXEL_DATA) {
        w->scan.pixels = true;
        w->scan.encapsulated = e.length == UNDEFINED_LENGTH;
        w->scan.pixel_words = level->encoding == DICOM_IMPLICIT_LITTLE || e.vr[1] == 'W';
        w->scan.pixel_at = w->at;
        w->scan.fragments = 0;
        w->scan.pixel_bytes = w->scan.encapsulated ? 0 : e.length;
    }
    if (r == 0 && w->depth == 0 && e.tag == TAG_EXTENDED_OFFSETS && e.length != UNDEFINED_LENGTH) {
        w->scan.extended_at = w->at;
        w->scan.extended_bytes = e.length;
    }
    return r < 0 ? r : enter_value(w, level, &e);
}

static int step_sequence(struct walk *w, const struct level *level)
{
    struct element e;
    int r = take_element(w, level->end, level->encoding, &e);
    if (r < 0)
        return r;
    if (e.tag == TAG_SEQUENCE_END && level->delimited) {
        w->depth--;
        return 0;
    }
    if (e.tag != TAG_ITEM)
        return broken(w, "no item where one belongs");
    r = count(w);
    return r < 0 ? r : push(w, LEVEL_ITEM, level->encoding, e.length, false);
}

static int step_fragments(struct walk *w, const struct level *level)
{
    struct element e;
    int r = take_element(w, level->end, level->encoding, &e);
    if (r < 0)
        return r;
    if (e.tag == TAG_SEQUENCE_END) {
        w->depth--;
        return 0;
    }
    if (e.tag != TAG_ITEM || e.length == UNDEFINED_LENGTH)
        return broken(w, "no fragment where one belongs");
    if (w->depth == 1 && w->in_pixels) {
        w->scan.fragments++;
        w->scan.pixel_bytes += e.length;
    }
    r = count(w);
    return r < 0 ? r : skip(w, level->end, e.length);
}

/* What merely looked like a sequence is a plain value: continue behind the outermost such. */
static bool give_up_guess(struct walk *w)
{
    for (int i = 1; i <= w->depth; i++) {
        if (w->levels[i].guessed) {
            w->at = w->levels[i].end;
            w->depth = i - 1;
            return true;
        }
    }
    return false;
}

static int walk_data_set(struct walk *w, enum dicom_encoding encoding)
{
    w->depth = 0;
    w->levels[0] =
        (struct level){.kind = LEVEL_ITEM, .encoding = encoding, .end = w->scan.file_bytes};
    for (;;) {
        const struct level level = w->levels[w->depth];
        if (w->at == level.end && !level.delimited) {
            if (w->depth == 0)
                return 0;
            w->depth--;
            continue;
        }
        int r = level.kind == LEVEL_ITEM       ? step_item(w, &level)
                : level.kind == LEVEL_SEQUENCE ? step_sequence(w, &level)
                                               : step_fragments(w, &level);
        if (r < 0 && !(r == STATUS_INVALID && give_up_guess(w)))
            return r;
    }
}

static int take_uid(struct walk *w, uint32_t length, char ret_uid[UID_SIZE])
{
    char uid[UID_SIZE] = "";
    if (length >= UID_SIZE)
        return broken(w, "a UID is too long");
    int r = take(w, w->scan.file_bytes, uid, length);
    if (r < 0)
        return r;
    while (length > 0 && (uid[length - 1] == ' ' || uid[length - 1] == '\0'))
        uid[--length] = '\0';
    if (!uid_valid(uid))
        return broken(w, "a UID is malformed");
    memcpy(ret_uid, uid, UID_SIZE);
    return 0;
}

static int take_meta(struct walk *w)
{
    uint64_t end = w->scan.file_bytes;
    char magic[4] = "";
    w->at = 128;
    if (end < 132 || take(w, end, magic, 4) < 0 || memcmp(magic, "DICM", 4) != 0)
        return error_set(w->err, STATUS_INVALID, "%s: not a DICOM file", w->name);
    for (;;) {
        uint64_t start = w->at;
        struct element e;
        uint8_t group[2];
        if (w->at == end)
            break;
        int r = take(w, end, group, 2);
        if (r < 0)
            return r;
        w->at = start;
        if (number(group, 2, false) != 2)
            break;
        r = take_element(w, end, DICOM_EXPLICIT_LITTLE, &e);
        if (r == 0 && e.tag == TAG_META_SYNTAX)
            r = take_uid(w, e.length, w->scan.transfer_syntax_uid);
        else if (r == 0 && e.tag == TAG_META_CLASS)
            r = take_uid(w, e.length, w->scan.sop_class_uid);
        else if (r == 0)
            r = skip(w, end, e.length);
        if (r == 0)
            r = count(w);
        if (r < 0)
            return r;
    }
    w->scan.data_set_offset = w->at;
    if (w->at == end)
        return broken(w, "the file is cut off");
    if (!*w->scan.transfer_syntax_uid)
        return broken(w, "no transfer syntax");
    return 0;
}

static int start_walk(struct walk *w, uint64_t bytes_max)
{
    struct stat st;
    if (fstat(w->fd, &st) != 0)
        return error_set_errno(w->err, STATUS_IO, errno, "cannot read %s", w->name);
    if (!S_ISREG(st.st_mode))
        return error_set(w->err, STATUS_INVALID, "%s: not a file", w->name);
    if ((uint64_t)st.st_size > bytes_max)
        return error_set(w->err, STATUS_LIMIT, "%s: %lld bytes, more than %llu", w->name,
                         (long long)st.st_size, (unsigned long long)bytes_max);
    w->scan.file_bytes = (uint64_t)st.st_size;
    return take_meta(w);
}

/* From here on the walk is in the inflated copy. */
static int enter_inflated(struct walk *w, uint64_t bytes_max)
{
    int inflated;
    uint64_t most = bytes_max < DICOM_INFLATED_MAX ? bytes_max : DICOM_INFLATED_MAX;
    int r = dicom_inflate(w->fd, w->name, w->scan.data_set_offset, most, &inflated, w->err);
    if (r < 0)
        return r;
    close(w->fd);
    w->fd = inflated;
    w->scan.deflated = true;
    w->window_size = 0;
    w->scan.file_bytes = (uint64_t)lseek(inflated, 0, SEEK_END);
    return 0;
}

static int scan_walk(struct walk *w, uint64_t bytes_max)
{
    int r = start_walk(w, bytes_max);
    if (r < 0)
        return r;
    const struct dicom_syntax *syntax = dicom_syntax_find(w->scan.transfer_syntax_uid);
    if (syntax && syntax->deflated)
        r = enter_inflated(w, bytes_max);
    if (r == 0)
        r = walk_data_set(w, syntax ? syntax->encoding : DICOM_EXPLICIT_LITTLE);
    if (w->scan.fragments > 0)
        w->scan.fragments--; /* the first is the offset table */
    return r;
}

int dicom_scan_open(const char *path, const char *name, uint64_t bytes_max, int *ret_fd,
                    struct dicom_scan *ret_scan, struct error *err)
{
    struct walk w = {.name = name, .err = err};
    w.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (w.fd < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot read %s", name);
    int r = scan_walk(&w, bytes_max);
    if (r < 0) {
        close(w.fd);
        return r;
    }
    *ret_fd = w.fd;
    *ret_scan = w.scan;
    return 0;
}

int dicom_scan_file(const char *path, uint64_t bytes_max, struct dicom_scan *ret_scan,
                    struct error *err)
{
    int fd;
    int r = dicom_scan_open(path, path, bytes_max, &fd, ret_scan, err);
    if (r == 0)
        close(fd);
    return r;
}
