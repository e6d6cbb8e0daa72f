#include "pipeline/classify.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Words on either side of an answer, in the languages of the machines and lists we have seen. */
static const char *const breast_words[] = {"BREAST", "MAMMA", "MAMA", "BRUST", "MAMMARY", NULL};
static const char *const axilla_words[] = {"AXILLA", "AXILLARY", "AXILAR", "AXILA", "ACHSEL",
                                           "AX",     NULL};
static const char *const node_words[] = {"LN", "LYMPH", "NODE", "NODES", NULL};
static const char *const left_words[] = {"LEFT", "LT", "L", "ESQ", "ESQUERDA", "IZQ", "LINKS",
                                         NULL};
static const char *const right_words[] = {"RIGHT", "RT", "R", "DIR", "DIREITA", "DER", "RECHTS",
                                          NULL};

static bool listed(const char *word, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(word, *list) == 0)
            return true;
    return false;
}

/* What the words of a text say: bit 0 for the first list, bit 1 for the second. */
static int words_say(const char *text, const char *const *first, const char *const *second)
{
    int said = 0;
    char word[32];
    size_t length = 0;
    for (const char *p = text;; p++) {
        if (isalnum((unsigned char)*p)) {
            if (length < sizeof word - 1)
                word[length++] = (char)toupper((unsigned char)*p);
            continue;
        }
        word[length] = '\0';
        if (length && listed(word, first))
            said |= 1;
        if (length && listed(word, second))
            said |= 2;
        length = 0;
        if (!*p)
            return said;
    }
}

/* Necks and groins have lymph nodes too: one counts as the axilla's where `examined`, something
 * else, says that breast or axilla were looked at. */
static enum roi role_of_text(const char *text, bool examined)
{
    int said = words_say(text, breast_words, axilla_words);
    bool node = words_say(text, node_words, node_words) != 0;
    if (said == 0 && node && examined)
        return ROI_NODE;
    return said == 1 && !node ? ROI_TUMOUR : said == 2 ? ROI_NODE : ROI_COUNT;
}

static enum roi role_of_code(const struct dicom_code *code, bool examined)
{
    static const struct {
        const char *scheme, *value;
        enum roi role;
    } codes[] = {
        {"SCT", "76752008", ROI_TUMOUR}, /* breast */
        {"SCT", "91470000", ROI_NODE},   /* axilla */
        {"SCT", "68171009", ROI_NODE},   /* axillary lymph node */
        {"SRT", "T-04000", ROI_TUMOUR},  /* breast */
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code->scheme, codes[i].scheme) == 0 && strcmp(code->value, codes[i].value) == 0)
            return codes[i].role;
    if (strcmp(code->scheme, "SCT") == 0 && strcmp(code->value, "59441001") == 0) /* lymph node */
        return examined ? ROI_NODE : ROI_COUNT;
    return role_of_text(code->meaning, examined);
}

/* Whether anything names breast or axilla, be it both. */
static bool breast_examined(const struct image_evidence *e)
{
    const struct dicom_instance *h = e->header;
    const char *const texts[] = {h->anatomic_region.meaning, h->primary_structure.meaning,
                                 h->image_comments,          h->view_name,
                                 h->series_description,      h->protocol_name,
                                 h->body_part_examined,      h->study_description};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (words_say(texts[i], breast_words, axilla_words))
            return true;
    return role_of_code(&h->anatomic_region, false) != ROI_COUNT ||
           role_of_code(&h->primary_structure, false) != ROI_COUNT;
}

static enum side side_of_letter(char letter)
{
    return letter == 'L' ? SIDE_LEFT : letter == 'R' ? SIDE_RIGHT : SIDE_UNKNOWN;
}

static enum side side_of_text(const char *text)
{
    int said = words_say(text, left_words, right_words);
    return said == 1 ? SIDE_LEFT : said == 2 ? SIDE_RIGHT : SIDE_UNKNOWN;
}

