#include "model/loop.h"

#include <stdlib.h>

void loop_finding_free(struct loop_finding *loop)
{
    if (!loop)
        return;
    for (int i = 0; i < LOOP_FRAMES_MAX; i++)
        image_release(&loop->samples[i].levels);
    image_release(&loop->picture);
    heat_map_release(&loop->heat);
    free(loop);
}
