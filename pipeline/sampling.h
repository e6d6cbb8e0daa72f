/* Which frames of a loop are looked at: evenly apart in time, not by index. */
#ifndef AXNODE_PIPELINE_SAMPLING_H
#define AXNODE_PIPELINE_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>

/* `seconds`: when each frame came onto the screen, never falling, `count` of them, at least one. A
 * frame stays until the next one comes, the last one for the mean of the others. */

/* How long they are on the screen together; 0 for one. */
double sampling_duration(const double *seconds, size_t count);

/* The duration in `wanted` equal parts, and of each the frame that is on the screen in its middle:
 * indices into `seconds`, never falling; a frame that stays for several middles stands several
 * times. A middle that is a frame's first moment, to a microsecond, is that frame's. */
void sampling_pick(const double *seconds, size_t count, size_t wanted, size_t *ret_indices);

/* Frames at `looks` (rising, at least one) were looked at, and `seen` says which showed what was looked
 * for. The longest stretch that shows it, one missed look between two being forgiven; of equal ones
 * the first. It begins and ends half-way in time to the looks before and behind that did not show it,
 * or with the loop. False: none showed it. */
bool sampling_stretch(const double *seconds, size_t count, const size_t *looks, const bool *seen,
                      size_t look_count, size_t *ret_first, size_t *ret_last);

#endif
