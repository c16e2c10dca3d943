/*
 * Preloaded into a test: changes the syncs of files whose names end in -wal. Each variable holds a
 * path and takes effect if that file exists.
 *
 *   LIFEPAY_TEST_KILL        a sync kills the process when it starts.
 *   LIFEPAY_TEST_SYNC_FAILS  a sync fails as on a broken disk. The data stays in the file but is
 *                            not on the disk.
 *   LIFEPAY_TEST_SYNC_SLOW   a sync takes longer by the number of milliseconds in the file.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_log(int file)
{
    char link[64], path[4096];
    ssize_t length;

    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path);
    return length >= 4 && memcmp(path + length - 4, "-wal", 4) == 0;
}

static int exists(const char *variable)
{
    const char *path = getenv(variable);
    return path != NULL && access(path, F_OK) == 0;
}

static void delay(void)
{
    const char *path = getenv("LIFEPAY_TEST_SYNC_SLOW");
    FILE *slow = path == NULL ? NULL : fopen(path, "r");
    unsigned milliseconds = 0;

    if (slow == NULL)
        return;
    if (fscanf(slow, "%u", &milliseconds) == 1)
        usleep(milliseconds * 1000);
    fclose(slow);
}

static int sync_with(const char *name, int file)
{
    int (*real)(int);

    if (is_log(file)) {
        if (exists("LIFEPAY_TEST_KILL"))
            kill(getpid(), SIGKILL);
        if (exists("LIFEPAY_TEST_SYNC_FAILS")) {
            errno = EIO;
            return -1;
        }
        delay();
    }
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
