/* Clock position, distance to the nipple and readings of callipers; and what readings say of the
 * size of a pixel. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "image/annotation_tokens.h"

enum { LINE_TEXT_MAX = 512, CANDIDATES_MAX = 48 };

/* One reading of one line as a text in capitals, one blank between words. */
struct line_text {
    char text[LINE_TEXT_MAX];
    const struct word *words[LINE_TEXT_MAX]; /* of each character; NULL for blanks */
};

static int line_text_make(const struct words *words, int first, struct line_text *line)
{
    int length = 0, i = first;
    for (; i < words->count && words->items[i].line == words->items[first].line &&
           words->items[i].again == words->items[first].again; i++) {
        const struct word *word = &words->items[i];
        if (length + (int)strlen(word->text) + 2 >= LINE_TEXT_MAX)
            continue;
        if (length) {
            line->text[length] = ' ';
            line->words[length++] = NULL;
        }
        for (const char *p = word->text; *p; p++) {
            line->text[length] = (char)toupper((unsigned char)*p);
            line->words[length++] = word;
        }
    }
    line->text[length] = '\0';
    return i;
}

/* A number at `at`: up to three digits, and up to two behind a point or comma. */
struct number {
    double value;
    bool decimals;
    int end; /* first character behind it */
};

static bool number_at(const char *text, int at, struct number *ret_number)
{
    struct number n = {.end = at};
    if (at > 0 && (isdigit((unsigned char)text[at - 1]) || text[at - 1] == '.' ||
                   text[at - 1] == ','))
        return false;
    while (isdigit((unsigned char)text[n.end]) && n.end - at < 4)
        n.value = n.value * 10 + (text[n.end++] - '0');
    if (n.end == at || n.end - at > 3)
        return false;
    if ((text[n.end] == '.' || text[n.end] == ',') && isdigit((unsigned char)text[n.end + 1])) {
        double unit = 0.1;
        n.decimals = true;
        for (n.end++; isdigit((unsigned char)text[n.end]) && unit > 0.005; n.end++, unit /= 10)
            n.value += unit * (text[n.end] - '0');
        if (isdigit((unsigned char)text[n.end]))
            return false;
    }
    *ret_number = n;
    return true;
}

static int skip_blank(const char *text, int at)
{
    return text[at] == ' ' ? at + 1 : at;
}

/* Length of one of the words at `at`, with nothing of a word behind it; 0 when none is there. */
static int word_at(const char *text, int at, const char *const *words)
{
    for (; *words; words++) {
        size_t length = strlen(*words);
        if (strncmp(text + at, *words, length) == 0 &&
            !isalnum((unsigned char)text[at + (int)length]))
            return (int)length;
    }
    return 0;
}

/* Millimetres per unit written at `at`, as it is often misread; 0 when there is no length's unit. */
static double unit_at(const char *text, int at, int *ret_end)
{
    static const char *const mm[] = {"MM", "MN", "NM", "NN", "HM", "MH", "HN", "NH", "HH", NULL};
    static const char *const cm[] = {"CM", "CN", "OM", NULL};
    int length = word_at(text, at, mm);
    double unit = length ? 1 : 10;
    if (!length)
        length = word_at(text, at, cm);
    *ret_end = at + length;
    return length && text[at + length] != '/' && text[at + length] != '^' ? unit : 0;
}

/* What the sonographer's mark was called: the sign or number before a reading. */
static char mark_before(const char *text, int at)
{
    for (int words = 0; words < 2; words++) {
        while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == ':' || text[at - 1] == '='))
            at--;
        if (at == 0)
            return 0;
        char c = text[at - 1];
        if (c == '+')
            return '+';
        if (c == 'X' || c == '*')
            return 'x';
        if (isdigit((unsigned char)c))
            return at < 2 || !isdigit((unsigned char)text[at - 2]) ? c : 0;
        while (at > 0 && isalpha((unsigned char)text[at - 1]))
            at--;
    }
    return 0;
}

/* Depth of the picture and the like, which no calliper measured. */
static bool is_setting(const char *text, int at)
{
    static const char *const settings[] = {"DEPTH", "PROF", "TIEFE", "FOCUS", "DPTH", NULL};
    for (const char *const *s = settings; *s; s++) {
        const char *found = strstr(text, *s);
        if (found && found < text + at)
            return true;
    }
    return false;
}

