/* Words of a picture and their meaning, for people and as JSON. */
#ifndef AXNODE_CLI_WORDS_PRINT_H
#define AXNODE_CLI_WORDS_PRINT_H

#include "image/annotation.h"
#include "image/words.h"

/* On stdout; return EXIT_DONE or EXIT_FAILED. */
int words_print_text(const struct words *words, const struct annotation *annotation);
int words_print_json(const char *path, const struct words *words,
                     const struct annotation *annotation);

#endif
