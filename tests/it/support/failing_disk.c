/*
 * A disk that fails when it is told to, for a process that this is preloaded into.
 *
 * The environment's FAILING_DISK names the folder on it. What fails stands in the file of
 * that name with ".fault" behind: "write 28" lets writes to files in the folder fail with
 * error 28, and where there is more than one byte to write, half of them are written first,
 * as on a disk that becomes full. "sync 0" does not fail and does not return either, as
 * long as it stands there. After each sync that succeeds, the length of what is durable
 * stands in the file with ".synced" behind.
 *
 * System calls are made directly, so that the order of libraries does not matter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *folder(void) { return getenv("FAILING_DISK"); }

static int is_in_folder(const char *path) {
    size_t length = folder() ? strlen(folder()) : 0;
    return length > 0 && strncmp(path, folder(), length) == 0 && path[length] == '/';
}

static int is_on_disk(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    return is_in_folder(path);
}

static int open_beside(const char *ending, int flags) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", folder(), ending);
    return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

/* The error that the call fails with, 0 for one that does not return, -1 for none. */
static int fault_of(const char *call) {
    char text[64] = {0}, failing[32] = {0};
    int error = -1, file = open_beside(".fault", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    ssize_t length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    if (length <= 0 || sscanf(text, "%31s %d", failing, &error) != 2 || strcmp(failing, call))
        return -1;
    return error;
}

static int fails(const char *call) {
    struct timespec moment = {0, 5000000};
    int error;
    while ((error = fault_of(call)) == 0)
        nanosleep(&moment, NULL);
    if (error < 0)
        return 0;
    errno = error;
    return 1;
}

ssize_t write(int file, const void *bytes, size_t count) {
    if (is_on_disk(file) && fails("write")) {
        if (count < 2)
            return -1;
        count /= 2;
    }
    return syscall(SYS_write, file, bytes, count);
}

static int sync_with(long call, int file) {
    if (is_on_disk(file) && fails("sync"))
        return -1;
    int result = syscall(call, file);
    struct stat found;
    if (result == 0 && is_on_disk(file) && fstat(file, &found) == 0 && S_ISREG(found.st_mode)) {
        char text[32];
        int length = snprintf(text, sizeof text, "%020lld", (long long)found.st_size);
        int told = open_beside(".synced", O_WRONLY | O_CREAT | O_CLOEXEC);
        syscall(SYS_pwrite64, told, text, length, 0L);
        syscall(SYS_close, told);
    }
    return result;
}

int fdatasync(int file) { return sync_with(SYS_fdatasync, file); }

int fsync(int file) { return sync_with(SYS_fsync, file); }

static int open_with(const char *path, int flags, mode_t mode) {
    if (is_in_folder(path) && (flags & O_CREAT) && fails("create"))
        return -1;
    return syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_with(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return open_with(path, flags | O_LARGEFILE, mode);
}

int rename(const char *from, const char *to) {
    if (is_in_folder(to) && fails("rename"))
        return -1;
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
