/* Checks which of the host's signals a thread of the library blocks. */
#ifndef CHECK_SIGNALS_H
#define CHECK_SIGNALS_H

#include <pthread.h>
#include <signal.h>

#include "check.h"

/* A fault is delivered to the thread that caused it. If it is blocked there, the process dies. */
static inline int is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGTRAP || number == SIGSYS;
}

/* .NET and Mono need these, real-time signals included, on every thread that calls them. */
static inline int is_needed_on_every_thread(int number)
{
    return is_fault(number) || number == SIGPWR || number == SIGXCPU || number > 31;
}

/* Call it on such a thread. host_mask: the signal mask of the host's thread that started it. */
static inline void check_signals_of_a_library_thread(const sigset_t *host_mask)
{
    sigset_t blocked;
    int number;
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    for (number = 1; number <= SIGRTMAX; number++) {
        /* Cannot be blocked, or reserved by the C library. */
        if (number == SIGKILL || number == SIGSTOP || (number > 31 && number < SIGRTMIN))
            continue;
        CHECK_INT(sigismember(&blocked, number),
                  !is_needed_on_every_thread(number) ||
                      (sigismember(host_mask, number) && !is_fault(number)));
    }
}

#endif
