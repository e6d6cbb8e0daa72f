/* libFuzzer target: what a peer sends over one association, from its first byte on. Seeds:
 * tests/integration/pdu.py FOLDER makes FOLDER/association. */
#include "session.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    return session_setup();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    session_run(data, size);
    return 0;
}
