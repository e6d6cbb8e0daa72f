/* Reading pictures: synthetic screens that run wherever Tesseract has its data, and stills of
 * BUS-BRA with the side that a person read there. AXNODE_LONG=1: all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cairo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "image/annotation.h"
#include "image/png.h"

static struct word_reader *reader;
static bool complete; /* all, not a sample */

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static struct annotation read_picture(const struct image *picture, double *ret_ms)
{
    struct annotation annotation;
    double start = cpu_ms();
    assert_int_equal(annotation_read(reader, picture, NULL, NULL, NULL, &annotation, NULL), 0);
    *ret_ms = cpu_ms() - start;
    return annotation;
}

enum ground { BLACK, DIM, BRIGHT, GROUNDS };

struct style {
    const char *font;
    bool bold, smooth, outlined;
    double size; /* of the font; capitals are 0.73 of it */
    double red, green, blue;
    enum ground ground;
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Speckle of a tissue's mean grey, smoothed over three pixels in each direction. */
static void draw_ground(uint8_t *data, int stride, int width, int height, enum ground ground,
                        uint32_t seed)
{
    double mean = ground == BLACK ? 0 : ground == DIM ? 55 : 105;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            double sum = 0;
            for (int dy = 0; dy < 3; dy++)
                for (int dx = 0; dx < 3; dx++) {
                    uint32_t state = seed + (uint32_t)((y + dy) * 4099 + x + dx) * 2654435761u;
                    next_random(&state);
                    sum += sqrt(-2 * log((next_random(&state) % 65535 + 1) / 65536.0));
                }
            int grey = (int)(mean * sum / 9 / 1.25);
            grey = grey > 255 ? 255 : grey;
            for (int c = 0; c < 3; c++)
                data[y * stride + x * 4 + c] = (uint8_t)grey;
            data[y * stride + x * 4 + 3] = 255;
        }
}

static void draw_text(cairo_t *cr, const struct style *style, double x, double y, const char *text)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, style->smooth ? CAIRO_ANTIALIAS_GRAY
                                                            : CAIRO_ANTIALIAS_NONE);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
    cairo_set_antialias(cr, style->smooth ? CAIRO_ANTIALIAS_GRAY : CAIRO_ANTIALIAS_NONE);
    cairo_select_font_face(cr, style->font, CAIRO_FONT_SLANT_NORMAL,
                           style->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, style->size);
    if (style->outlined) {
        cairo_move_to(cr, x, y);
        cairo_text_path(cr, text);
        cairo_set_source_rgb(cr, 0, 0, 0);
        cairo_set_line_width(cr, 2.5);
        cairo_stroke(cr);
    }
    cairo_move_to(cr, x, y);
    cairo_set_source_rgb(cr, style->red, style->green, style->blue);
    cairo_show_text(cr, text);
}

/* Takes the surface over. */
static struct image image_of(cairo_surface_t *surface)
{
    int width = cairo_image_surface_get_width(surface);
    int height = cairo_image_surface_get_height(surface);
    int stride = cairo_image_surface_get_stride(surface);
    struct image image;
    cairo_surface_flush(surface);
    const uint8_t *data = cairo_image_surface_get_data(surface);
    assert_int_equal(image_init(&image, height, width, 3, NULL), 0);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int c = 0; c < 3; c++) /* cairo has blue first */
                image.pixels[(y * width + x) * 3 + c] = data[y * stride + x * 4 + 2 - c];
    cairo_surface_destroy(surface);
    return image;
}

/* A screen of 480 × 360 with `text` on it, and a frame rate in a corner as machines write. */
static struct image screen(const struct style *style, const char *text, uint32_t seed)
{
    enum { WIDTH = 480, HEIGHT = 360 };
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    uint8_t *data = cairo_image_surface_get_data(surface);
    int stride = cairo_image_surface_get_stride(surface);
    draw_ground(data, stride, WIDTH, HEIGHT, style->ground, seed);
    cairo_surface_mark_dirty(surface);
    cairo_t *cr = cairo_create(surface);
    draw_text(cr, style, 40 + seed % 150, 60 + seed % 270, text);
    draw_text(cr, style, 400, 25, "29 Hz");
    cairo_destroy(cr);
    return image_of(surface);
}

struct case_text {
    const char *text;
    enum annotation_side side;
    enum annotation_region region;
};

