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
    static const char *const names[] = {"unknown", "breast", "axilla", "lymph node"};
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
enum need {
    ALONE,      /* none */
    IN_COMPANY, /* another known word, or nothing else on the line and read without doubt */
    BESIDE,     /* directly beside a word of the region, for what means other things too */
};

struct entry {
    const char *text;
    enum topic topic;
    int value;
    enum need need;
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
    {"LN", TOPIC_REGION, ANNOTATION_LYMPH_NODE, IN_COMPANY},
    {"LYMPH", TOPIC_REGION, ANNOTATION_LYMPH_NODE, ALONE},
    {"NODE", TOPIC_REGION, ANNOTATION_LYMPH_NODE, ALONE},
    {"LINFONODO", TOPIC_REGION, ANNOTATION_LYMPH_NODE, ALONE},
    {"LINFONODOS", TOPIC_REGION, ANNOTATION_LYMPH_NODE, ALONE},
    {"LYMPHKNOTEN", TOPIC_REGION, ANNOTATION_LYMPH_NODE, ALONE},

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
    bool weak;                 /* so little of the word is left that it needs a region beside it */
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
    *ret_reading = (struct reading){entry, letters - cost, letters < 3 || (letters == 3 && cost)};
    return true;
}

static bool compare(const struct token *token, const struct entry *entry,
                    struct reading *ret_reading)
{
    int letters = (int)strlen(entry->text);
    int cost = token_cost(token->text, entry->text);
    if (cost > tolerance(entry, letters))
        return compare_cut(token, entry, ret_reading);
    *ret_reading = (struct reading){entry, letters - cost, false};
    return true;
}

static struct reading look_up(const struct token *token)
{
    struct reading best = {0}, reading;
    for (int i = 0; i < VOCABULARY_COUNT; i++)
        if (compare(token, &vocabulary[i], &reading) &&
            (!best.entry || reading.letters > best.letters))
            best = reading;
    return best;
}

/* Tokens, and what each may stand for. */
struct pieces {
    struct token tokens[TOKENS_MAX];
    struct reading readings[TOKENS_MAX];
    int count;
};

static void pieces_add(struct pieces *pieces, const struct token *token,
                       const struct reading *reading)
{
    if (pieces->count == TOKENS_MAX)
        return;
    pieces->tokens[pieces->count] = *token;
    pieces->readings[pieces->count++] = *reading;
}

enum { SPLIT_MAX = 3 };

/* Words with the blanks between them lost: "LAXILLA", "RTAXLN". One of them is a region. */
struct split {
    struct token tokens[SPLIT_MAX];
    struct reading readings[SPLIT_MAX];
    int count;   /* 0: not all is known */
    int letters; /* of evidence in all */
};

/* In a split all must fit, but for one letter that looks alike in a longer word: parts of words
 * are words too often. */
static bool fits(const struct token *token, const struct reading *reading)
{
    int length = (int)strlen(token->text);
    return reading->entry && reading->letters >= length - (length >= 5);
}

static struct split split_best(const struct token *token, int most)
{
    struct split best = {.count = 0};
    struct reading whole = look_up(token);
    int length = (int)strlen(token->text);
    if (whole.entry && (most == SPLIT_MAX || fits(token, &whole)))
        best = (struct split){{*token}, {whole}, 1, whole.letters};
    for (int at = 1; at < length && most > 1; at++) {
        struct token first = *token, rest = *token;
        first.text[at] = '\0';
        first.cut_right = false;
        memmove(rest.text, rest.text + at, (size_t)(length - at) + 1);
        rest.cut_left = false;
        struct reading reading = look_up(&first);
        if (!fits(&first, &reading))
            continue;
        struct split behind = split_best(&rest, most - 1);
        bool region = reading.entry->topic == TOPIC_REGION;
        for (int k = 0; k < behind.count; k++)
            region = region || behind.readings[k].entry->topic == TOPIC_REGION;
        if (!behind.count || !region || reading.letters + behind.letters <= best.letters)
            continue;
        best.tokens[0] = first;
        best.readings[0] = reading;
        memcpy(best.tokens + 1, behind.tokens, sizeof first * (SPLIT_MAX - 1));
        memcpy(best.readings + 1, behind.readings, sizeof reading * (SPLIT_MAX - 1));
        best.count = behind.count + 1;
        best.letters = reading.letters + behind.letters;
    }
    return best;
}

