/*
 * Preloaded into a test: the wall clock is ahead of the system's by as many seconds as the file
 * LIFEPAY_TEST_CLOCK says, which may be negative. The monotonic clock is the system's.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long seconds_ahead(void)
{
    char text[32];
    ssize_t length = -1;
    const char *path = getenv("LIFEPAY_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (file >= 0) {
        length = read(file, text, sizeof text - 1);
        close(file);
    }
    text[length > 0 ? length : 0] = '\0';
    return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *);
    int came;

    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    came = real(clock, now);
    if (came == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += seconds_ahead();
    return came;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *);
    int came;

    *(void **)&real = dlsym(RTLD_NEXT, "gettimeofday");
    came = real(now, zone);
    if (came == 0)
        now->tv_sec += seconds_ahead();
    return came;
}

time_t time(time_t *now)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    if (now != NULL)
        *now = clock.tv_sec;
    return clock.tv_sec;
}
