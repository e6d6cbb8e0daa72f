/* Whose picture it is: what stands behind a label such as NAME or ID, against the header. */
#include <ctype.h>
#include <string.h>

#include "image/annotation_tokens.h"

enum { PARTS_MAX = 8, LEAST_READ = 4 };

/* Capitals and digits of a header text; the parts of a name stand apart. */
struct header_words {
    char parts[PARTS_MAX][WORD_TEXT_SIZE];
    int count;
    bool foreign; /* letters beyond ASCII, which the reader cannot give */
};

static struct header_words header_split(const char *text, const char *between)
{
    struct header_words words = {.count = 0};
    size_t length = 0;
    for (const char *p = text ? text : "";; p++) {
        bool ends = !*p || strchr(between, *p);
        words.foreign = words.foreign || (unsigned char)*p >= 128;
        if (!ends && isalnum((unsigned char)*p) && words.count < PARTS_MAX &&
            length < WORD_TEXT_SIZE - 1)
            words.parts[words.count][length++] = (char)toupper((unsigned char)*p);
        if (ends && length) {
            words.parts[words.count++][length] = '\0';
            length = 0;
        }
        if (!*p)
            return words;
    }
}

static bool listed(const char *text, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(text, *list) == 0)
            return true;
    return false;
}

static bool is_name_label(const char *text)
{
    static const char *const labels[] = {"NAME",     "NOME", "NOM",        "NOMBRE", "PATIENT",
                                         "PACIENTE", "PAT",  "PATIENTEN",  NULL};
    return listed(text, labels);
}

static bool is_id_label(const char *text)
{
    static const char *const labels[] = {"ID", "PID", "MRN", "PATID", "PATIENTID", NULL};
    return listed(text, labels);
}

static size_t digits_in(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += isdigit((unsigned char)*text) != 0;
    return count;
}

static bool is_part(const struct token *token, const struct header_words *header)
{
    for (int i = 0; i < header->count; i++) {
        size_t length = strlen(header->parts[i]);
        if (length >= 3 && token_cost(token->text, header->parts[i]) <= (length >= 5 ? 3 : 1))
            return true;
    }
    return false;
}

struct search {
    const struct tokens *tokens;
    struct header_words name, id;
    const struct word *match, *other; /* first of each kind; NULL: none */
};

static bool same_line(const struct token *a, const struct token *b)
{
    return a->word->line == b->word->line && a->word->again == b->word->again;
}

/* A number behind ID that is surely another one: most of it must have been read as something else. */
static void id_compare(struct search *s, int i)
{
    const struct token *token = &s->tokens->items[i];
    const char *id = s->id.parts[0];
    if (s->id.count != 1 || s->id.foreign || token->cut_left || token->cut_right ||
        token->word->confidence < 0.8 || digits_in(token->text) < LEAST_READ)
        return;
    int cost = token_cost(token->text, id);
    if (cost >= 6 && (token->word->confidence >= 0.9 || 2 * cost >= 3 * (int)strlen(id)))
        s->other = token->word;
}

/* Names behind NAME of which none is in the header. */
static void name_compare(struct search *s, int i)
{
    const struct token *label = &s->tokens->items[i - 1];
    const struct word *read = NULL;
    if (s->name.count == 0 || s->name.foreign)
        return;
    for (; i < s->tokens->count && same_line(&s->tokens->items[i], label); i++) {
        const struct token *token = &s->tokens->items[i];
        if (is_name_label(token->text))
            continue;
        if (is_id_label(token->text) || is_part(token, &s->name))
            return;
        if (token->word->confidence < 0.85 || token->cut_right)
            return;
        if (strlen(token->text) >= LEAST_READ && digits_in(token->text) == 0)
            read = token->word;
    }
    if (read)
        s->other = read;
}

static void look_for_match(struct search *s)
{
    for (int i = 0; i < s->tokens->count && !s->match; i++) {
        const struct token *token = &s->tokens->items[i];
        bool id = s->id.count == 1 && strlen(s->id.parts[0]) >= LEAST_READ &&
                  strcmp(token->text, s->id.parts[0]) == 0;
        bool family = s->name.count > 0 && strlen(s->name.parts[0]) >= LEAST_READ &&
                      token->word->confidence >= 0.5 &&
                      token_cost(token->text, s->name.parts[0]) <= 1;
        if (id || family)
            s->match = token->word;
    }
}

void annotation_identify(const struct words *words, const struct annotation_patient *patient,
                         struct annotation *annotation)
{
    struct tokens tokens;
    tokens_of_words(words, &tokens);
    struct search s = {.tokens = &tokens,
                       .name = header_split(patient->name, "^ =,-'"),
                       .id = header_split(patient->id, "")};
    look_for_match(&s);
    for (int i = 1; i < tokens.count && !s.match; i++) {
        const struct token *label = &tokens.items[i - 1];
        if (!same_line(label, &tokens.items[i]) || label->word->confidence < 0.6)
            continue;
        if (is_id_label(label->text))
            id_compare(&s, i);
        else if (is_name_label(label->text))
            name_compare(&s, i);
    }
    const struct word *word = s.match ? s.match : s.other;
    if (!word)
        return;
    annotation->identity =
        s.match ? ANNOTATION_IDENTITY_MATCH : ANNOTATION_IDENTITY_CONTRADICTION;
    annotation_source_set(&annotation->identity_source, word, word->confidence);
}
