/* Which images of a study an analysis is about, and whether they are still the same. */
#ifndef AXNODE_PLUGIN_IMAGE_SET_H
#define AXNODE_PLUGIN_IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/digest.h"
#include "base/uid.h"

struct image_set_item {
    char sop_instance_uid[UID_SIZE];
    char version[DIGEST_TEXT_SIZE]; /* tells two files under one UID apart: Orthanc's MD5 */
};

/* Whether the pipeline reads objects of that class: ultrasound, and reports of others. */
bool image_set_wants(const char *sop_class_uid);
/* Whether it is an ultrasound image: without any there is nothing to analyse. */
bool image_set_is_ultrasound(const char *sop_class_uid);
/* Digest of the set: the same whatever the order. Sorts the items. False: out of memory. */
bool image_set_digest(struct image_set_item *items, size_t count, char ret_hex[DIGEST_TEXT_SIZE]);

#endif
