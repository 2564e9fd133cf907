// Makes system calls of a program fail, by LD_PRELOAD; FAULT_CONTROL names a file that says which (struct control).
//
// A call counts when it concerns a file below one of the prefixes, or, with the kinds `accept` and `socket`, a socket.
// Calls are counted for the whole site, for each token that stands in their paths, or for each process; the n-th
// call of a count fails, alone or with all that follow, until the file says otherwise.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { OPEN = 1, MKDIR = 2, WRITE = 4, READ = 8, SYNC = 16, RENAME = 32, LINK = 64, UNLINK = 128, CLOSE = 256,
       TRUNCATE = 512, STAT = 1024, LOCK = 2048, OWNER = 4096, LIST = 8192, ACCEPT = 1 << 14, SOCKET = 1 << 15 };
static const char *const names[] = { "open", "mkdir", "write", "read", "sync", "rename", "link", "unlink", "close",
    "truncate", "stat", "lock", "owner", "list", "accept", "socket" };

enum { OFF = 0, WHOLE = 1, BY_TOKEN = 2, BY_PROCESS = 3 };
enum { TOKENS = 512, PREFIXES = 4, TRACES = 2048 };

// The test reads and writes this file by the same offsets.
struct control {
    _Atomic int32_t mode;        // 0
    _Atomic uint32_t kinds;      // 4
    _Atomic int32_t error;       // 8: errno; 0 a short count; -1 only count
    _Atomic int32_t once;        // 12
    _Atomic int64_t target;      // 16
    _Atomic int64_t count;       // 24
    _Atomic int64_t fired;       // 32
    _Atomic int64_t processes;   // 40
    char program[64];            // 48
    char prefixes[PREFIXES][256];// 112
    char tokens[TOKENS][32];     // 1136
    _Atomic int64_t counts[TOKENS];   // 17520
    _Atomic int64_t traced;      // 21616
    char traces[TRACES][128];    // 21624
};

static struct control *control;
static int64_t process_number = -1;
static char program[256];
// What a descriptor is: 0 unknown, 1 nothing of ours, 2 a socket, 3 + token (TOKENS: none) below a prefix.
static _Atomic uint16_t known[65536];

static void forget(int fd) { if (fd >= 0 && fd < 65536) known[fd] = 0; }

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAULT_CONTROL");
    if (!path) return;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0) return;
    void *map = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (map == MAP_FAILED) return;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) length = 0;
    program[length] = 0;
    control = map;
    const char *name = strrchr(program, '/');
    if (control->program[0] && strcmp(name ? name + 1 : program, control->program) != 0) { control = NULL; return; }
    process_number = atomic_fetch_add(&control->processes, 1);
}

static int token_of(const char *path)
{
    for (int i = 0; i < TOKENS && control->tokens[i][0]; i++)
        if (strstr(path, control->tokens[i])) return i;
    return TOKENS;
}

static int class_of_path(const char *path)
{
    for (int i = 0; i < PREFIXES && control->prefixes[i][0]; i++) {
        size_t length = strlen(control->prefixes[i]);
        if (strncmp(path, control->prefixes[i], length) == 0 && (path[length] == 0 || path[length] == '/'))
            return 3 + token_of(path);
    }
    return 1;
}

static int path_of(int fd, char *path, size_t size)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, size - 1);
    if (length < 0) return -1;
    path[length] = 0;
    return 0;
}

static int class_of(int fd)
{
    if (fd < 0 || fd >= 65536) return 1;
    int found = known[fd];
    if (found) return found;
    char path[512];
    if (path_of(fd, path, sizeof path) < 0) return 1;
    found = strncmp(path, "socket:", 7) == 0 ? 2 : class_of_path(path);
    // Tokens may come after the file was opened.
    if (found != 3 + TOKENS) known[fd] = (uint16_t)found;
    return found;
}

static void trace(int64_t number, uint32_t kind, const char *path)
{
    int64_t place = atomic_fetch_add(&control->traced, 1);
    if (place >= TRACES) return;
    int bit = __builtin_ctz(kind);
    size_t length = strlen(path);
    snprintf(control->traces[place], sizeof control->traces[0], "%lld %s %.90s", (long long)number, names[bit],
        length > 90 ? path + length - 90 : path);
}