struct candidates {
    struct annotation_reading items[CANDIDATES_MAX];
    bool again[CANDIDATES_MAX], decimals[CANDIDATES_MAX];
    int count;
};

static void readings_scan(const struct line_text *line, struct candidates *candidates)
{
    struct number number;
    const char *text = line->text;
    for (int at = 0; text[at]; at++) {
        int end;
        if (!isdigit((unsigned char)text[at]) || !number_at(text, at, &number))
            continue;
        double unit = unit_at(text, skip_blank(text, number.end), &end);
        const struct word *word = line->words[at];
        /* A number that starts at the border may have lost a digit there. */
        bool whole = !(word->cut_left && (at == 0 || line->words[at - 1] != word));
        double mm = number.value * unit;
        if (unit > 0 && whole && mm >= 0.5 && mm <= 200 && !is_setting(text, at) &&
            candidates->count < CANDIDATES_MAX) {
            int i = candidates->count++;
            candidates->items[i] = (struct annotation_reading){.mm = mm, .mark = mark_before(text, at)};
            candidates->again[i] = word->again;
            candidates->decimals[i] = number.decimals;
            annotation_source_set(&candidates->items[i].source, word, word->confidence);
        }
        at = number.end - 1;
    }
}

static bool boxes_meet(const struct bounds *a, const struct bounds *b)
{
    return a->x0 <= b->x1 && b->x0 <= a->x1 && a->y0 <= b->y1 && b->y0 <= a->y1;
}

/* What two readings of one place say alike is worth more than either alone, however unsure they
 * are of themselves. */
static double confidence_of_two(double a, double b)
{
    static const double least = 0.3;
    return 1 - (1 - fmax(a, least)) * (1 - fmax(b, least));
}

/* Both readings of a line must give the same number, or one must be sure where the other is
 * silent. Without decimals a point may have been lost. */
static void readings_choose(const struct candidates *c, struct annotation *annotation)
{
    for (int i = 0; i < c->count; i++) {
        struct annotation_reading reading = c->items[i];
        bool agreed = false, dropped = false;
        for (int k = 0; k < c->count; k++) {
            const struct annotation_reading *other = &c->items[k];
            if (k == i || !boxes_meet(&other->source.box, &reading.source.box))
                continue;
            bool same = fabs(other->mm - reading.mm) < 1e-6;
            dropped = dropped || !same || k < i; /* in doubt, or told already */
            if (same && !agreed && c->again[k] != c->again[i]) {
                agreed = true;
                reading.source.confidence =
                    confidence_of_two(reading.source.confidence, other->source.confidence);
            }
            if (same && !reading.mark)
                reading.mark = other->mark;
        }
        double least = c->decimals[i] ? 0.5 : 0.8;
        if (!dropped && reading.source.confidence >= least &&
            annotation->reading_count < ANNOTATION_READINGS_MAX)
            annotation->readings[annotation->reading_count++] = reading;
    }
}

struct said {
    double value, confidence;
    bool contradicted, again;
    const struct word *word;
};

static void said_add(struct said *said, double value, const struct word *word)
{
    if (!said->word) {
        *said = (struct said){value, word->confidence, false, word->again, word};
    } else if (fabs(said->value - value) > 1e-6) {
        said->contradicted = true;
    } else if (word->again != said->again) {
        said->confidence = confidence_of_two(said->confidence, word->confidence);
        said->again = word->again; /* a third time adds nothing */
    }
}

static bool said_enough(const struct said *said)
{
    return said->word && !said->contradicted && said->confidence >= 0.5;
}

/* A time of day or a date stands on the line. */
static bool tells_time(const char *text)
{
    int colons = 0, strokes = 0;
    for (const char *p = text; *p; p++) {
        bool between = p > text && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)p[1]);
        colons += *p == ':' && between;
        strokes += (*p == '/' || *p == '-' || *p == '.') && between;
    }
    return colons > 1 || strokes > 1 || strstr(text, " AM") || strstr(text, " PM");
}

