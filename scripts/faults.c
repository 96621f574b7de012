/* Makes the n-th call that writes into a folder fail, or kills the process there. For scripts/write_errors.sh and
 * scripts/kill_storm.sh: cc -O1 -shared -fPIC -o faults.so scripts/faults.c -ldl, then LD_PRELOAD=faults.so.
 *
 *   FAULT_FOLDER  prefix of the paths whose calls are counted: open for writing, write, fsync, fdatasync, ftruncate,
 *                 rename
 *   FAULT_N       number of the call that is hit, from 1; 0: none
 *   FAULT_HOW     kill, or the number of an error: 28 (no space left), 5 (input/output error)
 *   FAULT_STAY    1: all later calls fail too, as on a disk that stays full
 *   FAULT_COUNT   file that receives the number of calls when the program ends
 *
 * A write that is hit first writes half of its bytes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 4096
static atomic_int calls;
static atomic_char ours[FILES];

static long number(const char *name) {
  const char *text = getenv(name);
  return text ? atol(text) : 0;
}

static int inside(const char *path) {
  const char *folder = getenv("FAULT_FOLDER");
  return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int tracked(int fd) { return fd >= 0 && fd < FILES && atomic_load(&ours[fd]); }

/* Returns 1 if this call must fail, with errno set; does not return if the process is killed here. */
static int hit(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  int call = atomic_fetch_add(&calls, 1) + 1;
  long n = number("FAULT_N");
  const char *how = getenv("FAULT_HOW");
  if (n == 0 || !how || call < n || (call > n && !number("FAULT_STAY"))) return 0;
  if (!real) real = dlsym(RTLD_NEXT, "write");
  if (call == n && length > 1 && real(fd, bytes, length / 2) < 0) return 1;
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  errno = atoi(how);
  return 1;
}

static int opened(int fd, const char *path) {
  if (fd >= 0 && fd < FILES) atomic_store(&ours[fd], inside(path));
  return fd;
}

static int writes(int flags) { return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0; }

#define OPEN(NAME)                                                                   \
  int NAME(const char *path, int flags, ...) {                                       \
    static int (*real)(const char *, int, ...);                                      \
    if (!real) real = dlsym(RTLD_NEXT, #NAME);                                       \
    va_list rest;                                                                    \
    va_start(rest, flags);                                                           \
    mode_t mode = va_arg(rest, mode_t);                                              \
    va_end(rest);                                                                    \
    if (inside(path) && writes(flags) && hit(-1, NULL, 0)) return -1;                \
    return opened(real(path, flags, mode), path);                                    \
  }
OPEN(open)
OPEN(open64)

#define OPENAT(NAME)                                                                 \
  int NAME(int at, const char *path, int flags, ...) {                               \
    static int (*real)(int, const char *, int, ...);                                 \
    if (!real) real = dlsym(RTLD_NEXT, #NAME);                                       \
    va_list rest;                                                                    \
    va_start(rest, flags);                                                           \
    mode_t mode = va_arg(rest, mode_t);                                              \
    va_end(rest);                                                                    \
    if (inside(path) && writes(flags) && hit(-1, NULL, 0)) return -1;                \
    return opened(real(at, path, flags, mode), path);                                \
  }
OPENAT(openat)
OPENAT(openat64)

int close(int fd) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "close");
  if (fd >= 0 && fd < FILES) atomic_store(&ours[fd], 0);
  return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  if (tracked(fd) && hit(fd, bytes, length)) return -1;
  return real(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  static ssize_t (*real)(int, const struct iovec *, int);
  if (!real) real = dlsym(RTLD_NEXT, "writev");
  if (tracked(fd) && count > 0 && hit(fd, parts[0].iov_base, parts[0].iov_len)) return -1;
  return real(fd, parts, count);
}

#define OF_FILE(NAME)                                                                \
  int NAME(int fd) {                                                                 \
    static int (*real)(int);                                                         \
    if (!real) real = dlsym(RTLD_NEXT, #NAME);                                       \
    if (tracked(fd) && hit(fd, NULL, 0)) return -1;                                  \
    return real(fd);                                                                 \
  }
OF_FILE(fsync)
OF_FILE(fdatasync)

#define TRUNCATE(NAME, LENGTH)                                                       \
  int NAME(int fd, LENGTH length) {                                                  \
    static int (*real)(int, LENGTH);                                                 \
    if (!real) real = dlsym(RTLD_NEXT, #NAME);                                       \
    if (tracked(fd) && hit(fd, NULL, 0)) return -1;                                  \
    return real(fd, length);                                                         \
  }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

int rename(const char *from, const char *to) {
  static int (*real)(const char *, const char *);
  if (!real) real = dlsym(RTLD_NEXT, "rename");
  if (inside(to) && hit(-1, NULL, 0)) return -1;
  return real(from, to);
}

__attribute__((destructor)) static void tell(void) {
  const char *path = getenv("FAULT_COUNT");
  FILE *file = path ? fopen(path, "w") : NULL;
  if (!file) return;
  fprintf(file, "%d\n", atomic_load(&calls));
  fclose(file);
}
