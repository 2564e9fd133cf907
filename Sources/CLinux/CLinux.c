#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

static int set_lock(int descriptor, short type, long length) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0;
    lock.l_len = length;
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

int clinux_lock_prefix(int descriptor, long length) {
    return set_lock(descriptor, F_WRLCK, length);
}

int clinux_unlock_prefix(int descriptor, long length) {
    return set_lock(descriptor, F_UNLCK, length);
}

int clinux_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
}

int clinux_syncfs(int descriptor) {
    int result;
    do result = syncfs(descriptor); while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int clinux_is_in_memory(int descriptor) {
    struct statfs system;
    if (fstatfs(descriptor, &system) != 0) return 0;
    return system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
}
