#include "image/annotation.h"

#include <string.h>

#include "image/annotation_tokens.h"

static const char *name_of(const char *const *names, size_t count, size_t value)
{
    return value < count ? names[value] : names[0];
}

const char *annotation_side_name(enum annotation_side side)
{
    static const char *const names[] = {"unknown", "left", "right"};
    return name_of(names, sizeof names / sizeof *names, side);
}

const char *annotation_region_name(enum annotation_region region)
{
    static const char *const names[] = {"unknown", "breast", "axilla"};
    return name_of(names, sizeof names / sizeof *names, region);
}

const char *annotation_plane_name(enum annotation_plane plane)
{
    static const char *const names[] = {"unknown", "radial", "antiradial", "transverse",
                                        "sagittal"};
    return name_of(names, sizeof names / sizeof *names, plane);
}

const char *annotation_quadrant_name(enum annotation_quadrant quadrant)
{
    static const char *const names[] = {"unknown",     "upper outer", "upper inner", "lower outer",
                                        "lower inner", "upper",       "lower",       "outer",
                                        "inner",       "central"};
    return name_of(names, sizeof names / sizeof *names, quadrant);
}

enum topic { TOPIC_SIDE, TOPIC_REGION, TOPIC_PLANE, TOPIC_QUADRANT, TOPIC_COUNT };

/* How much company a word needs on its line before it counts. */
enum company {
    ALONE,      /* none */
    IN_COMPANY, /* another known word, or nothing else on the line and read without doubt */
    BESIDE,     /* directly beside a word of the region, for what means other things too */
};

struct entry {
    const char *text;
    enum topic topic;
    int value;
    enum company company;
};

