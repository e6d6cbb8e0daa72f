#include "image/annotation_tokens.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void tokens_of_words(const struct words *words, struct tokens *ret_tokens)
{
    ret_tokens->count = 0;
    for (int i = 0; i < words->count; i++) {
        const struct word *word = &words->items[i];
        const char *p = word->text;
        bool first = true;
        while (*p && ret_tokens->count < TOKENS_MAX) {
            if (!isalnum((unsigned char)*p)) {
                p++;
                continue;
            }
            struct token *token = &ret_tokens->items[ret_tokens->count++];
            *token = (struct token){.word = word, .joined = !first};
            token->cut_left = word->cut_left && first;
            size_t length = 0;
            while (isalnum((unsigned char)*p))
                token->text[length++] = (char)toupper((unsigned char)*p++);
            token->cut_right = word->cut_right && !*p;
            first = false;
        }
    }
}

/* Letters and digits that are mistaken for each other in small, blurred capitals. */
static bool look_alike(char a, char b)
{
    static const char *const groups[] = {"OQD0CG", "MNHWR", "ILTJ1", "EFB8", "AR4", "S58",
                                         "UV",     "RKP",  "Z2",    "G6",   "XK"};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strchr(groups[i], a) && strchr(groups[i], b))
            return true;
    return false;
}

int token_cost(const char *read, const char *word)
{
    enum { OTHER = 3, ALIKE = 1 };
    int row[WORD_TEXT_SIZE + 1];
    int length = (int)strlen(word);
    for (int k = 0; k <= length; k++)
        row[k] = k * OTHER;
    for (int i = 0; read[i]; i++) {
        int diagonal = row[0];
        row[0] = (i + 1) * OTHER;
        for (int k = 1; k <= length; k++) {
            int best = diagonal;
            if (read[i] != word[k - 1])
                best += look_alike(read[i], word[k - 1]) ? ALIKE : OTHER;
            diagonal = row[k];
            best = row[k] + OTHER < best ? row[k] + OTHER : best;
            best = row[k - 1] + OTHER < best ? row[k - 1] + OTHER : best;
            row[k] = best;
        }
    }
    return row[length];
}

double token_confidence(double confidence, int letters)
{
    return 1 - (1 - confidence) * pow(0.5, letters - 2);
}

void annotation_source_set(struct annotation_source *source, const struct word *word,
                           double confidence)
{
    snprintf(source->text, sizeof source->text, "%s", word->text);
    source->confidence = fmin(1, fmax(0, confidence));
    source->box = word->box;
}