/* A decision in the making. */
struct ballot {
    int none, decided; /* what says nothing, and what was said first */
    char *source;      /* CLASS_SOURCE_SIZE */
    double *confidence;
    bool contradicted;
    bool examined; /* breast or axilla, somewhere: tells whose a lymph node is */
};

static void vote(struct ballot *b, int value, const char *source, double confidence)
{
    if (value == b->none)
        return;
    if (b->decided == b->none) {
        b->decided = value;
        *b->confidence = confidence;
        snprintf(b->source, CLASS_SOURCE_SIZE, "%s", source);
    } else if (b->decided != value) {
        b->contradicted = true;
    }
}

static void remark(struct image_class *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void remark(struct image_class *out, const char *format, ...)
{
    va_list args;
    if (out->remark_count == CLASS_REMARKS_MAX)
        return;
    va_start(args, format);
    vsnprintf(out->remarks[out->remark_count], sizeof *out->remarks, format, args);
    va_end(args);
    out->remark_count++;
}

struct evidence_text {
    const char *text, *source;
};

static void vote_role_texts(struct ballot *b, const struct evidence_text texts[2],
                            double confidence)
{
    for (int i = 0; i < 2; i++)
        vote(b, (int)role_of_text(texts[i].text, b->examined), texts[i].source, confidence);
}

static enum roi role_of_words(const struct annotation *words, bool examined)
{
    if (!words)
        return ROI_COUNT;
    if (words->region == ANNOTATION_LYMPH_NODE)
        return examined ? ROI_NODE : ROI_COUNT;
    return words->region == ANNOTATION_BREAST   ? ROI_TUMOUR
           : words->region == ANNOTATION_AXILLA ? ROI_NODE
                                                : ROI_COUNT;
}

static const char *place_name(int role)
{
    return role == ROI_TUMOUR ? "breast" : "axilla";
}

/* "words on the screen: MAMA DIR" */
static void vote_words(struct ballot *b, int value, const struct annotation_source *source)
{
    char text[CLASS_SOURCE_SIZE];
    snprintf(text, sizeof text, "words on the screen: %s", source->text);
    vote(b, value, text, source->confidence);
}

/* What is said of the series, then of the study: as a ballot of its own, to compare with. */
static void vote_above(struct ballot *b, const struct dicom_instance *h)
{
    vote_role_texts(b,
                    (const struct evidence_text[]){
                        {h->series_description, "(0008,103E) Series Description"},
                        {h->protocol_name, "(0018,1030) Protocol Name"}},
                    0.8);
    if (b->decided == ROI_COUNT)
        vote_role_texts(b,
                        (const struct evidence_text[]){
                            {h->body_part_examined, "(0018,0015) Body Part Examined"},
                            {h->study_description, "(0008,1030) Study Description"}},
                        0.6);
}

static void vote_image(struct ballot *b, const struct dicom_instance *h)
{
    vote(b, (int)role_of_code(&h->anatomic_region, b->examined),
         "(0008,2218) Anatomic Region", 1);
    vote(b, (int)role_of_code(&h->primary_structure, b->examined),
         "(0008,2228) Primary Structure", 1);
    vote_role_texts(b,
                    (const struct evidence_text[]){
                        {h->image_comments, "(0020,4000) Image Comments"},
                        {h->view_name, "(0008,2127) View Name"}},
                    0.9);
}

/* The network knows breasts and axillae alone, and calls a heart one of them: it is asked which of
 * the two only where something names either. */
static void vote_view(struct ballot *b, const struct image_evidence *e, struct image_class *out)
{
    const int seen = (int)view_decide(e->view_network, e->view);
    if (seen == ROI_COUNT || seen == b->decided)
        return;
    if (b->decided != ROI_COUNT) {
        remark(out, "named %s, it looks like the %s (%.2f)", place_name(b->decided),
               place_name(seen), e->view[seen]);
    } else if (b->examined && !(e->words && e->words->region_contradicted)) {
        vote(b, seen, "view network", e->view[seen]);
        out->role_by_view = true;
    }
}

static void classify_role(const struct image_evidence *e, struct image_class *out)
{
    char above_source[CLASS_SOURCE_SIZE];
    double above_confidence;
    const bool examined = breast_examined(e);
    struct ballot above = {ROI_COUNT, ROI_COUNT, above_source, &above_confidence, false, examined};
    struct ballot b = {ROI_COUNT, ROI_COUNT, out->role_source, &out->role_confidence, false,
                       examined};
    const int words = (int)role_of_words(e->words, examined);
    vote_image(&b, e->header);
    const bool silent = b.decided == ROI_COUNT;
    if (b.contradicted)
        remark(out, "its attributes name breast and axilla");
    if (words != ROI_COUNT) {
        const bool before = b.contradicted;
        vote_words(&b, words, &e->words->region_source);
        if (b.contradicted && !before)
            remark(out, "the words on it name the %s, its attributes the %s", place_name(words),
                   place_name(b.decided));
    }
    vote_above(&above, e->header);
    if (b.decided == ROI_COUNT) {
        b.contradicted = above.contradicted;
        vote(&b, above.decided, above_source, above_confidence);
        if (above.contradicted)
            remark(out, "its attributes name breast and axilla");
    } else if (silent && !above.contradicted && above.decided != ROI_COUNT &&
               above.decided != b.decided) {
        remark(out, "the words on it name the %s, its series or study the %s", place_name(words),
               place_name(above.decided));
    }
    if (e->view)
        vote_view(&b, e, out);
    out->role_contradicted = b.contradicted;
    out->role = b.contradicted ? ROI_COUNT : (enum roi)b.decided;
}

static enum side side_of_words(const struct annotation *words)
{
    if (!words)
        return SIDE_UNKNOWN;
    return words->side == ANNOTATION_LEFT    ? SIDE_LEFT
           : words->side == ANNOTATION_RIGHT ? SIDE_RIGHT
                                             : SIDE_UNKNOWN;
}

static void classify_side(const struct image_evidence *e, struct image_class *out)
{
    const struct dicom_instance *h = e->header;
    const struct {
        char letter;
        const char *source;
    } letters[] = {
        {h->image_laterality, "(0020,0062) Image Laterality"},
        {h->laterality, "(0020,0060) Laterality"},
        {h->anatomic_laterality, "(0008,2220) Anatomic Region Modifier"},
    };
    const struct {
        const char *text, *source;
        double confidence;
    } texts[] = {
        {h->image_comments, "(0020,4000) Image Comments", 0.9},
        {h->view_name, "(0008,2127) View Name", 0.9},
        {h->series_description, "(0008,103E) Series Description", 0.8},
        {h->protocol_name, "(0018,1030) Protocol Name", 0.8},
        {h->study_description, "(0008,1030) Study Description", 0.6},
    };
    struct ballot b = {.none = SIDE_UNKNOWN, .decided = SIDE_UNKNOWN, .source = out->side_source,
                       .confidence = &out->side_confidence};
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        vote(&b, (int)side_of_letter(letters[i].letter), letters[i].source, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        vote(&b, (int)side_of_text(texts[i].text), texts[i].source, texts[i].confidence);
    if (b.contradicted)
        remark(out, "its attributes contradict each other on the side");
    const int words = (int)side_of_words(e->words);
    if (words != SIDE_UNKNOWN) {
        const bool before = b.contradicted;
        vote_words(&b, words, &e->words->side_source);
        if (b.contradicted && !before)
            remark(out, "the words on it name the %s side, its attributes the %s",
                   side_name((enum side)words), side_name((enum side)b.decided));
    }
    out->side_contradicted = b.contradicted;
    out->side = b.contradicted ? SIDE_UNKNOWN : (enum side)b.decided;
}

void image_classify(const struct image_evidence *evidence, struct image_class *ret_class)
{
    *ret_class = (struct image_class){.role = ROI_COUNT};
    classify_role(evidence, ret_class);
    classify_side(evidence, ret_class);
    if (evidence->words && evidence->words->identity == ANNOTATION_IDENTITY_CONTRADICTION) {
        ret_class->identity_contradicted = true;
        remark(ret_class, "the words on it name another patient than its attributes");
    }
}