/* Words of the machines' users, in six languages. Four letters and fewer must be read exactly. */
static const struct entry vocabulary[] = {
    {"LEFT", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"LT", TOPIC_SIDE, ANNOTATION_LEFT, IN_COMPANY},
    {"L", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"ESQUERDA", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"ESQUERDO", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"ESQ", TOPIC_SIDE, ANNOTATION_LEFT, IN_COMPANY},
    {"E", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"IZQUIERDA", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"IZQUIERDO", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"IZQ", TOPIC_SIDE, ANNOTATION_LEFT, IN_COMPANY},
    {"IZDA", TOPIC_SIDE, ANNOTATION_LEFT, IN_COMPANY},
    {"LINKS", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"LI", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"GAUCHE", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"G", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"SINISTRA", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"SINISTRO", TOPIC_SIDE, ANNOTATION_LEFT, ALONE},
    {"SIN", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"SX", TOPIC_SIDE, ANNOTATION_LEFT, BESIDE},
    {"RIGHT", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"RT", TOPIC_SIDE, ANNOTATION_RIGHT, IN_COMPANY},
    {"R", TOPIC_SIDE, ANNOTATION_RIGHT, BESIDE},
    {"DIREITA", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DIREITO", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DIR", TOPIC_SIDE, ANNOTATION_RIGHT, IN_COMPANY},
    {"D", TOPIC_SIDE, ANNOTATION_RIGHT, BESIDE},
    {"DERECHA", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DERECHO", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DER", TOPIC_SIDE, ANNOTATION_RIGHT, BESIDE},
    {"DCHA", TOPIC_SIDE, ANNOTATION_RIGHT, IN_COMPANY},
    {"RECHTS", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"RE", TOPIC_SIDE, ANNOTATION_RIGHT, BESIDE},
    {"DROITE", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DROIT", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DESTRA", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DESTRO", TOPIC_SIDE, ANNOTATION_RIGHT, ALONE},
    {"DX", TOPIC_SIDE, ANNOTATION_RIGHT, BESIDE},

    {"BREAST", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"BRST", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"BR", TOPIC_REGION, ANNOTATION_BREAST, IN_COMPANY},
    {"MAMA", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"MAMMA", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"MAMMARY", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"BRUST", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"SEIN", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"SENO", TOPIC_REGION, ANNOTATION_BREAST, ALONE},
    {"AXILLA", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AXILLARY", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AXILLAIRE", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AXILA", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AXILAR", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AX", TOPIC_REGION, ANNOTATION_AXILLA, IN_COMPANY},
    {"ACHSEL", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"AISSELLE", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"ASCELLA", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"ASCELLARE", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"LN", TOPIC_REGION, ANNOTATION_AXILLA, IN_COMPANY},
    {"LYMPH", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"NODE", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"LINFONODO", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"LINFONODOS", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},
    {"LYMPHKNOTEN", TOPIC_REGION, ANNOTATION_AXILLA, ALONE},

    {"RAD", TOPIC_PLANE, ANNOTATION_RADIAL, IN_COMPANY},
    {"RADIAL", TOPIC_PLANE, ANNOTATION_RADIAL, ALONE},
    {"ARAD", TOPIC_PLANE, ANNOTATION_ANTIRADIAL, IN_COMPANY},
    {"AR", TOPIC_PLANE, ANNOTATION_ANTIRADIAL, BESIDE},
    {"ANTIRAD", TOPIC_PLANE, ANNOTATION_ANTIRADIAL, ALONE},
    {"ANTIRADIAL", TOPIC_PLANE, ANNOTATION_ANTIRADIAL, ALONE},
    {"TRANS", TOPIC_PLANE, ANNOTATION_TRANSVERSE, ALONE},
    {"TRANSV", TOPIC_PLANE, ANNOTATION_TRANSVERSE, ALONE},
    {"TRANSVERSE", TOPIC_PLANE, ANNOTATION_TRANSVERSE, ALONE},
    {"TRANSVERSAL", TOPIC_PLANE, ANNOTATION_TRANSVERSE, ALONE},
    {"TRV", TOPIC_PLANE, ANNOTATION_TRANSVERSE, IN_COMPANY},
    {"SAG", TOPIC_PLANE, ANNOTATION_SAGITTAL, IN_COMPANY},
    {"SAGITTAL", TOPIC_PLANE, ANNOTATION_SAGITTAL, ALONE},
    {"SAGITAL", TOPIC_PLANE, ANNOTATION_SAGITTAL, ALONE},
    {"LONG", TOPIC_PLANE, ANNOTATION_SAGITTAL, IN_COMPANY},
    {"LONGITUDINAL", TOPIC_PLANE, ANNOTATION_SAGITTAL, ALONE},

    {"QSE", TOPIC_QUADRANT, ANNOTATION_UPPER_OUTER, ALONE},
    {"QSL", TOPIC_QUADRANT, ANNOTATION_UPPER_OUTER, ALONE},
    {"QSI", TOPIC_QUADRANT, ANNOTATION_UPPER_INNER, ALONE},
    {"QSM", TOPIC_QUADRANT, ANNOTATION_UPPER_INNER, ALONE},
    {"QIE", TOPIC_QUADRANT, ANNOTATION_LOWER_OUTER, ALONE},
    {"QIL", TOPIC_QUADRANT, ANNOTATION_LOWER_OUTER, ALONE},
    {"QII", TOPIC_QUADRANT, ANNOTATION_LOWER_INNER, ALONE},
    {"QIM", TOPIC_QUADRANT, ANNOTATION_LOWER_INNER, ALONE},
    {"UOQ", TOPIC_QUADRANT, ANNOTATION_UPPER_OUTER, ALONE},
    {"UIQ", TOPIC_QUADRANT, ANNOTATION_UPPER_INNER, ALONE},
    {"LOQ", TOPIC_QUADRANT, ANNOTATION_LOWER_OUTER, ALONE},
    {"LIQ", TOPIC_QUADRANT, ANNOTATION_LOWER_INNER, ALONE},
    {"UQSUP", TOPIC_QUADRANT, ANNOTATION_UPPER, ALONE},
    {"QQSUP", TOPIC_QUADRANT, ANNOTATION_UPPER, ALONE},
    {"UQQSUP", TOPIC_QUADRANT, ANNOTATION_UPPER, ALONE},
    {"QQSS", TOPIC_QUADRANT, ANNOTATION_UPPER, ALONE},
    {"UQQSS", TOPIC_QUADRANT, ANNOTATION_UPPER, ALONE},
    {"UQINF", TOPIC_QUADRANT, ANNOTATION_LOWER, ALONE},
    {"QQINF", TOPIC_QUADRANT, ANNOTATION_LOWER, ALONE},
    {"UQQINF", TOPIC_QUADRANT, ANNOTATION_LOWER, ALONE},
    {"UQEXT", TOPIC_QUADRANT, ANNOTATION_OUTER, ALONE},
    {"QQEXT", TOPIC_QUADRANT, ANNOTATION_OUTER, ALONE},
    {"UQQEXT", TOPIC_QUADRANT, ANNOTATION_OUTER, ALONE},
    {"QQEE", TOPIC_QUADRANT, ANNOTATION_OUTER, ALONE},
    {"UQQEE", TOPIC_QUADRANT, ANNOTATION_OUTER, ALONE},
    {"UQINT", TOPIC_QUADRANT, ANNOTATION_INNER, ALONE},
    {"QQINT", TOPIC_QUADRANT, ANNOTATION_INNER, ALONE},
    {"UQQINT", TOPIC_QUADRANT, ANNOTATION_INNER, ALONE},
    {"QQII", TOPIC_QUADRANT, ANNOTATION_INNER, ALONE},
    {"UQQII", TOPIC_QUADRANT, ANNOTATION_INNER, ALONE},
    {"RETROAREOLAR", TOPIC_QUADRANT, ANNOTATION_CENTRAL, ALONE},
    {"SUBAREOLAR", TOPIC_QUADRANT, ANNOTATION_CENTRAL, ALONE},
};
enum { VOCABULARY_COUNT = sizeof vocabulary / sizeof *vocabulary };

/* Below this an answer is none. */
static const double sure = 0.75;

/* What a token may stand for. */
struct reading {
    const struct entry *entry; /* NULL: nothing known */
    int letters;               /* of evidence */
    double confidence;         /* by itself */
};

/* Evidence that may be missing in a word of so many letters. Quadrants differ by one letter among
 * themselves; NODE is one letter from MODE, which stands on every screen. */
static int tolerance(const struct entry *entry, int letters)
{
    if (entry->topic == TOPIC_QUADRANT)
        return letters >= 8 ? 3 : 0;
    if (letters <= 2 || strcmp(entry->text, "NODE") == 0)
        return 0;
    return letters == 3 ? 1 : letters == 4 ? 2 : letters < 8 ? 3 : 6;
}

/* At the picture's border the beginning or end of a side may be missing. */
static bool compare_cut(const struct token *token, const struct entry *entry,
                        struct reading *ret_reading)
{
    int letters = (int)strlen(token->text), length = (int)strlen(entry->text);
    if (entry->topic != TOPIC_SIDE || letters >= length)
        return false;
    char part[WORD_TEXT_SIZE];
    if (token->cut_left && letters >= 3)
        memcpy(part, entry->text + length - letters, (size_t)letters);
    else if (token->cut_right && letters >= 2)
        memcpy(part, entry->text, (size_t)letters);
    else
        return false;
    part[letters] = '\0';
    int cost = token_cost(token->text, part);
    if (cost > (letters > 2 ? tolerance(entry, letters) : 1))
        return false;
    *ret_reading = (struct reading){entry, letters - cost, 0};
    return true;
}

static bool compare(const struct token *token, const struct entry *entry,
                    struct reading *ret_reading)
{
    int letters = (int)strlen(entry->text);
    int cost = token_cost(token->text, entry->text);
    if (cost > tolerance(entry, letters))
        return compare_cut(token, entry, ret_reading);
    *ret_reading = (struct reading){entry, letters - cost, 0};
    return true;
}

static struct reading look_up(const struct token *token)
{
    struct reading best = {0}, reading;
    for (int i = 0; i < VOCABULARY_COUNT; i++)
        if (compare(token, &vocabulary[i], &reading) &&
            (!best.entry || reading.letters > best.letters))
            best = reading;
    if (best.entry)
        best.confidence = token_confidence(token->word->confidence, best.letters);
    return best;
}

struct line_view {
    const struct tokens *tokens;
    const struct reading *readings;
    int first, end; /* tokens of one line */
};

/* Letters of evidence in the clearest word for a region directly beside; 0 without one. */
static int region_beside(const struct line_view *line, int i)
{
    int letters = 0;
    for (int k = i - 1; k <= i + 1; k += 2) {
        if (k < line->first || k >= line->end)
            continue;
        const struct reading *r = &line->readings[k];
        if (r->entry && r->entry->topic == TOPIC_REGION && r->confidence >= 0.6 &&
            r->letters > letters)
            letters = r->letters;
    }
    return letters;
}

static bool in_company(const struct line_view *line, int i)
{
    for (int k = line->first; k < line->end; k++) {
        const struct reading *r = &line->readings[k];
        if (k != i && r->entry && r->letters >= 2 && r->confidence >= sure)
            return true;
    }
    return false;
}

/* The confidence of one token in its line; 0 when it does not count there. What a region beside
 * it has of evidence counts for a side as well: nobody writes them together by chance. */
static double judged(const struct line_view *line, int i)
{
    const struct reading *reading = &line->readings[i];
    double read = line->tokens->items[i].word->confidence;
    if (!reading->entry)
        return 0;
    int beside = region_beside(line, i);
    bool alone = line->end - line->first == 1;
    switch (reading->entry->company) {
    case ALONE:
        if (strlen(line->tokens->items[i].text) < 3 && !beside)
            return 0;
        break;
    case IN_COMPANY:
        if (!in_company(line, i) && !(alone && read >= 0.85))
            return 0;
        break;
    case BESIDE:
        if (!beside || read < 0.5)
            return 0;
        break;
    }
    int company = reading->entry->topic == TOPIC_SIDE ? beside : 0;
    double confidence = token_confidence(read, reading->letters + company);
    return confidence >= sure ? confidence : 0;
}

struct answer {
    int value;
    bool contradicted;
    double confidence;
    const struct word *word;
};

static void answer_add(struct answer *answer, int value, double confidence, const struct word *word)
{
    if (answer->word && answer->value != value)
        answer->contradicted = true;
    if (!answer->word || confidence > answer->confidence)
        *answer = (struct answer){value, answer->contradicted, confidence, word};
}

static void line_judge(const struct line_view *line, struct answer answers[TOPIC_COUNT])
{
    for (int i = line->first; i < line->end; i++) {
        double confidence = judged(line, i);
        if (confidence == 0)
            continue;
        const struct entry *entry = line->readings[i].entry;
        const struct word *word = line->tokens->items[i].word;
        answer_add(&answers[entry->topic], entry->value, confidence, word);
        if (entry->topic == TOPIC_QUADRANT) /* a breast has them, an axilla none */
            answer_add(&answers[TOPIC_REGION], ANNOTATION_BREAST, confidence, word);
    }
}

/* 0 when nothing, or two different things, were said. */
static int answer_value(const struct answer *answer, struct annotation_source *source)
{
    if (!answer->word || answer->contradicted)
        return 0;
    annotation_source_set(source, answer->word, answer->confidence);
    return answer->value;
}

static bool same_line(const struct word *a, const struct word *b)
{
    return a->line == b->line && a->again == b->again;
}

void annotation_of_words(const struct words *words, const struct annotation_patient *patient,
                         struct annotation *ret_annotation)
{
    struct tokens tokens;
    struct reading readings[TOKENS_MAX];
    struct answer answers[TOPIC_COUNT] = {0};
    struct annotation a = {.nipple_mm = -1};
    tokens_of_words(words, &tokens);
    for (int i = 0; i < tokens.count; i++)
        readings[i] = look_up(&tokens.items[i]);
    struct line_view line = {&tokens, readings, 0, 0};
    while (line.first < tokens.count) {
        line.end = line.first + 1;
        while (line.end < tokens.count &&
               same_line(tokens.items[line.end].word, tokens.items[line.first].word))
            line.end++;
        line_judge(&line, answers);
        line.first = line.end;
    }
    a.side = (enum annotation_side)answer_value(&answers[TOPIC_SIDE], &a.side_source);
    a.side_contradicted = answers[TOPIC_SIDE].contradicted;
    a.region = (enum annotation_region)answer_value(&answers[TOPIC_REGION], &a.region_source);
    a.region_contradicted = answers[TOPIC_REGION].contradicted;
    a.plane = (enum annotation_plane)answer_value(&answers[TOPIC_PLANE], &a.plane_source);
    a.quadrant = (enum annotation_quadrant)answer_value(&answers[TOPIC_QUADRANT],
                                                        &a.quadrant_source);
    annotation_numbers(words, &a);
    if (patient)
        annotation_identify(words, patient, &a);
    *ret_annotation = a;
}

int annotation_read(struct word_reader *reader, const struct image *picture,
                    const struct bounds *area, const struct annotation_patient *patient,
                    struct words *ret_words, struct annotation *ret_annotation, struct error *err)
{
    struct words words;
    int status = words_read(reader, picture, area, &words, err);
    if (status < 0)
        return status;
    annotation_of_words(&words, patient, ret_annotation);
    if (ret_words)
        *ret_words = words;
    return 0;
}
