#include "base/digest.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

struct digest *digest_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct digest *)context;
}

void digest_free(struct digest *d)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
    int done = EVP_DigestUpdate((EVP_MD_CTX *)d, bytes, n);
    assert(done == 1);
    (void)done;
}

void digest_add_text(struct digest *d, const char *text)
{
    digest_add(d, text, strlen(text) + 1);
}

void digest_end(struct digest *d, uint8_t out[DIGEST_SIZE])
{
    int done = EVP_DigestFinal_ex((EVP_MD_CTX *)d, out, NULL);
    assert(done == 1);
    (void)done;
}

void digest_bytes(const void *bytes, size_t n, uint8_t out[DIGEST_SIZE])
{
    int done = EVP_Digest(bytes, n, out, NULL, EVP_sha256(), NULL);
    assert(done == 1);
    (void)done;
}

void digest_format(const uint8_t digest[DIGEST_SIZE], char out[DIGEST_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < DIGEST_SIZE; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[2 * DIGEST_SIZE] = '\0';
}

int digest_file(const char *path, char ret_hex[DIGEST_TEXT_SIZE], uint64_t *ret_size,
                struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, errno,
                               "cannot open file %s", path);
    struct digest *d = digest_new();
    int status = d ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
    uint64_t size = 0;
    while (status == 0) {
        unsigned char chunk[65536];
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            status = error_set_errno(err, STATUS_IO, errno, "cannot read file %s", path);
        if (n <= 0)
            break;
        digest_add(d, chunk, (size_t)n);
        size += (uint64_t)n;
    }
    if (status == 0) {
        uint8_t digest[DIGEST_SIZE];
        digest_end(d, digest);
        digest_format(digest, ret_hex);
        if (ret_size)
            *ret_size = size;
    }
    digest_free(d);
    close(fd);
    return status;
}