/* "10:00", "10:30", "3 O'CLOCK", "10H", "4 UHR". */
static void clock_scan(const struct line_text *line, struct said *clock)
{
    static const char *const hours[] = {"H",      "HS",     "HRS",      "HR",       "UHR",
                                        "OCLOCK", "O CLOCK", "O'CLOCK", "0'CLOCK", NULL};
    static const char *const halves[] = {":00", ":30", "H30", "H00", NULL};
    const char *text = line->text;
    struct number number;
    if (tells_time(text))
        return;
    for (int at = 0; text[at]; at++) {
        if (!isdigit((unsigned char)text[at]) || text[at] == '0' ||
            (at > 0 && (isalnum((unsigned char)text[at - 1]) || strchr(":+-", text[at - 1]))) ||
            !number_at(text, at, &number))
            continue;
        int behind = skip_blank(text, number.end);
        bool half = behind == number.end && word_at(text, behind, halves);
        bool whole_word = line->words[at]->cut_left == false;
        if (!number.decimals && whole_word && number.value <= 12 &&
            (half || word_at(text, behind, hours)))
            said_add(clock, number.value * 60 + (half && text[behind + 1] == '3' ? 30 : 0),
                     line->words[at]);
        at = number.end - 1;
    }
}

/* A distance with or without its unit, centimetres when not said; 0 when none is at `at`. */
static double distance_at(const char *text, int at)
{
    struct number number;
    int end;
    if (!isdigit((unsigned char)text[at]) || !number_at(text, at, &number))
        return 0;
    double unit = unit_at(text, skip_blank(text, number.end), &end);
    return number.value * (unit > 0 ? unit : 10);
}

/* Where the number starts that ends before `at`, perhaps with a unit between; -1 for none. */
static int number_before(const char *text, int at)
{
    while (at > 0 && text[at - 1] == ' ')
        at--;
    if (at >= 2 && text[at - 1] == 'M' && (text[at - 2] == 'C' || text[at - 2] == 'M'))
        at -= 2;
    while (at > 0 && text[at - 1] == ' ')
        at--;
    int end = at;
    while (at > 0 && (isdigit((unsigned char)text[at - 1]) || text[at - 1] == '.'))
        at--;
    return at < end ? at : -1;
}

/* "N+4", "FN 3CM", "3CMFN", "3 CM FROM NIPPLE". */
static void nipple_scan(const struct line_text *line, struct said *nipple)
{
    static const char *const behind[] = {"FN", "FROM NIPPLE", NULL};
    const char *text = line->text;
    for (int at = 0; text[at]; at++) {
        if (!line->words[at])
            continue;
        bool starts = at == 0 || !isalpha((unsigned char)text[at - 1]);
        double mm = 0;
        if (starts && text[at] == 'N' && text[skip_blank(text, at + 1)] == '+')
            mm = distance_at(text, skip_blank(text, skip_blank(text, at + 1) + 1));
        else if (starts && strncmp(text + at, "FN", 2) == 0)
            mm = distance_at(text, skip_blank(text, at + 2));
        if (mm == 0 && word_at(text, at, behind)) {
            int number = number_before(text, at);
            bool millimetres = at >= 2 && strncmp(text + at - 2, "MM", 2) == 0;
            if (number >= 0)
                mm = distance_at(text, number) *
                     (millimetres && text[at - 1] == 'M' ? 0.1 : 1);
        }
        if (mm > 0 && mm <= 200)
            said_add(nipple, mm, line->words[at]);
    }
}

void annotation_numbers(const struct words *words, struct annotation *annotation)
{
    struct line_text line;
    struct candidates candidates = {.count = 0};
    struct said clock = {0}, nipple = {0};
    for (int i = 0; i < words->count;) {
        i = line_text_make(words, i, &line);
        readings_scan(&line, &candidates);
        clock_scan(&line, &clock);
        nipple_scan(&line, &nipple);
    }
    readings_choose(&candidates, annotation);
    if (said_enough(&clock)) {
        annotation->clock_minutes = (int)clock.value;
        annotation_source_set(&annotation->clock_source, clock.word, clock.confidence);
    }
    if (said_enough(&nipple)) {
        annotation->nipple_mm = nipple.value;
        annotation_source_set(&annotation->nipple_source, nipple.word, nipple.confidence);
    }
}
