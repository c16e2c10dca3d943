/* What a thread of the library's may take of the host's signals. */
#ifndef CHECK_SIGNALS_H
#define CHECK_SIGNALS_H

#include <pthread.h>
#include <signal.h>

#include "check.h"

/* Sent to the thread that has caused it: if it is blocked there, the process ends. */
static inline int is_of_a_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL ||
           number == SIGTRAP || number == SIGSYS;
}

/* .NET and Mono need these on every thread that calls them; real-time signals too. */
static inline int is_needed_on_every_thread(int number)
{
    return is_of_a_fault(number) || number == SIGPWR || number == SIGXCPU || number > 31;
}

/* Called on such a thread. of_host: what the host's thread had blocked when it was started. */
static inline void check_signals_of_a_library_thread(const sigset_t *of_host)
{
    sigset_t blocked;
    int number;
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    for (number = 1; number <= SIGRTMAX; number++) {
        /* Never blocked, and those that the C library keeps to itself. */
        if (number == SIGKILL || number == SIGSTOP || (number > 31 && number < SIGRTMIN))
            continue;
        CHECK_INT(sigismember(&blocked, number),
                  !is_needed_on_every_thread(number) ||
                      (sigismember(of_host, number) && !is_of_a_fault(number)));
    }
}

#endif
