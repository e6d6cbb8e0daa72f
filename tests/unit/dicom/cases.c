#include "cases.h"

#include <stdarg.h>
#include <setjmp.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "dicom/reader.h"

enum { FIELDS = 9, FILE_NAME = 0, KIND, FRAMES, ROWS, COLUMNS, CHANNELS, MOST, MEAN, BY };

struct expectation {
    char *field[FIELDS];
    const char *name; /* the file's, without folders */
    int frames, rows, columns, channels;
    double most, mean;
    double seen_most, seen_mean;
    struct buffer frames_expected;
    bool failed;
};

/* One wrong file does not hide the next. */
#define FAILED(e, ...) ((e)->failed = true, print_error("FAILED: " __VA_ARGS__))

void cases_make(const char *mode, const char *data, const char *folder)
{
    char log[SAMPLE_PATH_SIZE];
    sample_path(folder, "log", log);
    const char *run[] = {PYTHON,
                         SOURCE_DIR "/tests/unit/dicom/pictures.py",
                         mode,
                         data ? data : folder,
                         data ? folder : NULL,
                         NULL};
    int r = sample_run(run, log);
    if (r != 0) {
        struct buffer text;
        sample_load(log, &text);
        print_message("%s\n", buffer_text(&text));
        buffer_release(&text);
    }
    if (r == 77 || r == -1)
        skip();
    assert_int_equal(r, 0);
}

static int whole(const char *text)
{
    int64_t value = -1;
    assert_int_equal(number_parse_int(text, 0, 1 << 20, &value, NULL), 0);
    return (int)value;
}

static double real(const char *text)
{
    double value = -1;
    assert_int_equal(number_parse_double(text, &value, NULL), 0);
    return value;
}

static bool is(const struct expectation *e, const char *kind)
{
    return strcmp(e->field[KIND], kind) == 0;
}

static void check_refused(struct expectation *e)
{
    static struct dicom_limits limits;
    struct dicom_frames *frames = NULL;
    struct image image = {0};
    struct error err = {0};
    limits = dicom_limits_default();
    int r = dicom_frames_open(e->field[FILE_NAME], &limits, &frames, &err);
    while (r == 0) {
        r = dicom_frames_next(frames, &image, &err);
        image_release(&image);
    }
    dicom_frames_close(frames);
    if (strcmp(status_name(r), e->field[FRAMES]) != 0 || !strstr(err.message, e->field[BY]))
        FAILED(e, "%s: %s: %s\n", e->name, status_name(r), err.message);
    else
        print_message("%-54s refused as %s: %s\n", e->name, status_name(r),
                      strrchr(err.message, '/') ? strrchr(err.message, '/') + 1 : err.message);
}

static void compare(struct expectation *e, int frame, const double *deep, const uint8_t *pixels)
{
    size_t n = (size_t)e->rows * (size_t)e->columns * (size_t)e->channels;
    size_t width = deep ? sizeof(double) : 1;
    double most = 0, sum = 0;
    assert_true(((size_t)frame + 1) * n * width <= e->frames_expected.size);
    const char *from = e->frames_expected.data + (size_t)frame * n * width;
    for (size_t i = 0; i < n; i++) {
        double expected = (uint8_t)from[i * !deep], off;
        if (deep)
            memcpy(&expected, from + i * sizeof expected, sizeof expected);
        off = fabs(expected - (deep ? deep[i] : pixels[i]));
        sum += off;
        most = off > most ? off : most;
    }
    if (most > e->most || (e->mean > 0 && sum / (double)n > e->mean))
        FAILED(e, "%s frame %d: %g at most, %g on average from %s\n", e->name, frame, most,
               sum / (double)n, e->field[BY]);
    e->seen_most = most > e->seen_most ? most : e->seen_most;
    e->seen_mean += sum / (double)n / e->frames;
}

