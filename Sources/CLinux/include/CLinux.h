// Linux facilities that Swift's importer does not see. Shims only.
#ifndef BOBBIN_CLINUX_H
#define BOBBIN_CLINUX_H

// Takes an exclusive open-file-description lock on the first `length` octets of the file, without waiting.
// Returns 0, or the errno: EAGAIN or EACCES when somebody else holds a lock that overlaps.
int clinux_lock_prefix(int descriptor, long length);

// Gives such a lock up, also where a child that was just forked still holds a copy of the descriptor.
// Returns 0, or the errno.
int clinux_unlock_prefix(int descriptor, long length);

// Makes a pipe whose ends are not inherited by programs that are started meanwhile. Returns 0, or the errno.
int clinux_pipe(int ends[2]);

// Makes everything on the descriptor's file system outlive a crash. Returns 0, or the errno; from Linux 5.8 on
// also that of a write that failed in the background since the descriptor was opened, or since the last call.
int clinux_syncfs(int descriptor);

// Whether the descriptor's file system lives in memory only (tmpfs, ramfs): 1 or 0.
int clinux_is_in_memory(int descriptor);

#endif
