#include "base/uid.h"

#include <string.h>

bool uid_valid(const char *uid)
{
    size_t n = strnlen(uid, UID_SIZE);
    if (n == 0 || n > 64)
        return false;
    for (size_t i = 0; i < n; i++) {
        bool starts = i == 0 || uid[i - 1] == '.';
        bool ends = i + 1 == n || uid[i + 1] == '.';
        if (uid[i] == '.') {
            if (starts || ends)
                return false;
        } else if (uid[i] < '0' || uid[i] > '9' || (uid[i] == '0' && starts && !ends)) {
            return false;
        }
    }
    return true;
}

void uid_derive(const uint8_t content[DIGEST_SIZE], const char *purpose, char out[UID_SIZE])
{
    uint8_t keyed[DIGEST_SIZE + 64] = {0}, digest[DIGEST_SIZE];
    size_t length = strnlen(purpose, 64);
    memcpy(keyed, content, DIGEST_SIZE);
    memcpy(keyed + DIGEST_SIZE, purpose, length);
    digest_bytes(keyed, DIGEST_SIZE + length, digest);
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x80);
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
    unsigned __int128 value = 0;
    for (int i = 0; i < 16; i++)
        value = value << 8 | digest[i];
    char digits[40];
    int at = 40;
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    memcpy(out, "2.25.", 5);
    memcpy(out + 5, digits + at, (size_t)(40 - at));
    out[5 + 40 - at] = '\0';
}
