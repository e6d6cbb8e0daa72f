#include "image/words.h"

#include <ctype.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tesseract/capi.h>

#include "image/resize.h"
#include "image/word_lines.h"

enum {
    LINES_MAX = 16,        /* read of one picture */
    LENGTH_MAX = 300,      /* of all that is read of one picture, in heights of its letters: about
                              0.8 ms each */
    STRIP_SIDE_MAX = 2400, /* pixels, enlarged */
    PIXELS_MAX = 1 << 24,  /* of a picture: 0.5 s */
};

/* How a line is drawn for Tesseract. */
static const struct style {
    double capital; /* height of its letters, pixels */
    double thinner; /* part of the way from paper to ink that stays white */
} styles[2] = {{30, 0}, {37, 0.3}};

/* What looks less like text than the first is not read; below the second it is read but once. */
static const double least_score = 35, good_score = 60;

struct word_reader {
    TessBaseAPI *engine;
    char name[48];
};

/* Tesseract asks for its own number of threads, whatever omp_set_num_threads says; no active
 * level leaves it one. */
static void one_thread(void)
{
    omp_set_max_active_levels(0);
}

int word_reader_new(const char *folder, struct word_reader **ret_reader, struct error *err)
{
    static const char *const names[] = {"load_system_dawg", "load_freq_dawg",
                                        "tessedit_do_invert"};
    static const char *const values[] = {"0", "0", "0"};
    struct word_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return error_set(err, STATUS_NOMEM, "out of memory for the reader of words");
    one_thread();
    reader->engine = TessBaseAPICreate();
    if (reader->engine) /* nothing of what it sees goes to stderr, from the start */
        TessBaseAPISetVariable(reader->engine, "debug_file", "/dev/null");
    if (!reader->engine ||
        TessBaseAPIInit4(reader->engine, folder, "eng", OEM_LSTM_ONLY, NULL, 0, (char **)names,
                         (char **)values, sizeof names / sizeof *names, false) != 0) {
        word_reader_free(reader);
        error_set(err, STATUS_NOT_FOUND, "words in pictures cannot be read: no eng.traineddata");
        error_hint(err, "install the package tesseract-ocr-eng");
        return STATUS_NOT_FOUND;
    }
    TessBaseAPISetPageSegMode(reader->engine, PSM_RAW_LINE);
    snprintf(reader->name, sizeof reader->name, "Tesseract %.24s, eng", TessVersion());
    *ret_reader = reader;
    return 0;
}

void word_reader_free(struct word_reader *reader)
{
    if (!reader)
        return;
    if (reader->engine)
        TessBaseAPIDelete(reader->engine);
    free(reader);
}

const char *word_reader_name(const struct word_reader *reader)
{
    return reader->name;
}

/* The brightest of the channels: yellow, green and blue letters stay bright. */
static int brightest(const struct image *picture, const struct bounds *area, struct image *ret_grey,
                     struct error *err)
{
    int rows = area->y1 - area->y0 + 1, columns = area->x1 - area->x0 + 1;
    int channels = picture->channels;
    int status = image_init(ret_grey, rows, columns, 1, err);
    if (status < 0)
        return status;
    for (int y = 0; y < rows; y++) {
        const uint8_t *from = picture->pixels + ((size_t)(y + area->y0) * (size_t)picture->columns +
                                                 (size_t)area->x0) * (size_t)channels;
        uint8_t *to = ret_grey->pixels + (size_t)y * (size_t)columns;
        for (int x = 0; x < columns; x++, from += channels) {
            to[x] = from[0];
            for (int c = 1; c < channels; c++)
                to[x] = from[c] > to[x] ? from[c] : to[x];
        }
    }
    return 0;
}

