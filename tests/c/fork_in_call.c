/*
 * A process that forks while one of its threads makes its first calls:
 *
 *     fork_in_call SERVER WORK FOLDER
 *
 * The thread is stopped at its first allocation. In a new process, the thread is stopped at its
 * second allocation, and so on to the last. So there is a fork during every lock under which memory
 * is allocated or freed, and during every lazy initialisation. The child then makes the same calls.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check_hang.h"

/* Seconds after which a child counts as hanging. */
#define TIME_LIMIT 10
/* The thread continues after this time, because fork itself waits for some locks. */
#define MAX_STOP_NS 20000000L
/* The exit status of a process whose thread makes fewer allocations. */
#define NO_MORE_STEPS 2

static const char *server, *work, *folder;
static pthread_t caller;
static int has_caller;
static long steps_left;
static sem_t stopped, forked;

extern void *__libc_malloc(size_t size);
extern void __libc_free(void *pointer);

static void step(void)
{
    struct timespec limit;
    if (!has_caller || !pthread_equal(pthread_self(), caller) || --steps_left != 0)
        return;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_nsec += MAX_STOP_NS;
    limit.tv_sec += limit.tv_nsec / 1000000000L;
    limit.tv_nsec %= 1000000000L;
    sem_post(&stopped);
    while (sem_timedwait(&forked, &limit) != 0 && errno == EINTR)
        ;
}

/* Replaces the C library's function, for the shared library as well. */
void *malloc(size_t size)
{
    step();
    return __libc_malloc(size);
}

void free(void *pointer)
{
    step();
    __libc_free(pointer);
}

static void use_outbox(const char *name)
{
    char path[1000];
    lp_config config = config_for(server);
    lp_result result = new_result();
    lp_outbox *outbox = NULL;
    snprintf(path, sizeof path, "%s/%s.db", folder, name);
    config.ext_id = name;
    CHECK_TEXT(lp_code_name(lp_outbox_open(path, &config, &outbox, &result)), "LP_OK");
    CHECK_INT(lp_outbox_submit(outbox, &config, &result), LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    lp_result_free(&result);
}

static void make_calls(const char *name)
{
    if (strcmp(work, "outbox") == 0)
        use_outbox(name);
    else
        check_accepted(server, name);
}

static void *call(void *unused)
{
    (void)unused;
    caller = pthread_self();
    has_caller = 1;
    make_calls("parent");
    has_caller = 0;
    sem_post(&stopped);
    return NULL;
}

static void fork_at(long number)
{
    pthread_t thread;
    pid_t child;
    int status = 0;
    steps_left = number;
    CHECK_INT(sem_init(&stopped, 0, 0), 0);
    CHECK_INT(sem_init(&forked, 0, 0), 0);
    CHECK_INT(pthread_create(&thread, NULL, call, NULL), 0);
    CHECK_INT(sem_wait(&stopped), 0);
    child = fork();
    if (child == 0) {
        limit_time(TIME_LIMIT);
        has_caller = 0;
        make_calls("child");
        _exit(0);
    }
    CHECK(child > 0);
    CHECK_INT(sem_post(&forked), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fprintf(stderr, "forked at step %ld, the child ended with %#x\n", number, status);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    _exit(steps_left > 0 ? NO_MORE_STEPS : 0);
}

int main(int argc, char **argv)
{
    int status = 0;
    long number;
    server = server_of(argc, argv);
    CHECK_INT(argc, 4);
    prepare_backtrace();
    work = argv[2];
    folder = argv[3];
    check_begin(work);
    for (number = 1; !(WIFEXITED(status) && WEXITSTATUS(status) == NO_MORE_STEPS); number++) {
        pid_t process = fork();
        if (process == 0)
            fork_at(number);
        CHECK_INT(waitpid(process, &status, 0), process);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 1);
    }
    /* So many steps show that the thread was stopped inside the library. */
    CHECK(number > 100);
    return 0;
}
