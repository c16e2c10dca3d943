/*
 * Preloaded into a test, for the syncs of files whose names end in -wal: one kills the process as it
 * begins if the file LIFEPAY_TEST_KILL is there, and fails as on a broken disk if the file
 * LIFEPAY_TEST_SYNC_FAILS is there. What was written stays in the file, and is not on the disk. The
 * file LIFEPAY_TEST_SYNC_SLOW says how many milliseconds longer than usual it takes.
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

static int is_there(const char *variable)
{
    const char *wanted = getenv(variable);
    return wanted != NULL && access(wanted, F_OK) == 0;
}

static void take_longer(void)
{
    const char *wanted = getenv("LIFEPAY_TEST_SYNC_SLOW");
    FILE *slow = wanted == NULL ? NULL : fopen(wanted, "r");
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
        if (is_there("LIFEPAY_TEST_KILL"))
            kill(getpid(), SIGKILL);
        if (is_there("LIFEPAY_TEST_SYNC_FAILS")) {
            errno = EIO;
            return -1;
        }
        take_longer();
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
