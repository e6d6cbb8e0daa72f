#include "pipeline/classify.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Words on either side of an answer, in the languages of the machines and lists we have seen. */
static const char *const breast_words[] = {"BREAST", "MAMMA", "MAMA", "BRUST", "MAMMARY", NULL};
static const char *const axilla_words[] = {"AXILLA", "AXILLARY", "AXILAR", "AXILA", "ACHSEL",
                                           "AX",     "LN",       "LYMPH",  "NODE",  "NODES",
                                           NULL};
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

static enum roi role_of_text(const char *text)
{
    int said = words_say(text, breast_words, axilla_words);
    return said == 1 ? ROI_TUMOUR : said == 2 ? ROI_NODE : ROI_COUNT;
}

static enum roi role_of_code(const struct dicom_code *code)
{
    static const struct {
        const char *scheme, *value;
        enum roi role;
    } codes[] = {
        {"SCT", "76752008", ROI_TUMOUR}, /* breast */
        {"SCT", "91470000", ROI_NODE},   /* axilla */
        {"SCT", "68171009", ROI_NODE},   /* axillary lymph node */
        {"SCT", "59441001", ROI_NODE},   /* lymph node */
        {"SRT", "T-04000", ROI_TUMOUR},  /* breast */
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(code->scheme, codes[i].scheme) == 0 && strcmp(code->value, codes[i].value) == 0)
            return codes[i].role;
    return role_of_text(code->meaning);
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

/* One more piece of evidence; `none` is what says nothing. The first source is kept. */
static void vote(int value, int none, const char *source, int *decided, char source_out[64],
                 bool *contradicted)
{
    if (value == none)
        return;
    if (*decided == none) {
        *decided = value;
        snprintf(source_out, 64, "%s", source);
    } else if (*decided != value) {
        *contradicted = true;
    }
}

struct evidence_text {
    const char *text, *source;
};

/* Rungs of the ladder, from what is said of this image to what is said of its study. The first
 * rung that says anything decides. */
static void classify_role(const struct dicom_instance *h, struct image_class *out)
{
    const struct evidence_text rungs[][2] = {
        {{h->image_comments, "(0020,4000) Image Comments"},
         {h->view_name, "(0008,2127) View Name"}},
        {{h->series_description, "(0008,103E) Series Description"},
         {h->protocol_name, "(0018,1030) Protocol Name"}},
        {{h->body_part_examined, "(0018,0015) Body Part Examined"},
         {h->study_description, "(0008,1030) Study Description"}},
    };
    int role = ROI_COUNT;
    bool contradicted = false;
    vote((int)role_of_code(&h->anatomic_region), ROI_COUNT, "(0008,2218) Anatomic Region", &role,
         out->role_source, &contradicted);
    vote((int)role_of_code(&h->primary_structure), ROI_COUNT, "(0008,2228) Primary Structure",
         &role, out->role_source, &contradicted);
    for (size_t rung = 0; rung < sizeof rungs / sizeof *rungs; rung++) {
        if (rung > 0 && role != ROI_COUNT)
            break;
        for (int i = 0; i < 2; i++)
            vote((int)role_of_text(rungs[rung][i].text), ROI_COUNT, rungs[rung][i].source, &role,
                 out->role_source, &contradicted);
    }
    out->role_contradicted = contradicted;
    out->role = contradicted ? ROI_COUNT : (enum roi)role;
}

static void classify_side(const struct dicom_instance *h, struct image_class *out)
{
    const struct {
        char letter;
        const char *source;
    } letters[] = {
        {h->image_laterality, "(0020,0062) Image Laterality"},
        {h->laterality, "(0020,0060) Laterality"},
        {h->anatomic_laterality, "(0008,2220) Anatomic Region Modifier"},
    };
    const struct evidence_text texts[] = {
        {h->image_comments, "(0020,4000) Image Comments"},
        {h->view_name, "(0008,2127) View Name"},
        {h->series_description, "(0008,103E) Series Description"},
        {h->protocol_name, "(0018,1030) Protocol Name"},
        {h->study_description, "(0008,1030) Study Description"},
    };
    int side = SIDE_UNKNOWN;
    bool contradicted = false;
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
        vote((int)side_of_letter(letters[i].letter), SIDE_UNKNOWN, letters[i].source, &side,
             out->side_source, &contradicted);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        vote((int)side_of_text(texts[i].text), SIDE_UNKNOWN, texts[i].source, &side,
             out->side_source, &contradicted);
    out->side_contradicted = contradicted;
    out->side = contradicted ? SIDE_UNKNOWN : (enum side)side;
}

void image_classify(const struct dicom_instance *header, struct image_class *ret_class)
{
    *ret_class = (struct image_class){.role = ROI_COUNT};
    classify_role(header, ret_class);
    classify_side(header, ret_class);
}