static const struct case_text texts[] = {
    {"AXILLA", ANNOTATION_SIDE_UNKNOWN, ANNOTATION_AXILLA},
    {"LT AXILLA", ANNOTATION_LEFT, ANNOTATION_AXILLA},
    {"RIGHT AXILLA", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
    {"LT AX", ANNOTATION_LEFT, ANNOTATION_AXILLA},
    {"L AXILLA LN", ANNOTATION_LEFT, ANNOTATION_AXILLA},
    {"R AXILLA", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
    {"AXILA ESQ.", ANNOTATION_LEFT, ANNOTATION_AXILLA},
    {"AXILA DIREITA", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
    {"RT AX LN", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
    {"RT AXILLARY NODE", ANNOTATION_RIGHT, ANNOTATION_AXILLA},
    {"Left Axilla", ANNOTATION_LEFT, ANNOTATION_AXILLA},
    {"LEFT BREAST 2:00", ANNOTATION_LEFT, ANNOTATION_BREAST},
    {"RT BREAST 10:00 N+4", ANNOTATION_RIGHT, ANNOTATION_BREAST},
};
enum { TEXTS = sizeof texts / sizeof *texts };

static struct style style_number(int i)
{
    static const char *const fonts[] = {"DejaVu Sans", "DejaVu Sans Mono"};
    static const double sizes[] = {11, 13, 16, 20, 27}; /* capitals of 8 to 20 pixels */
    static const double colours[][3] = {{1, 1, 1}, {1, 1, 0}, {0.72, 0.72, 0.72}};
    const double *colour = colours[i / 10 % 3];
    enum ground ground = (enum ground)(i / 30 % GROUNDS);
    return (struct style){fonts[i % 2],  i % 7 == 3, i % 3 != 1, ground == BRIGHT && i % 2,
                          sizes[i / 2 % 5], colour[0], colour[1], colour[2], ground};
}
enum { STYLES = 90 };

static void test_synthetic_screens(void **state)
{
    (void)state;
    int count = 0, right = 0, wrong = 0, strange = 0, step = complete ? 1 : 11;
    int of_ground[GROUNDS] = {0}, right_on[GROUNDS] = {0};
    double ms[STYLES * TEXTS];
    if (!reader)
        skip();
    for (int i = 0; i < STYLES * TEXTS; i += step) {
        struct style style = style_number(i / TEXTS);
        const struct case_text *t = &texts[i % TEXTS];
        struct image picture = screen(&style, t->text, 77u + 31u * (uint32_t)i);
        struct annotation a = read_picture(&picture, &ms[count++]);
        bool good = a.side == t->side && a.region == t->region;
        right += good;
        wrong += a.side != ANNOTATION_SIDE_UNKNOWN && a.side != t->side;
        strange += a.region != ANNOTATION_REGION_UNKNOWN && a.region != t->region;
        of_ground[style.ground]++;
        right_on[style.ground] += good;
        if (!good && getenv("AXNODE_WORDS_MISSES"))
            printf("  '%s' %s %g px%s%s%s on %d: %s side, %s\n", t->text, style.font, style.size,
                   style.bold ? " bold" : "", style.smooth ? " smooth" : "",
                   style.outlined ? " outlined" : "", style.ground, annotation_side_name(a.side),
                   annotation_region_name(a.region));
        image_release(&picture);
    }
    qsort(ms, (size_t)count, sizeof *ms, by_value);
    printf("synthetic: %d screens, region and side right on %d (%.1f %%): black %d of %d, dim "
           "tissue %d of %d, bright tissue %d of %d; wrong side %d, wrong region %d; median %.0f "
           "ms, worst %.0f ms\n",
           count, right, 100.0 * right / count, right_on[BLACK], of_ground[BLACK], right_on[DIM],
           of_ground[DIM], right_on[BRIGHT], of_ground[BRIGHT], wrong, strange, ms[count / 2],
           ms[count - 1]);
    assert_int_equal(wrong, 0);
    assert_int_equal(strange, 0);
    assert_true(right >= 0.90 * count);
}

/* What stands there, at its place; an area leaves out what lies outside of it. */
static void test_place_of_words(void **state)
{
    (void)state;
    const struct style style = {"DejaVu Sans", false, true, false, 20, 1, 1, 1, BLACK};
    struct words words;
    bool found = false;
    if (!reader)
        skip();
    struct image picture = screen(&style, "AXILLA", 0);
    assert_int_equal(words_read(reader, &picture, NULL, &words, NULL), 0);
    for (int i = 0; i < words.count; i++) {
        const struct word *w = &words.items[i];
        assert_true(w->box.x0 >= 0 && w->box.x1 < picture.columns && w->box.x0 <= w->box.x1);
        assert_true(w->box.y0 >= 0 && w->box.y1 < picture.rows && w->box.y0 <= w->box.y1);
        if (strcmp(w->text, "AXILLA") != 0)
            continue;
        found = true;
        assert_true(abs(w->box.x0 - 40) < 6 && w->box.y0 <= 50 && w->box.y1 >= 56);
        assert_true(w->confidence > 0.5 && !w->cut_left && !w->cut_right);
    }
    assert_true(found);
    const struct bounds below = {0, 100, picture.columns - 1, picture.rows - 1};
    assert_int_equal(words_read(reader, &picture, &below, &words, NULL), 0);
    assert_int_equal(words.count, 0);
    image_release(&picture);
}

/* Long lines all over: what is read of one picture has a limit, so that a page of text does not
 * take seconds; the likeliest lines are read once before any is read twice. */
static void test_page_of_text(void **state)
{
    (void)state;
    enum { WIDTH = 1600, HEIGHT = 700, LINES = 16 };
    const struct style style = {"DejaVu Sans", false, true, false, 16, 1, 1, 1, BLACK};
    struct words words;
    struct image picture;
    int first = 0, again = 0, last = -1;
    if (!reader)
        skip();
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cr = cairo_create(surface);
    for (int i = 0; i < LINES; i++)
        draw_text(cr, &style, 20, 30 + 40 * i,
                  "MASS IN THE UPPER OUTER QUADRANT OF THE LEFT BREAST WITH A SMOOTH MARGIN AND "
                  "NO SHADOW BEHIND IT AND ONE LYMPH NODE IN THE AXILLA");
    cairo_destroy(cr);
    picture = image_of(surface);
    assert_int_equal(words_read(reader, &picture, NULL, &words, NULL), 0);
    image_release(&picture);
    for (int i = 0; i < words.count; i++) {
        first += !words.items[i].again && words.items[i].line != last;
        again += words.items[i].again;
        last = words.items[i].line;
    }
    assert_in_range(first, 2, 4);
    assert_int_equal(again, 0);
}

static void test_no_words(void **state)
{
    (void)state;
    static const int sizes[][2] = {{1, 1}, {3, 500}, {500, 3}, {200, 200}};
    struct words words;
    if (!reader)
        skip();
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int grey = 0; grey < 256; grey += 51) {
            struct image picture;
            assert_int_equal(image_init(&picture, sizes[i][0], sizes[i][1], 1, NULL), 0);
            memset(picture.pixels, grey, (size_t)sizes[i][0] * (size_t)sizes[i][1]);
            assert_int_equal(words_read(reader, &picture, NULL, &words, NULL), 0);
            assert_int_equal(words.count, 0);
            image_release(&picture);
        }
}

static void test_no_language_file(void **state)
{
    (void)state;
    struct word_reader *none = NULL;
    struct error err = {0};
    assert_int_equal(word_reader_new("/nonexistent", &none, &err), STATUS_NOT_FOUND);
    assert_null(none);
    assert_non_null(strstr(err.hint, "tesseract-ocr-eng"));
}

#define BUS_BRA SOURCE_DIR "/../shared/data/bus-bra/"

static bool still_read(const char *id, struct image *ret_picture)
{
    char path[512];
    snprintf(path, sizeof path, BUS_BRA "images/%.30s.png", id);
    return image_read_png(path, ret_picture, NULL) == 0;
}

/* 240 stills drawn at random, with the side that a person read in them: L, R; l, r where the
 * border left but one or two letters of it; - where none is written. */
static void test_sides_of_bus_bra(void **state)
{
    (void)state;
    char id[32], truth[4];
    int stills = 0, written = 0, right = 0, wrong = 0, invented = 0, line = 0;
    double ms[240];
    FILE *list = fopen(SOURCE_DIR "/tests/unit/image/words_bus_bra.txt", "r");
    assert_non_null(list);
    if (!reader || access(BUS_BRA "index.csv", R_OK) != 0) {
        fclose(list);
        skip();
    }
    while (fscanf(list, "%31s %3s", id, truth) == 2 && stills < 240) {
        struct image picture;
        if (!complete && line++ % 4)
            continue;
        assert_true(still_read(id, &picture));
        struct annotation a = read_picture(&picture, &ms[stills++]);
        char side = a.side == ANNOTATION_LEFT ? 'L' : a.side == ANNOTATION_RIGHT ? 'R' : '-';
        char want = truth[0] == 'l' ? 'L' : truth[0] == 'r' ? 'R' : truth[0];
        bool clear = truth[0] == 'L' || truth[0] == 'R';
        written += clear;
        right += clear && side == want;
        wrong += side != '-' && want != '-' && side != want;
        invented += side != '-' && want == '-';
        image_release(&picture);
    }
    fclose(list);
    qsort(ms, (size_t)stills, sizeof *ms, by_value);
    printf("bus-bra: %d stills, side written on %d, read right on %d (%.1f %%), wrong on %d, read "
           "where none is written on %d; median %.0f ms, worst %.0f ms\n",
           stills, written, right, 100.0 * right / written, wrong, invented, ms[stills / 2],
           ms[stills - 1]);
    assert_int_equal(wrong, 0);
    assert_int_equal(invented, 0);
    assert_true(right >= 0.85 * written);
}

/* Breast stills in the order of the index: none may be taken for an axilla. The two halves of one
 * screen (names ending in -l and -r) show one lesion: they must not differ in side. */
static void test_breasts_are_no_axilla(void **state)
{
    (void)state;
    /* A person reads AXILA or AXILAR in these. */
    static const char *const named[] = {"bus_0106-l", "bus_0264-l", "bus_0409-l", "bus_0454-l",
                                        "bus_0867-l", NULL};
    char text[512], last_id[32] = "";
    int stills = 0, axilla = 0, sides = 0, pairs = 0, differ = 0, line = 0;
    int step = complete ? 1 : 8;
    enum annotation_side last = ANNOTATION_SIDE_UNKNOWN;
    static double ms[1500];
    FILE *index = fopen(BUS_BRA "index.csv", "r");
    if (!index || !reader) {
        if (index)
            fclose(index);
        skip();
    }
    assert_non_null(fgets(text, sizeof text, index));
    while (stills < 1500 && fgets(text, sizeof text, index)) {
        struct image picture;
        if (line++ / 2 % step)
            continue;
        text[strcspn(text, ",")] = '\0';
        assert_true(still_read(text, &picture));
        struct annotation a = read_picture(&picture, &ms[stills++]);
        image_release(&picture);
        bool expected = false;
        for (const char *const *n = named; *n; n++)
            expected = expected || strcmp(*n, text) == 0;
        if (a.region == ANNOTATION_AXILLA && !expected) {
            printf("  %s is taken for an axilla\n", text);
            axilla++;
        }
        sides += a.side != ANNOTATION_SIDE_UNKNOWN;
        bool pair = strlen(text) > 2 && strncmp(text, last_id, strlen(text) - 1) == 0;
        if (pair && last != ANNOTATION_SIDE_UNKNOWN && a.side != ANNOTATION_SIDE_UNKNOWN) {
            pairs++;
            if (last != a.side) {
                printf("  %s and %s differ in side\n", last_id, text);
                differ++;
            }
        }
        last = a.side;
        snprintf(last_id, sizeof last_id, "%.31s", text);
    }
    fclose(index);
    qsort(ms, (size_t)stills, sizeof *ms, by_value);
    printf("bus-bra: %d stills, falsely axilla %d, side read on %d, both halves of a screen read "
           "on %d, of which differ %d; median %.0f ms, worst %.0f ms\n",
           stills, axilla, sides, pairs, differ, ms[stills / 2], ms[stills - 1]);
    assert_int_equal(axilla, 0);
    assert_int_equal(differ, 0);
}

static int open_reader(void **state)
{
    (void)state;
    struct error err = {0};
    complete = getenv("AXNODE_LONG") != NULL;
    if (word_reader_new(NULL, &reader, &err) < 0)
        printf("skipped: %s\n", err.message);
    return 0;
}

static int close_reader(void **state)
{
    (void)state;
    word_reader_free(reader);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_language_file),  cmocka_unit_test(test_no_words),
        cmocka_unit_test(test_place_of_words),
        cmocka_unit_test(test_page_of_text),    cmocka_unit_test(test_synthetic_screens),
        cmocka_unit_test(test_sides_of_bus_bra),  cmocka_unit_test(test_breasts_are_no_axilla),
    };
    return cmocka_run_group_tests(tests, open_reader, close_reader);
}