static void check_frame(struct expectation *e, struct dicom_frames *frames, int frame)
{
    struct error err = {0};
    struct image image = {0};
    struct deep_image deep = {0};
    int r = is(e, "deep") ? dicom_frames_next_deep(frames, &deep, &err)
                          : dicom_frames_next(frames, &image, &err);
    int rows = is(e, "deep") ? deep.rows : image.rows;
    int columns = is(e, "deep") ? deep.columns : image.columns;
    int channels = is(e, "deep") ? 1 : image.channels;
    if (r < 0)
        FAILED(e, "%s frame %d: %s (%s)\n", e->name, frame, err.message, err.detail);
    else if (rows != e->rows || columns != e->columns || channels != e->channels)
        FAILED(e, "%s frame %d: %d × %d × %d\n", e->name, frame, rows, columns, channels);
    else
        compare(e, frame, deep.values, image.pixels);
    image_release(&image);
    deep_image_release(&deep);
}

/* In order, then the first once more after the last, then behind the end. */
static void check_frames(struct expectation *e)
{
    struct dicom_limits limits = dicom_limits_default();
    struct dicom_frames *frames = NULL;
    struct error err = {0};
    struct image none = {0};
    if (dicom_frames_open(e->field[FILE_NAME], &limits, &frames, &err) < 0) {
        FAILED(e, "%s: %s (%s)\n", e->name, err.message, err.detail);
        return;
    }
    assert_int_equal(dicom_frames_instance(frames)->kind, DICOM_KIND_ULTRASOUND);
    assert_int_equal(dicom_frames_instance(frames)->frames, e->frames);
    for (int frame = 0; frame < e->frames; frame++)
        check_frame(e, frames, frame);
    double mean = e->seen_mean;
    assert_int_equal(dicom_frames_next(frames, &none, &err), STATUS_INVALID);
    assert_int_equal(dicom_frames_seek(frames, e->frames, &err), STATUS_INVALID);
    for (int k = 0; k < 2; k++) {
        int frame = k ? e->frames - 1 : 0;
        assert_int_equal(dicom_frames_seek(frames, frame, &err), 0);
        check_frame(e, frames, frame);
    }
    dicom_frames_close(frames);
    print_message("%-54s %3d × %d × %d × %d  %g, %.3f from %s\n", e->name, e->frames, e->rows,
                  e->columns, e->channels, e->seen_most, mean, e->field[BY]);
}

static void check_case(const char *folder, struct expectation *e)
{
    char raw[4 * SAMPLE_PATH_SIZE];
    if (is(e, "refused")) {
        check_refused(e);
        return;
    }
    e->frames = whole(e->field[FRAMES]);
    e->rows = whole(e->field[ROWS]);
    e->columns = whole(e->field[COLUMNS]);
    e->channels = whole(e->field[CHANNELS]);
    e->most = real(e->field[MOST]);
    e->mean = real(e->field[MEAN]);
    snprintf(raw, sizeof raw, "%s/%s.raw", folder, e->name);
    buffer_init(&e->frames_expected);
    assert_int_equal(file_read(raw, 256 << 20, &e->frames_expected, NULL), 0);
    check_frames(e);
    buffer_release(&e->frames_expected);
}

int cases_check(const char *folder)
{
    char path[SAMPLE_PATH_SIZE];
    struct buffer list;
    int count = 0, failed = 0;
    sample_path(folder, "cases.csv", path);
    sample_load(path, &list);
    char *rest = list.data, *line;
    while ((line = strsep(&rest, "\n")) && *line) {
        struct expectation e = {0};
        for (int i = 0; i < FIELDS; i++) {
            e.field[i] = strsep(&line, ",");
            assert_non_null(e.field[i]);
        }
        e.name = strrchr(e.field[FILE_NAME], '/') + 1;
        check_case(folder, &e);
        failed += e.failed;
        count++;
    }
    buffer_release(&list);
    assert_int_equal(failed, 0);
    return count;
}
