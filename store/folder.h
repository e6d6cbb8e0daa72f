/* Inside store/: folders, locks and the entries in them. */
#ifndef AXNODE_STORE_FOLDER_H
#define AXNODE_STORE_FOLDER_H

#include <stdbool.h>

#include "base/error.h"
#include "store/store.h"

struct store {
    const struct store_io *io; /* borrowed */
    uint64_t min_free_bytes;
    int fd;                    /* the root */
    unsigned counter;          /* of temporary names */
    bool settled;              /* store_settle was here */
    char root[STORE_ROOT_MAX + 1];
};

/* Folders relative to the root; static storage. */
const char *store_area_folder(enum store_area area);
extern const char STORE_FOLDER_OPEN[], STORE_FOLDER_WORK[];

/* ENOSPC and its relatives are STATUS_LIMIT, all else STATUS_IO. */
int store_status_of_errno(int errnum);

/* An open folder; fd -1 when closed. */
int store_folder_open(struct store *store, const char *path, int *ret_fd, struct error *err);
void store_fd_close(int *fd);
#define STORE_FD_AUTO __attribute__((cleanup(store_fd_close)))

int store_sync_folder(struct store *store, int fd, const char *what, struct error *err);

/* Wait for the exclusive lock of an open file or folder. */
int store_lock(int fd, struct error *err);
/* True when the lock was free, and is now ours: whoever made the file is gone. */
bool store_lock_try(int fd);
/* Whether `name` still is the file that `fd` has open: a cleaner may have taken it away between
 * its making and its locking. */
bool store_same_file(int folder, const char *name, int fd);

/* The folder that holds a key's file, area/HH. With `make`, it is made when missing. */
struct store_bucket {
    int area; /* fd of the area's folder */
    int fd;   /* of area/HH; -1 when it does not exist */
    bool durable; /* HH is known to be named in the area's folder for good */
};
int store_bucket_open(struct store *store, enum store_area area, const char *key, bool make,
                      struct store_bucket *ret_bucket, struct error *err);
void store_bucket_close(struct store_bucket *bucket);
#define STORE_BUCKET_AUTO __attribute__((cleanup(store_bucket_close)))
/* Sync HH and then, unless it is known to be durable there, the area's folder, which names HH:
 * another process may have made HH without coming to its sync. */
int store_bucket_sync(struct store *store, const struct store_bucket *bucket, struct error *err);

enum { STORE_NAME_SIZE = STORE_KEY_SIZE + 4 };
void store_entry_name(const char *key, char ret_name[STORE_NAME_SIZE]);

/* Remove the temporary files of dead processes in `folder`. */
int store_temp_clean(struct store *store, const char *folder, struct error *err);
int store_work_clean(struct store *store, struct error *err);

#endif
