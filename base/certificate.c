#include "base/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "base/buffer.h"
#include "base/file.h"

enum { PEM_BYTES_MAX = 1 << 20 };

/* A passphrase is never asked for: nobody sits at a service's terminal. */
static int no_passphrase(char *out, int size, int writing, void *context)
{
    (void)out;
    (void)size;
    (void)writing;
    (void)context;
    return 0;
}

static int pem_open(const char *path, struct buffer *content, BIO **ret_bio, struct error *err)
{
    int status = file_read(path, PEM_BYTES_MAX, content, err);
    if (status < 0)
        return status;
    *ret_bio = BIO_new_mem_buf(buffer_text(content), (int)content->size);
    return *ret_bio ? 0 : error_set(err, STATUS_NOMEM, "out of memory");
}

static int certificate_load(const char *path, X509 **ret_x509, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    BIO *bio;
    int status = pem_open(path, &content, &bio, err);
    if (status < 0)
        return status;
    X509 *x509 = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    ERR_clear_error();
    if (!x509)
        return error_set(err, STATUS_INVALID, "file %s holds no certificate in PEM", path);
    *ret_x509 = x509;
    return 0;
}

static int64_t time_us(const ASN1_TIME *when)
{
    struct tm utc = {0};
    return ASN1_TIME_to_tm(when, &utc) == 1 ? (int64_t)timegm(&utc) * 1000000 : 0;
}

int certificate_read(const char *path, struct certificate *ret_certificate, struct error *err)
{
    uint8_t digest[DIGEST_SIZE];
    X509 *x509;
    int status = certificate_load(path, &x509, err);
    if (status < 0)
        return status;
    ret_certificate->begins_us = time_us(X509_get0_notBefore(x509));
    ret_certificate->ends_us = time_us(X509_get0_notAfter(x509));
    if (X509_digest(x509, EVP_sha256(), digest, NULL) == 1)
        digest_format(digest, ret_certificate->sha256);
    else
        status = error_set(err, STATUS_INTERNAL, "cannot compute a certificate's digest");
    X509_free(x509);
    return status;
}

static int key_check(X509 *x509, const char *path, const char *key_path, struct error *err)
{
    struct buffer content BUFFER_AUTO = {0};
    BIO *bio;
    int status = pem_open(key_path, &content, &bio, err);
    if (status < 0)
        return status;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (content.data)
        OPENSSL_cleanse(content.data, content.size);
    if (!key)
        status = error_set(err, STATUS_INVALID,
                           "file %s holds no private key in PEM without passphrase", key_path);
    else if (X509_check_private_key(x509, key) != 1)
        status = error_set(err, STATUS_INVALID, "the key in %s is not that of certificate %s",
                           key_path, path);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return status;
}

int certificate_check(const char *path, const char *key, const char *authorities,
                      struct error *err)
{
    X509 *x509, *authority;
    int status = certificate_load(authorities, &authority, err);
    if (status < 0)
        return status;
    X509_free(authority);
    status = certificate_load(path, &x509, err);
    if (status < 0)
        return status;
    status = key_check(x509, path, key, err);
    X509_free(x509);
    return status;
}

bool certificate_names(const uint8_t *der, size_t n, const char *name)
{
    const unsigned char *at = der;
    X509 *x509 = n <= PEM_BYTES_MAX ? d2i_X509(NULL, &at, (long)n) : NULL;
    if (!x509)
        return false;
    bool names = X509_check_ip_asc(x509, name, 0) == 1 ||
                 X509_check_host(x509, name, 0, X509_CHECK_FLAG_NO_WILDCARDS, NULL) == 1;
    X509_free(x509);
    ERR_clear_error();
    return names;
}
