/* The frames of a video stream in fragments (MPEG-2, H.264, HEVC; elementary streams, MPEG-TS,
 * MPEG-PS and MP4), decoded in software by one thread of libavcodec. Nothing is opened but the
 * stream itself. */
#ifndef AXNODE_DICOM_VIDEO_H
#define AXNODE_DICOM_VIDEO_H

#include <stdint.h>

#include "dicom/fragments.h"
#include "image/image.h"

struct video;

/* `fragments` and `name` are borrowed until the close. The pictures must have the size given.
 * STATUS_INVALID: no such stream. */
int video_open(const struct fragments *fragments, const char *name, enum dicom_codec codec,
               int rows, int columns, struct video **ret_video, struct error *err);
void video_close(struct video *video); /* NULL is fine */

/* The next picture in the order of showing, as RGB: by the matrix and range that the stream names,
 * else BT.601 with the range of video, as PS3.3 C.7.6.3.1.2 has YBR_PARTIAL_420. With `ret_image`
 * NULL it is passed over. STATUS_NOT_FOUND: the stream has no more; STATUS_INVALID: it is damaged
 * there. */
int video_next(struct video *video, struct image *ret_image, struct error *err);

#endif
