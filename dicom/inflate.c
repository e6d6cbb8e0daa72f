#include "dicom/inflate.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 65536, RAW_DEFLATE = -MAX_WBITS };

struct inflation {
    int from, to;
    const char *name;
    struct error *err;
    uint64_t at, written, bytes_max;
    uint8_t in[CHUNK], out[CHUNK];
};

static int fail(struct inflation *job)
{
    return error_set_errno(job->err, STATUS_IO, errno, "cannot inflate %s", job->name);
}

/* 0 bytes: the file's end. */
static int take(struct inflation *job, size_t n, size_t *ret_n)
{
    ssize_t got;
    do
        got = pread(job->from, job->in, n < CHUNK ? n : CHUNK, (off_t)job->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return fail(job);
    job->at += (uint64_t)got;
    *ret_n = (size_t)got;
    return 0;
}

static int put(struct inflation *job, const uint8_t *bytes, size_t n)
{
    if (n > job->bytes_max - job->written)
        return error_set(job->err, STATUS_LIMIT, "%s: more than %llu bytes when inflated",
                         job->name, (unsigned long long)job->bytes_max);
    while (n > 0) {
        ssize_t put = write(job->to, bytes, n);
        if (put < 0 && errno != EINTR)
            return fail(job);
        if (put > 0) {
            bytes += put;
            n -= (size_t)put;
            job->written += (uint64_t)put;
        }
    }
    return 0;
}

static int copy_head(struct inflation *job, uint64_t n)
{
    while (job->at < n) {
        size_t got = 0;
        int r = take(job, (size_t)(n - job->at), &got);
        if (r == 0 && got == 0)
            r = error_set(job->err, STATUS_INVALID, "%s: the file is cut off", job->name);
        if (r == 0)
            r = put(job, job->in, got);
        if (r < 0)
            return r;
    }
    return 0;
}

static int inflate_rest(struct inflation *job, z_stream *stream)
{
    int z = Z_OK;
    while (z != Z_STREAM_END) {
        if (stream->avail_in == 0) {
            size_t got = 0;
            int r = take(job, CHUNK, &got);
            if (r == 0 && got == 0)
                r = error_set(job->err, STATUS_INVALID, "%s: the deflated data set is cut off",
                              job->name);
            if (r < 0)
                return r;
            stream->next_in = job->in;
            stream->avail_in = (unsigned)got;
        }
        stream->next_out = job->out;
        stream->avail_out = CHUNK;
        z = inflate(stream, Z_NO_FLUSH);
        if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
            return error_set(job->err, STATUS_INVALID, "%s: the deflated data set is damaged",
                             job->name);
        int r = put(job, job->out, CHUNK - stream->avail_out);
        if (r < 0)
            return r;
    }
    return 0;
}

int dicom_inflate(int fd, const char *name, uint64_t offset, uint64_t bytes_max, int *ret_fd,
                  struct error *err)
{
    struct inflation job = {.from = fd, .name = name, .err = err, .bytes_max = bytes_max};
    z_stream stream = {0};
    job.to = memfd_create("inflated", MFD_CLOEXEC);
    if (job.to < 0)
        return fail(&job);
    int r = copy_head(&job, offset);
    if (r == 0 && inflateInit2(&stream, RAW_DEFLATE) != Z_OK)
        r = error_set(err, STATUS_NOMEM, "cannot inflate %s: out of memory", name);
    if (r == 0) {
        r = inflate_rest(&job, &stream);
        inflateEnd(&stream);
    }
    if (r < 0)
        close(job.to);
    else
        *ret_fd = job.to;
    return r;
}
