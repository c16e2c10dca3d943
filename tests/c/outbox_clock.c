/*
 * Preloaded into a test: shifts the clocks. The file LIFEPAY_TEST_CLOCK contains two numbers, the
 * seconds by which the wall clock and the monotonic clock are ahead of the system's. Both may be
 * negative; a missing second number means 0.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long seconds_ahead(clockid_t clock)
{
    char text[64], *rest;
    long wall;
    ssize_t length = -1;
    const char *path = getenv("LIFEPAY_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (file >= 0) {
        length = read(file, text, sizeof text - 1);
        close(file);
    }
    text[length > 0 ? length : 0] = '\0';
    wall = strtol(text, &rest, 10);
    switch (clock) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        return wall;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        return strtol(rest, NULL, 10);
    default:
        return 0;
    }
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int (*real)(clockid_t, struct timespec *);
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    status = real(clock, now);
    if (status == 0)
        now->tv_sec += seconds_ahead(clock);
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int (*real)(struct timeval *, void *);
    int status;

    *(void **)&real = dlsym(RTLD_NEXT, "gettimeofday");
    status = real(now, zone);
    if (status == 0)
        now->tv_sec += seconds_ahead(CLOCK_REALTIME);
    return status;
}

time_t time(time_t *now)
{
    struct timespec clock;
    clock_gettime(CLOCK_REALTIME, &clock);
    if (now != NULL)
        *now = clock.tv_sec;
    return clock.tv_sec;
}

/* Rust waits until an absolute monotonic time, and the kernel uses the system's clock. */
long syscall(long number, ...)
{
    long (*real)(long, ...);
    long arguments[6];
    struct timespec until;
    va_list rest;
    int i;

    va_start(rest, number);
    for (i = 0; i < 6; i++)
        arguments[i] = va_arg(rest, long);
    va_end(rest);
    if (number == SYS_futex && arguments[3] != 0
        && (arguments[1] & (FUTEX_CMD_MASK | FUTEX_CLOCK_REALTIME)) == FUTEX_WAIT_BITSET) {
        until = *(const struct timespec *)arguments[3];
        until.tv_sec -= seconds_ahead(CLOCK_MONOTONIC);
        if (until.tv_sec < 0)
            until.tv_sec = 0;
        arguments[3] = (long)&until;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    return real(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                arguments[5]);
}
