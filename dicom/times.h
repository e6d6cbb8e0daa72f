/* When the frames of a loop were taken, as its header says. */
#ifndef AXNODE_DICOM_TIMES_H
#define AXNODE_DICOM_TIMES_H

#include "base/error.h"
#include "dicom/reader.h"

enum frame_time_source {
    FRAME_TIMES_NONE,
    FRAME_TIMES_VECTOR, /* Frame Time Vector (0018,1065): each frame's own time */
    FRAME_TIMES_TIME,   /* Frame Time (0018,1063): all alike */
    FRAME_TIMES_RATE,   /* Cine Rate (0018,0040) or Recommended Display Frame Rate (0008,2144) */
};

/* Frame Time in ms that can be true: 1 to 2,000. A rate per second: 1 to 1,000. */
struct frame_times {
    enum frame_time_source source;
    double *seconds; /* owned; of each frame, the first at 0, never falling; NULL: none are said */
    int count;
    char fault[128]; /* why what stands there was passed over: "its Frame Time is 0 ms"; "" */
};

/* Of the sources that stand in the header the first that can be true: the one that Frame Increment
 * Pointer (0028,0009) names, then Frame Time, the vector and the rates. A vector has a value for
 * each frame, the first of no meaning, from 0 to 10,000 ms, not all of them 0. A header that says
 * nothing is no failure. Fails as dicom_instance_read. */
int dicom_frame_times(const char *path, const struct dicom_limits *limits,
                      struct frame_times *ret_times, struct error *err);
void frame_times_release(struct frame_times *times);

#endif
