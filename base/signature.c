#include "base/signature.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"

enum { KEY_BYTES_MAX = 64 << 10 };

/* A passphrase is never asked for: nobody sits at a service's terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static int read_key(const char *path, bool private, EVP_PKEY **ret_key, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    int status = file_read(path, KEY_BYTES_MAX, &content, err);
    if (status < 0)
        return status;
    BIO *bio = BIO_new_mem_buf(buffer_text(&content), (int)content.size);
    if (!bio)
        return error_set(err, STATUS_NOMEM, "out of memory");
    EVP_PKEY *key = private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                            : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (content.data)
        OPENSSL_cleanse(content.data, content.size);
    if (!key || EVP_PKEY_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        return error_set(err, STATUS_INVALID, "key file %s holds no Ed25519 %s key in PEM", path,
                         private ? "private" : "public");
    }
    *ret_key = key;
    return 0;
}

int signature_verify(const char *key_file, const void *bytes, size_t n,
                     const uint8_t signature[SIGNATURE_SIZE], bool *ret_valid, struct error *err)
{
    EVP_PKEY *key;
    int status = read_key(key_file, false, &key, err);
    if (status < 0)
        return status;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) != 1)
        status = error_set(err, STATUS_INTERNAL, "cannot verify a signature");
    else
        *ret_valid = EVP_DigestVerify(context, signature, SIGNATURE_SIZE, bytes, n) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return status;
}

int signature_make(const char *key_file, const void *bytes, size_t n,
                   uint8_t ret_signature[SIGNATURE_SIZE], struct error *err)
{
    EVP_PKEY *key;
    uint8_t signature[SIGNATURE_SIZE];
    size_t size = sizeof signature;
    int status = read_key(key_file, true, &key, err);
    if (status < 0)
        return status;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
        EVP_DigestSign(context, signature, &size, bytes, n) != 1 || size != sizeof signature)
        status = error_set(err, STATUS_INTERNAL, "cannot sign");
    else
        memcpy(ret_signature, signature, sizeof signature);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return status;
}
