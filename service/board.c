#include "service/board.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int board_map(int fd, struct board **ret_board, struct error *err)
{
    void *at = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return error_set_errno(err, STATUS_NOMEM, errno, "cannot map the shared counters");
    *ret_board = at;
    return 0;
}

int board_make(struct board **ret_board, int *ret_fd, struct error *err)
{
    int fd = memfd_create("axnode-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int status = 0;
    /* No process can cut the page from under another. */
    if (fd < 0 || ftruncate(fd, sizeof(struct board)) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        status = error_set_errno(err, STATUS_IO, errno, "cannot make the shared counters");
    if (status == 0)
        status = board_map(fd, ret_board, err);
    if (status == 0)
        *ret_fd = fd;
    else if (fd >= 0)
        close(fd);
    return status;
}

int board_open(int fd, struct board **ret_board, struct error *err)
{
    struct stat info;
    if (fstat(fd, &info) < 0)
        return error_set_errno(err, STATUS_IO, errno, "cannot open the shared counters");
    if (info.st_size != (off_t)sizeof(struct board))
        return error_set(err, STATUS_INVALID, "the shared counters are not of this program");
    return board_map(fd, ret_board, err);
}

void board_close(struct board *board)
{
    if (board)
        munmap(board, sizeof *board);
}
