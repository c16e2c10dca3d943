/*
 * Preloaded into a test: kills the process as it begins to sync a file whose name ends in -wal, if
 * the file LIFEPAY_TEST_KILL is there. What was written stays in the file, and is not on the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void kill_in_sync_of(int file)
{
    char link[64], path[4096];
    const char *wanted = getenv("LIFEPAY_TEST_KILL");
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path);
    if (wanted == NULL || length < 4 || memcmp(path + length - 4, "-wal", 4) != 0)
        return;
    if (access(wanted, F_OK) == 0)
        kill(getpid(), SIGKILL);
}

static int sync_with(const char *name, int file)
{
    int (*real)(int);

    kill_in_sync_of(file);
    *(void **)&real = dlsym(RTLD_NEXT, name);
    return real(file);
}

int fsync(int file)
{
    return sync_with("fsync", file);
}

int fdatasync(int file)
{
    return sync_with("fdatasync", file);
}
