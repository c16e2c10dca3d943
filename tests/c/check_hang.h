/* Ends a process that hangs, and shows where: for programs that fork, whose children may hang. */
#ifndef CHECK_HANG_H
#define CHECK_HANG_H

#include <execinfo.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

/* The library's threads block SIGALRM, so this runs on the thread that hangs. */
static void print_backtrace(int number)
{
    void *frames[64];
    (void)number;
    backtrace_symbols_fd(frames, backtrace(frames, ARRAY_LENGTH(frames)), STDERR_FILENO);
    signal(SIGALRM, SIG_DFL);
    raise(SIGALRM);
}

/* Call it before the first fork. It loads libgcc, in whose loading a forked child might hang. */
static inline void prepare_backtrace(void)
{
    void *frame;
    backtrace(&frame, 1);
}

/* Kills this process with SIGALRM after this many seconds. Its backtrace is printed first. */
static inline void limit_time(unsigned seconds)
{
    signal(SIGALRM, print_backtrace);
    alarm(seconds);
}

#endif
