#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <malloc.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
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

int clinux_reserve(int descriptor, long size) {
    int result;
    do result = fallocate(descriptor, FALLOC_FL_KEEP_SIZE, 0, size); while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int clinux_waiting_set(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

int clinux_waiting_set_add(int set, int descriptor, unsigned long key) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.u64 = key;
    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int clinux_waiting_set_remove(int set, int descriptor) {
    struct epoll_event event;
    memset(&event, 0, sizeof event);
    return epoll_ctl(set, EPOLL_CTL_DEL, descriptor, &event) == 0 ? 0 : errno;
}

int clinux_waiting_set_wait(int set, unsigned long *keys, int *ready, int most, int milliseconds) {
    struct epoll_event events[64];
    if (most > 64) most = 64;
    int count = epoll_wait(set, events, most, milliseconds);
    for (int index = 0; index < count; index++) {
        unsigned flags = events[index].events;
        keys[index] = events[index].data.u64;
        ready[index] = (flags & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? 1 : 0)
            | (flags & (EPOLLOUT | EPOLLHUP | EPOLLERR) ? 2 : 0)
            | (flags & (EPOLLRDHUP | EPOLLHUP | EPOLLERR) ? 4 : 0);
    }
    return count < 0 ? 0 : count;
}

int clinux_waker(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void clinux_wake(int waker) {
    unsigned long long one = 1;
    ssize_t result;
    do result = write(waker, &one, sizeof one); while (result < 0 && errno == EINTR);
}

void clinux_awake(int waker) {
    unsigned long long count;
    ssize_t result;
    do result = read(waker, &count, sizeof count); while (result < 0 && errno == EINTR);
}

void clinux_keep_memory(int octets) {
    mallopt(M_TRIM_THRESHOLD, octets);
    mallopt(M_MMAP_THRESHOLD, octets);
}

int clinux_start_in(posix_spawn_file_actions_t *actions, const char *directory) {
    return posix_spawn_file_actions_addchdir_np(actions, directory);
}