/* One line cut out, dark on light, enlarged. */
static int strip_make(const struct image *grey, const struct word_line *line,
                      const struct style *style, struct bounds *ret_box, double *ret_scale, struct image *ret_strip,
                      struct error *err)
{
    int side = (int)(1.0 * line->height) + 1, above = (int)(0.4 * line->height) + 1;
    struct bounds box = {line->box.x0 - side, line->box.y0 - above, line->box.x1 + side,
                         line->box.y1 + above};
    box.x0 = box.x0 < 0 ? 0 : box.x0;
    box.y0 = box.y0 < 0 ? 0 : box.y0;
    box.x1 = box.x1 >= grey->columns ? grey->columns - 1 : box.x1;
    box.y1 = box.y1 >= grey->rows ? grey->rows - 1 : box.y1;
    int rows = box.y1 - box.y0 + 1, columns = box.x1 - box.x0 + 1;
    double scale = fmin(style->capital / line->height, (double)STRIP_SIDE_MAX / columns);
    struct plane small = {0}, large = {0};
    struct image strip = {0};
    int status = plane_from_image(grey, box.x0, box.y0, rows, columns, &small, err);
    if (status == 0)
        status = plane_resize(&small, (int)(rows * scale + 0.5), (int)(columns * scale + 0.5),
                              &large, err);
    if (status == 0)
        status = image_init(&strip, large.rows, large.columns, 1, err);
    if (status == 0) {
        double dark = line->paper + style->thinner * (line->ink - line->paper), light = line->ink;
        for (size_t i = 0; i < (size_t)large.rows * (size_t)large.columns; i++) {
            double ink = (large.values[i] - dark) / (light - dark);
            strip.pixels[i] = (uint8_t)(255 * (1 - fmin(1, fmax(0, ink))));
        }
        *ret_box = box;
        *ret_scale = scale;
        *ret_strip = strip;
    }
    plane_release(&small);
    plane_release(&large);
    return status;
}

/* Printable ASCII only, accents of Latin letters taken off; true when a letter or digit is left. */
static bool clean(const char *from, char to[WORD_TEXT_SIZE])
{
    static const char latin[65] = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
    size_t length = 0;
    bool written = false;
    for (; *from && length < WORD_TEXT_SIZE - 1; from++) {
        unsigned char c = (unsigned char)*from, next = (unsigned char)from[1];
        if (c == 0xc3 && next >= 0x80 && next < 0xc0) { /* UTF-8 of U+00C0 to U+00FF */
            c = (unsigned char)latin[next - 0x80];
            from++;
        }
        if (c > 32 && c < 127) {
            to[length++] = (char)c;
            written = written || isalnum(c) || c == '+';
        }
    }
    to[length] = '\0';
    return written;
}

/* Where a strip was cut from, and what its words have in common. */
struct strip {
    struct bounds box; /* in the area */
    double scale;
    int area_x, area_y, area_columns;
    int line;
    bool again;
};

static bool word_take(const TessResultIterator *result, const struct strip *strip,
                      struct word *ret_word)
{
    struct word word = {.line = strip->line, .again = strip->again};
    char *text = TessResultIteratorGetUTF8Text(result, RIL_WORD);
    bool written = text && clean(text, word.text);
    int x0, y0, x1, y1;
    TessDeleteText(text);
    if (!written || !TessPageIteratorBoundingBox(TessResultIteratorGetPageIteratorConst(result),
                                                 RIL_WORD, &x0, &y0, &x1, &y1))
        return false;
    word.confidence = fmin(1, fmax(0, TessResultIteratorConfidence(result, RIL_WORD) / 100.0));
    word.box = (struct bounds){strip->box.x0 + (int)(x0 / strip->scale),
                               strip->box.y0 + (int)(y0 / strip->scale),
                               strip->box.x0 + (int)(x1 / strip->scale),
                               strip->box.y0 + (int)(y1 / strip->scale)};
    int near = 2 + (word.box.y1 - word.box.y0) / 2;
    word.cut_left = word.box.x0 <= near;
    word.cut_right = word.box.x1 >= strip->area_columns - 1 - near;
    word.box.x0 += strip->area_x;
    word.box.x1 += strip->area_x;
    word.box.y0 += strip->area_y;
    word.box.y1 += strip->area_y;
    *ret_word = word;
    return true;
}

static void words_take(TessBaseAPI *engine, const struct strip *strip, struct words *words)
{
    TessResultIterator *results = TessBaseAPIGetIterator(engine);
    if (!results)
        return;
    do {
        if (words->count < WORDS_MAX &&
            word_take(results, strip, &words->items[words->count]))
            words->count++;
    } while (TessResultIteratorNext(results, RIL_WORD));
    TessResultIteratorDelete(results);
}