// Whether this call is to fail; errno is set then.
static int fails(int class, uint32_t kind, const char *path, int fd)
{
    int mode = control->mode;
    if (mode == OFF || !(control->kinds & kind) || class == 1) return 0;
    if ((class == 2) != ((kind & (ACCEPT | SOCKET)) != 0)) return 0;
    int64_t number, target = control->target;
    if (mode == WHOLE) {
        number = atomic_fetch_add(&control->count, 1) + 1;
    } else if (mode == BY_TOKEN) {
        if (class < 3 || class == 3 + TOKENS) return 0;
        number = atomic_fetch_add(&control->counts[class - 3], 1) + 1;
        target = class - 3 + 1;
    } else {
        if (process_number < 0 || process_number >= TOKENS) return 0;
        number = atomic_fetch_add(&control->counts[process_number], 1) + 1;
        target = process_number + 1;
    }
    if (control->error < 0 || (control->once ? number != target : number < target)) return 0;
    atomic_fetch_add(&control->fired, 1);
    char found[512] = "";
    if (!path) { path_of(fd, found, sizeof found); path = found; }
    trace(number, kind, path);
    errno = control->error;
    return 1;
}

static int fails_path(uint32_t kind, const char *path)
{
    if (!control || control->mode == OFF || !path || path[0] != '/') return 0;
    return fails(class_of_path(path), kind, path, -1);
}

