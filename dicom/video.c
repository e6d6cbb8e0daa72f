#include "dicom/video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Of the stream, read before the first picture. */
enum { IO_BYTES = 65536, PROBE_BYTES = 4 << 20 };

struct video {
    const struct fragments *fragments;
    const char *name;
    int rows, columns;
    uint64_t at; /* of the stream */
    enum AVCodecID id;
    AVIOContext *io;
    AVFormatContext *format;
    AVCodecContext *codec; /* NULL until the stream is found */
    AVPacket *packet;
    AVFrame *frame;
    struct SwsContext *scaler;
    int stream;   /* -1 until it is found */
    bool drained; /* the demuxer has no more */
};

static const struct {
    enum dicom_codec codec;
    enum AVCodecID id;
    const char *elementary; /* demuxer of the bare stream */
} kinds[] = {{DICOM_CODEC_MPEG2, AV_CODEC_ID_MPEG2VIDEO, "mpegvideo"},
             {DICOM_CODEC_H264, AV_CODEC_ID_H264, "h264"},
             {DICOM_CODEC_HEVC, AV_CODEC_ID_HEVC, "hevc"}};

static int read_stream(void *user, uint8_t *to, int n)
{
    struct video *video = user;
    size_t got = 0;
    if (fragments_read(video->fragments, video->at, to, (size_t)n, &got, NULL) < 0)
        return AVERROR(EIO);
    video->at += got;
    return got > 0 ? (int)got : AVERROR_EOF;
}

static int64_t seek_stream(void *user, int64_t offset, int whence)
{
    struct video *video = user;
    int64_t size = (int64_t)fragments_size(video->fragments), from = 0;
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return size;
    if (whence == SEEK_CUR)
        from = (int64_t)video->at;
    else if (whence == SEEK_END)
        from = size;
    else if (whence != SEEK_SET)
        return AVERROR(EINVAL);
    if (offset < -from || offset > size - from)
        return AVERROR(EINVAL);
    video->at = (uint64_t)(from + offset);
    return (int64_t)video->at;
}

/* What a stream asks to be opened beside itself. */
static int open_nothing(struct AVFormatContext *format, AVIOContext **ret_io, const char *url,
                        int flags, AVDictionary **options)
{
    (void)format, (void)ret_io, (void)url, (void)flags, (void)options;
    return AVERROR(EACCES);
}

static int no_memory(const struct video *video, struct error *err)
{
    return error_set(err, STATUS_NOMEM, "cannot decode %s: out of memory", video->name);
}

static int damaged(const struct video *video, int code, const char *what, struct error *err)
{
    char reason[AV_ERROR_MAX_STRING_SIZE] = "";
    if (code == AVERROR(ENOMEM))
        return no_memory(video, err);
    error_set(err, STATUS_INVALID, "%s: %s", video->name, what);
    if (code < 0 && av_strerror(code, reason, sizeof reason) == 0)
        error_detail(err, "%s", reason);
    return STATUS_INVALID;
}

/* With `demuxer` NULL the stream itself tells what it is. Returns libav's code. */
static int try_format(struct video *video, const AVInputFormat *demuxer)
{
    AVDictionary *options = NULL;
    video->at = 0;
    uint8_t *buffer = av_malloc(IO_BYTES);
    video->io = buffer
                    ? avio_alloc_context(buffer, IO_BYTES, 0, video, read_stream, NULL, seek_stream)
                    : NULL;
    if (!video->io)
        av_free(buffer);
    video->format = video->io ? avformat_alloc_context() : NULL;
    if (!video->format)
        return AVERROR(ENOMEM);
    video->format->pb = video->io;
    video->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    video->format->io_open = open_nothing;
    video->format->probesize = PROBE_BYTES;
    video->format->format_probesize = PROBE_BYTES;
    int r = av_dict_set(&options, "format_whitelist", "mpegts,mpeg,mpegvideo,h264,hevc,mov,mp4", 0);
    if (r >= 0)
        r = av_dict_set(&options, "protocol_whitelist", "", 0);
    if (r >= 0)
        r = avformat_open_input(&video->format, NULL, demuxer, &options);
    av_dict_free(&options);
    return r;
}

