// Linux facilities that Swift's importer does not see. Shims only.
#ifndef BOBBIN_CLINUX_H
#define BOBBIN_CLINUX_H

#include <spawn.h>

// Takes an exclusive open-file-description lock on the first `length` octets of the file, without waiting.
// Returns 0, or the errno: EAGAIN or EACCES when somebody else holds a lock that overlaps.
int clinux_lock_prefix(int descriptor, long length);

// Gives such a lock up, also where a child that was just forked still holds a copy of the descriptor.
// Returns 0, or the errno.
int clinux_unlock_prefix(int descriptor, long length);

// Makes a pipe whose ends are not inherited by programs that are started meanwhile. Returns 0, or the errno.
int clinux_pipe(int ends[2]);

// Lets a program that will be started begin in a directory. Returns 0, or the errno.
int clinux_start_in(posix_spawn_file_actions_t *actions, const char *directory);

// Makes everything on the descriptor's file system outlive a crash. Returns 0, or the errno; from Linux 5.8 on
// also that of a write that failed in the background since the descriptor was opened, or since the last call.
int clinux_syncfs(int descriptor);

// Whether the descriptor's file system lives in memory only (tmpfs, ramfs): 1 or 0.
int clinux_is_in_memory(int descriptor);

// Sets room for `size` octets aside without changing the file's size. Returns 0, or the errno.
int clinux_reserve(int descriptor, long size);

// A set of descriptors to wait for (epoll), edge-triggered. Returns the descriptor, or -1 with `errno` set.
int clinux_waiting_set(void);

// Adds a descriptor to such a set, for reading and writing, under a key; takes one out. Returns 0, or the errno.
int clinux_waiting_set_add(int set, int descriptor, unsigned long key);
int clinux_waiting_set_remove(int set, int descriptor);

// Waits until something may be done, at most so many milliseconds (-1: for ever). Fills in the keys and, for
// each, what may be done: 1 reading, 2 writing, and 4 when the other end has closed. Returns how many there are; 0 also when interrupted.
int clinux_waiting_set_wait(int set, unsigned long *keys, int *ready, int most, int milliseconds);

// A descriptor by which one thread wakes another: `clinux_wake` makes it readable, `clinux_awake` not so.
int clinux_waker(void);
void clinux_wake(int waker);
void clinux_awake(int waker);

// Has memory that was freed stay with the process, up to so many octets for each heap, instead of growing and shrinking
// the heaps all the time.
void clinux_keep_memory(int octets);

#endif