static int fails_file(uint32_t kind, int fd)
{
    if (!control || control->mode == OFF || !(control->kinds & kind)) return 0;
    int saved = errno, answer = fails(class_of(fd), kind, NULL, fd);
    if (!answer) errno = saved;
    return answer;
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPENS(name, atname) \
int name(const char *path, int flags, ...) { \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
    REAL(int, #name, const char *, int, ...); \
    if (fails_path(OPEN, path)) return -1; \
    int fd = real(path, flags, mode); forget(fd); return fd; } \
int atname(int at, const char *path, int flags, ...) { \
    va_list list; va_start(list, flags); mode_t mode = va_arg(list, mode_t); va_end(list); \
    REAL(int, #atname, int, const char *, int, ...); \
    if (fails_path(OPEN, path)) return -1; \
    int fd = real(at, path, flags, mode); forget(fd); return fd; }
OPENS(open, openat)
OPENS(open64, openat64)

DIR *opendir(const char *path)
{
    REAL(DIR *, "opendir", const char *);
    if (fails_path(OPEN, path)) return NULL;
    DIR *stream = real(path);
    if (stream) forget(dirfd(stream));
    return stream;
}

struct dirent *readdir(DIR *stream)
{
    REAL(struct dirent *, "readdir", DIR *);
    if (fails_file(LIST, dirfd(stream))) return NULL;
    return real(stream);
}

int closedir(DIR *stream)
{
    REAL(int, "closedir", DIR *);
    int fd = dirfd(stream), result = real(stream);
    forget(fd);
    return result;
}

int close(int fd)
{
    // A failed close has closed all the same.
    int answer = fails_file(CLOSE, fd), number = errno;
    forget(fd);
    REAL(int, "close", int);
    int result = real(fd);
    if (!answer) return result;
    errno = number;
    return -1;
}

#define REALS(type, name, types) static type (*real) types; if (!real) real = (type (*) types)dlsym(RTLD_NEXT, name)

// A short count instead of an error, where the control file says so.
static size_t part(size_t count) { return count > 1 ? count / 2 : count; }

#define WRITES(name, parameters, types, full, half) \
ssize_t name parameters { \
    REALS(ssize_t, #name, types); \
    if (!control) return real full; \
    int sock = class_of(fd) == 2; \
    if (!fails_file(sock ? SOCKET : WRITE, fd)) return real full; \
    if (errno) return -1; \
    return real half; }
WRITES(write, (int fd, const void *b, size_t n), (int, const void *, size_t), (fd, b, n), (fd, b, part(n)))
WRITES(pwrite, (int fd, const void *b, size_t n, off_t o), (int, const void *, size_t, off_t), (fd, b, n, o), (fd, b, part(n), o))
WRITES(pwrite64, (int fd, const void *b, size_t n, off64_t o), (int, const void *, size_t, off64_t), (fd, b, n, o), (fd, b, part(n), o))
WRITES(writev, (int fd, const struct iovec *v, int n), (int, const struct iovec *, int), (fd, v, n), (fd, v, 1))

#define READS(name, parameters, types, full, half) \
ssize_t name parameters { \
    REALS(ssize_t, #name, types); \
    if (!control) return real full; \
    int sock = class_of(fd) == 2; \
    if (!fails_file(sock ? SOCKET : READ, fd)) return real full; \
    if (errno) return -1; \
    return real half; }
READS(read, (int fd, void *b, size_t n), (int, void *, size_t), (fd, b, n), (fd, b, part(n)))
READS(pread, (int fd, void *b, size_t n, off_t o), (int, void *, size_t, off_t), (fd, b, n, o), (fd, b, part(n), o))
READS(pread64, (int fd, void *b, size_t n, off64_t o), (int, void *, size_t, off64_t), (fd, b, n, o), (fd, b, part(n), o))

#define FILES(name, kind) \
int name(int fd) { REALS(int, #name, (int)); if (fails_file(kind, fd)) return -1; return real(fd); }
FILES(fsync, SYNC)
FILES(fdatasync, SYNC)
FILES(syncfs, SYNC)

int ftruncate(int fd, off_t size)
{ REALS(int, "ftruncate", (int, off_t)); if (fails_file(TRUNCATE, fd)) return -1; return real(fd, size); }
int ftruncate64(int fd, off64_t size)
{ REALS(int, "ftruncate64", (int, off64_t)); if (fails_file(TRUNCATE, fd)) return -1; return real(fd, size); }
int fallocate(int fd, int mode, off_t start, off_t size)
{ REALS(int, "fallocate", (int, int, off_t, off_t)); if (fails_file(TRUNCATE, fd)) return -1; return real(fd, mode, start, size); }
int fchmod(int fd, mode_t mode)
{ REALS(int, "fchmod", (int, mode_t)); if (fails_file(OWNER, fd)) return -1; return real(fd, mode); }
int fchown(int fd, uid_t user, gid_t group)
{ REALS(int, "fchown", (int, uid_t, gid_t)); if (fails_file(OWNER, fd)) return -1; return real(fd, user, group); }
int chmod(const char *path, mode_t mode)
{ REALS(int, "chmod", (const char *, mode_t)); if (fails_path(OWNER, path)) return -1; return real(path, mode); }
int chown(const char *path, uid_t user, gid_t group)
{ REALS(int, "chown", (const char *, uid_t, gid_t)); if (fails_path(OWNER, path)) return -1; return real(path, user, group); }
int lchown(const char *path, uid_t user, gid_t group)
{ REALS(int, "lchown", (const char *, uid_t, gid_t)); if (fails_path(OWNER, path)) return -1; return real(path, user, group); }

int mkdir(const char *path, mode_t mode)
{ REALS(int, "mkdir", (const char *, mode_t)); if (fails_path(MKDIR, path)) return -1; return real(path, mode); }
int unlink(const char *path)
{ REALS(int, "unlink", (const char *)); if (fails_path(UNLINK, path)) return -1; return real(path); }
int rename(const char *path, const char *target)
{ REALS(int, "rename", (const char *, const char *)); if (fails_path(RENAME, target)) return -1; return real(path, target); }
int link(const char *path, const char *target)
{ REALS(int, "link", (const char *, const char *)); if (fails_path(LINK, target)) return -1; return real(path, target); }

#define STATS(name, fname, lname, kind) \
int name(const char *path, struct kind *out) \
{ REALS(int, #name, (const char *, struct kind *)); if (fails_path(STAT, path)) return -1; return real(path, out); } \
int lname(const char *path, struct kind *out) \
{ REALS(int, #lname, (const char *, struct kind *)); if (fails_path(STAT, path)) return -1; return real(path, out); } \
int fname(int fd, struct kind *out) \
{ REALS(int, #fname, (int, struct kind *)); if (fails_file(STAT, fd)) return -1; return real(fd, out); }
STATS(stat, fstat, lstat, stat)
STATS(stat64, fstat64, lstat64, stat64)

#define LOCKS(name) \
int name(int fd, int command, ...) { \
    va_list list; va_start(list, command); void *argument = va_arg(list, void *); va_end(list); \
    REALS(int, #name, (int, int, ...)); \
    int locks = command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW; \
    if (locks && fails_file(LOCK, fd)) return -1; \
    int result = real(fd, command, argument); \
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) { forget(result); if (fails_file(OPEN, result)) { close(result); return -1; } } \
    return result; }
LOCKS(fcntl)
LOCKS(fcntl64)

int dup2(int fd, int target)
{ REALS(int, "dup2", (int, int)); int result = real(fd, target); forget(target); return result; }
int dup3(int fd, int target, int flags)
{ REALS(int, "dup3", (int, int, int)); int result = real(fd, target, flags); forget(target); return result; }
int dup(int fd)
{ REALS(int, "dup", (int)); if (fails_file(OPEN, fd)) return -1; int result = real(fd); forget(result); return result; }

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    REALS(int, "accept4", (int, struct sockaddr *, socklen_t *, int));
    if (control && control->mode && fails(2, ACCEPT, NULL, fd) && errno) return -1;
    int result = real(fd, address, length, flags);
    forget(result);
    return result;
}

int socket(int domain, int type, int protocol)
{
    REALS(int, "socket", (int, int, int));
    if (control && control->mode && fails(2, SOCKET, "socket", -1) && errno) return -1;
    int result = real(domain, type, protocol);
    forget(result);
    return result;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    REALS(int, "connect", (int, const struct sockaddr *, socklen_t));
    if (control && control->mode && fails(2, SOCKET, "connect", -1) && errno) return -1;
    return real(fd, address, length);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    REALS(int, "setsockopt", (int, int, int, const void *, socklen_t));
    if (control && control->mode && fails(2, SOCKET, "setsockopt", -1) && errno) return -1;
    return real(fd, level, name, value, length);
}