static void close_format(struct video *video)
{
    avformat_close_input(&video->format);
    if (video->io)
        av_freep(&video->io->buffer);
    avio_context_free(&video->io);
}

static int open_format(struct video *video, const char *elementary, struct error *err)
{
    int r = try_format(video, NULL);
    if (r < 0 && r != AVERROR(ENOMEM)) {
        close_format(video);
        r = try_format(video, av_find_input_format(elementary));
    }
    return r < 0 ? damaged(video, r, "no video stream is found", err) : 0;
}

static int open_codec(struct video *video, int stream, struct error *err)
{
    const AVCodec *decoder = avcodec_find_decoder(video->id);
    if (!decoder)
        return error_set(err, STATUS_UNSUPPORTED, "%s: libavcodec has no decoder of %s",
                         video->name, avcodec_get_name(video->id));
    video->codec = avcodec_alloc_context3(decoder);
    if (!video->codec)
        return no_memory(video, err);
    int r = avcodec_parameters_to_context(video->codec, video->format->streams[stream]->codecpar);
    if (r < 0)
        return damaged(video, r, "the video cannot be decoded", err);
    video->codec->codec_id = video->id;
    video->codec->thread_count = 1;
    /* Without AV_EF_BITSTREAM, which takes stuffing behind a sound MPEG-2 slice for damage. */
    video->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_BUFFER | AV_EF_EXPLODE;
    /* Coded sizes are rounded up to whole blocks, and the decoders' own buffers count, too. */
    video->codec->max_pixels = ((int64_t)video->rows + 320) * ((int64_t)video->columns + 256);
    r = avcodec_open2(video->codec, decoder, NULL);
    if (r < 0)
        return damaged(video, r, "the video cannot be decoded", err);
    video->stream = stream;
    return 0;
}

int video_open(const struct fragments *fragments, const char *name, enum dicom_codec codec,
               int rows, int columns, struct video **ret_video, struct error *err)
{
    struct video *video = calloc(1, sizeof *video);
    size_t kind = 0;
    if (!video)
        return error_set(err, STATUS_NOMEM, "cannot decode %s: out of memory", name);
    while (kinds[kind].codec != codec)
        kind++;
    *video = (struct video){.fragments = fragments,
                            .name = name,
                            .rows = rows,
                            .columns = columns,
                            .id = kinds[kind].id,
                            .stream = -1,
                            .packet = av_packet_alloc(),
                            .frame = av_frame_alloc()};
    av_log_set_level(AV_LOG_QUIET);
    int r = video->packet && video->frame ? open_format(video, kinds[kind].elementary, err)
                                          : no_memory(video, err);
    if (r < 0)
        video_close(video);
    else
        *ret_video = video;
    return r;
}

void video_close(struct video *video)
{
    if (!video)
        return;
    sws_freeContext(video->scaler);
    av_frame_free(&video->frame);
    av_packet_free(&video->packet);
    avcodec_free_context(&video->codec);
    close_format(video);
    free(video);
}

/* MPEG-1 pictures are those of MPEG-2, and the demuxer of bare streams calls both so. */
static bool is_wanted(const struct video *video, const AVPacket *packet)
{
    enum AVCodecID id = video->format->streams[packet->stream_index]->codecpar->codec_id;
    if (video->stream >= 0)
        return packet->stream_index == video->stream;
    return id == video->id || (video->id == AV_CODEC_ID_MPEG2VIDEO && id == AV_CODEC_ID_MPEG1VIDEO);
}

