/* Ends a process that hangs, and shows where: for programs that fork, whose children may hang. */
#ifndef CHECK_HANG_H
#define CHECK_HANG_H

#include <dirent.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

/* Not in POSIX, to which these programs keep. */
long syscall(long number, ...);

/* Not blocked on the library's threads, unlike most signals. */
#define BACKTRACE_SIGNAL SIGSYS

static void print_backtrace(int number)
{
    void *frames[64];
    (void)number;
    fprintf(stderr, "thread %ld:\n", (long)syscall(SYS_gettid));
    backtrace_symbols_fd(frames, backtrace(frames, ARRAY_LENGTH(frames)), STDERR_FILENO);
}

/* The library's threads block SIGALRM, so this runs on the main thread. */
static void print_all_backtraces(int number)
{
    const struct timespec pause = {0, 200 * 1000 * 1000};
    long main_thread = (long)getpid();
    DIR *threads = opendir("/proc/self/task");
    struct dirent *entry;
    print_backtrace(number);
    while (threads != NULL && (entry = readdir(threads)) != NULL) {
        long thread = atol(entry->d_name);
        if (thread != 0 && thread != main_thread) {
            syscall(SYS_tgkill, main_thread, thread, BACKTRACE_SIGNAL);
            /* So that they do not print at the same time. A thread that hangs in the kernel prints
             * nothing. */
            nanosleep(&pause, NULL);
            fprintf(stderr, "thread %ld was asked\n", thread);
        }
    }
    signal(SIGALRM, SIG_DFL);
    raise(SIGALRM);
}

/* Call it before the first fork. It loads libgcc, in whose loading a forked child might hang. */
static inline void prepare_backtrace(void)
{
    void *frame;
    backtrace(&frame, 1);
}

/* Kills this process with SIGALRM after this many seconds. The backtraces of its threads are printed
 * first. */
static inline void limit_time(unsigned seconds)
{
    signal(BACKTRACE_SIGNAL, print_backtrace);
    signal(SIGALRM, print_all_backtraces);
    alarm(seconds);
}

#endif