static int line_read(struct word_reader *reader, const struct image *grey,
                     const struct word_line *line, struct strip *strip, struct words *words,
                     struct error *err)
{
    struct image picture = {0};
    int status = strip_make(grey, line, &styles[strip->again], &strip->box, &strip->scale,
                            &picture, err);
    if (status < 0)
        return status;
    TessBaseAPISetImage(reader->engine, picture.pixels, picture.columns, picture.rows, 1,
                        picture.columns);
    TessBaseAPISetSourceResolution(reader->engine, 300);
    if (TessBaseAPIRecognize(reader->engine, NULL) == 0)
        words_take(reader->engine, strip, words);
    TessBaseAPIClear(reader->engine);
    image_release(&picture);
    return 0;
}

/* A line and how often it is read. */
struct reading {
    struct word_line line;
    int times;
};

static int by_top(const void *a, const void *b)
{
    const struct bounds *p = &((const struct reading *)a)->line.box;
    const struct bounds *q = &((const struct reading *)b)->line.box;
    int by_row = (p->y1 > q->y1) - (p->y1 < q->y1);
    return by_row ? by_row : (p->x0 > q->x0) - (p->x0 < q->x0);
}

/* First every line once, the likeliest first, then the clear ones again, as far as LENGTH_MAX
 * goes. */
static void plan(struct reading *readings, int count)
{
    double left = LENGTH_MAX;
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < count; i++) {
            const struct word_line *line = &readings[i].line;
            const double length = (line->box.x1 - line->box.x0 + 1) / line->height + 2;
            if (readings[i].times == again && length <= left &&
                line->score >= (again ? good_score : least_score)) {
                readings[i].times++;
                left -= length;
            }
        }
}

/* The lines to read, from top to bottom. */
static int readings_find(const struct image *grey, const struct image *flat,
                         struct reading readings[LINES_MAX], int *ret_count, struct error *err)
{
    struct word_line lines[LINES_MAX];
    int status = word_lines_find(grey, flat, LINES_MAX, lines, ret_count, err);
    if (status < 0)
        return status;
    for (int i = 0; i < *ret_count; i++)
        readings[i] = (struct reading){.line = lines[i]};
    plan(readings, *ret_count);
    qsort(readings, (size_t)*ret_count, sizeof *readings, by_top);
    return 0;
}

int words_read(struct word_reader *reader, const struct image *picture, const struct bounds *area,
               struct words *ret_words, struct error *err)
{
    struct bounds whole = {0, 0, picture->columns - 1, picture->rows - 1};
    struct reading readings[LINES_MAX];
    struct image grey = {0}, flat = {0};
    struct words words = {0};
    int count = 0;
    one_thread();
    if (area) {
        whole.x0 = area->x0 > 0 ? area->x0 : 0;
        whole.y0 = area->y0 > 0 ? area->y0 : 0;
        whole.x1 = area->x1 < whole.x1 ? area->x1 : whole.x1;
        whole.y1 = area->y1 < whole.y1 ? area->y1 : whole.y1;
    }
    if ((int64_t)picture->rows * picture->columns > PIXELS_MAX)
        return error_set(err, STATUS_LIMIT,
                         "a picture of %d × %d pixels is too large to look for words",
                         picture->columns, picture->rows);
    area = &whole;
    int status = brightest(picture, area, &grey, err);
    if (status == 0)
        status = word_lines_flatten(&grey, &flat, err);
    if (status == 0)
        status = readings_find(&grey, &flat, readings, &count, err);
    for (int i = 0; i < count; i++)
        for (int again = 0; again < readings[i].times && status == 0; again++) {
            const struct word_line *line = &readings[i].line;
            struct strip strip = {.area_x = area->x0, .area_y = area->y0,
                                  .area_columns = grey.columns, .line = i, .again = again};
            status = line_read(reader, line->flat ? &flat : &grey, line, &strip, &words, err);
        }
    image_release(&grey);
    image_release(&flat);
    if (status == 0)
        *ret_words = words;
    return status;
}