/* One packet of the stream to the decoder, or its end. */
static int feed(struct video *video, struct error *err)
{
    int code;
    do {
        av_packet_unref(video->packet);
        code = av_read_frame(video->format, video->packet);
    } while (code >= 0 && !is_wanted(video, video->packet));
    video->drained = code == AVERROR_EOF;
    if ((code < 0 && !video->drained) || (code >= 0 && video->packet->flags & AV_PKT_FLAG_CORRUPT))
        return damaged(video, code, "the video stream is damaged", err);
    if (video->stream < 0) {
        int r = video->drained ? damaged(video, 0, "no video of the transfer syntax's kind", err)
                               : open_codec(video, video->packet->stream_index, err);
        if (r < 0)
            return r;
    }
    code = avcodec_send_packet(video->codec, video->drained ? NULL : video->packet);
    av_packet_unref(video->packet);
    return code < 0 ? damaged(video, code, "the video stream is damaged", err) : 0;
}

static int receive(struct video *video, struct error *err)
{
    for (;;) {
        int r = video->codec ? avcodec_receive_frame(video->codec, video->frame) : AVERROR(EAGAIN);
        if (r == 0)
            break;
        if (r == AVERROR_EOF)
            return error_set(err, STATUS_NOT_FOUND, "%s: the video is over", video->name);
        if (r != AVERROR(EAGAIN) || video->drained)
            return damaged(video, r, "the video stream is damaged", err);
        r = feed(video, err);
        if (r < 0)
            return r;
    }
    if (video->frame->decode_error_flags || video->frame->flags & AV_FRAME_FLAG_CORRUPT)
        return damaged(video, 0, "the video stream is damaged", err);
    if (video->frame->width != video->columns || video->frame->height != video->rows)
        return damaged(video, 0, "the decoded size differs", err);
    return 0;
}

static int scale(struct video *video, uint8_t *pixels, struct error *err)
{
    const AVFrame *frame = video->frame;
    /* Without the processor's own short cuts: the same pixels everywhere. */
    int flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT;
    video->scaler = sws_getCachedContext(video->scaler, video->columns, video->rows,
                                         (enum AVPixelFormat)frame->format, video->columns,
                                         video->rows, AV_PIX_FMT_RGB24, flags, NULL, NULL, NULL);
    if (!video->scaler)
        return damaged(video, 0, "the video's pixel format cannot be converted", err);
    int matrix = frame->colorspace == AVCOL_SPC_UNSPECIFIED || frame->colorspace == AVCOL_SPC_RGB
                     ? SWS_CS_ITU601
                     : (int)frame->colorspace;
    const int *inverse = sws_getCoefficients(matrix), *forward = sws_getCoefficients(SWS_CS_ITU601);
    bool full = frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
                frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P;
    sws_setColorspaceDetails(video->scaler, inverse, full, forward, 1, 0, 1 << 16, 1 << 16);
    /* libswscale may write past a row's end: not straight into the picture. */
    uint8_t *planes[4];
    int strides[4];
    int r = av_image_alloc(planes, strides, video->columns, video->rows, AV_PIX_FMT_RGB24, 64);
    if (r < 0)
        return no_memory(video, err);
    r = sws_scale(video->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0,
                  video->rows, planes, strides);
    size_t row = (size_t)video->columns * 3;
    for (int y = 0; r == video->rows && y < video->rows; y++)
        memcpy(pixels + (size_t)y * row, planes[0] + (size_t)y * (size_t)strides[0], row);
    av_freep(&planes[0]);
    return r == video->rows ? 0 : damaged(video, r, "the video cannot be converted to RGB", err);
}

int video_next(struct video *video, struct image *ret_image, struct error *err)
{
    int r = receive(video, err);
    if (r < 0 || !ret_image)
        return r;
    struct image image;
    r = image_init(&image, video->rows, video->columns, 3, err);
    if (r < 0)
        return r;
    r = scale(video, image.pixels, err);
    if (r < 0)
        image_release(&image);
    else
        *ret_image = image;
    return r;
}