/* Tokens as read, or split where that explains more letters. */
static void pieces_make(const struct tokens *tokens, struct pieces *ret_pieces)
{
    static const struct reading nothing = {0};
    ret_pieces->count = 0;
    for (int i = 0; i < tokens->count; i++) {
        struct split split = split_best(&tokens->items[i], SPLIT_MAX);
        if (!split.count)
            pieces_add(ret_pieces, &tokens->items[i], &nothing);
        for (int k = 0; k < split.count; k++)
            pieces_add(ret_pieces, &split.tokens[k], &split.readings[k]);
    }
}

static bool same_line(const struct token *a, const struct token *b)
{
    return a->word->line == b->word->line && a->word->again == b->word->again;
}

static bool region_beside(const struct pieces *pieces, int i)
{
    for (int k = i - 1; k <= i + 1; k += 2)
        if (k >= 0 && k < pieces->count && pieces->readings[k].entry &&
            pieces->readings[k].entry->topic == TOPIC_REGION &&
            same_line(&pieces->tokens[i], &pieces->tokens[k]))
            return true;
    return false;
}

/* What else is known of a token's line. */
struct company {
    int others;   /* tokens besides it */
    int letters;  /* of evidence in the known ones; single letters directly beside only */
    bool agreed;  /* the other reading of the line says the same */
};

static struct company company_of(const struct pieces *pieces, int i)
{
    struct company company = {0};
    const struct token *token = &pieces->tokens[i];
    const struct entry *entry = pieces->readings[i].entry;
    for (int k = 0; k < pieces->count; k++) {
        const struct reading *other = &pieces->readings[k];
        if (k == i || pieces->tokens[k].word->line != token->word->line)
            continue;
        if (same_line(token, &pieces->tokens[k])) {
            company.others++;
            bool near = k == i - 1 || k == i + 1;
            company.letters += other->entry && (other->letters >= 2 || near) ? other->letters : 0;
        } else if (other->entry && other->entry->topic == entry->topic &&
                   other->entry->value == entry->value) {
            company.agreed = true;
        }
    }
    return company;
}

/* The confidence of one token in its line; 0 when it does not count there. Known words of one
 * line vouch for each other: nobody finds them side by side in speckle. */
static double judged(const struct pieces *pieces, int i)
{
    const struct reading *reading = &pieces->readings[i];
    const struct token *token = &pieces->tokens[i];
    double read = token->word->confidence;
    if (!reading->entry)
        return 0;
    struct company company = company_of(pieces, i);
    bool beside = region_beside(pieces, i);
    switch (reading->entry->need) {
    case ALONE:
        if (reading->weak && !beside)
            return 0;
        break;
    case IN_COMPANY:
        if (company.letters == 0 && !(company.others == 0 && read >= 0.85))
            return 0;
        break;
    case BESIDE:
        if (!beside || (read < 0.5 && !company.agreed))
            return 0;
        break;
    }
    double confidence = token_confidence(
        read, reading->letters + company.letters + (company.agreed ? 2 : 0));
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

static void judge(const struct pieces *pieces, struct answer answers[TOPIC_COUNT])
{
    struct answer node = {0}; /* apart: a node in the axilla is no contradiction */
    for (int i = 0; i < pieces->count; i++) {
        double confidence = judged(pieces, i);
        if (confidence == 0)
            continue;
        const struct entry *entry = pieces->readings[i].entry;
        const struct word *word = pieces->tokens[i].word;
        bool is_node = entry->topic == TOPIC_REGION && entry->value == ANNOTATION_LYMPH_NODE;
        answer_add(is_node ? &node : &answers[entry->topic], entry->value, confidence, word);
        if (entry->topic == TOPIC_QUADRANT) /* a breast has them, an axilla none */
            answer_add(&answers[TOPIC_REGION], ANNOTATION_BREAST, confidence, word);
    }
    if (node.word && answers[TOPIC_REGION].value != ANNOTATION_AXILLA)
        answer_add(&answers[TOPIC_REGION], node.value, node.confidence, node.word);
}

/* 0 when nothing, or two different things, were said. */
static int answer_value(const struct answer *answer, struct annotation_source *source)
{
    if (!answer->word || answer->contradicted)
        return 0;
    annotation_source_set(source, answer->word, answer->confidence);
    return answer->value;
}

void annotation_of_words(const struct words *words, const struct annotation_patient *patient,
                         struct annotation *ret_annotation)
{
    struct tokens tokens;
    struct pieces pieces;
    struct answer answers[TOPIC_COUNT] = {0};
    struct annotation a = {.nipple_mm = -1};
    tokens_of_words(words, &tokens);
    pieces_make(&tokens, &pieces);
    judge(&pieces, answers);
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
