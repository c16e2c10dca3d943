/*
 * Name lookups, which the library makes on a separate thread. This program replaces getaddrinfo by
 * one that checks that thread and returns when the test opens a gate.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "check_signals.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t main_thread;
static int gate_is_open = 1;
static int lookups;
static int waiting;

/* The signal mask that the new thread inherits from the calling one. Empty at first. */
static sigset_t blocked_by_the_host;

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    static struct sockaddr_in loopback;
    static struct addrinfo info;
    (void)service;
    (void)hints;
    CHECK(!pthread_equal(pthread_self(), main_thread));
    check_signals_of_a_library_thread(&blocked_by_the_host);
    pthread_mutex_lock(&lock);
    lookups++;
    waiting++;
    while (!gate_is_open)
        pthread_cond_wait(&changed, &lock);
    waiting--;
    pthread_mutex_unlock(&lock);
    if (strcmp(node, "localhost") != 0)
        return EAI_NONAME;
    loopback.sin_family = AF_INET;
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    info.ai_family = AF_INET;
    info.ai_socktype = SOCK_STREAM;
    info.ai_addr = (struct sockaddr *)&loopback;
    info.ai_addrlen = sizeof loopback;
    *found = &info;
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    (void)info;
}

static void set_gate(int open)
{
    pthread_mutex_lock(&lock);
    gate_is_open = open;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int read_locked(const int *number)
{
    int value;
    pthread_mutex_lock(&lock);
    value = *number;
    pthread_mutex_unlock(&lock);
    return value;
}

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    while (readdir(tasks) != NULL)
        count++;
    closedir(tasks);
    return count - 2; /* . and .. */
}

static int32_t call(const char *base_url)
{
    lp_config config = config_for(base_url);
    lp_result result = new_result();
    int32_t code;
    config.connect_timeout_ms = 300;
    code = lp_open_shift(&config, &result);
    if (code < 0)
        CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    lp_result_free(&result);
    return code;
}

/* The checks are in getaddrinfo. */
static void the_librarys_thread_blocks_what_the_host_handles(void)
{
    CHECK_INT(call("https://nobody.invalid:1"), LP_ERR_NETWORK);
    CHECK_INT(read_locked(&lookups), 1);
}

/* The host waits for this signal with sigwait. On another thread it would end the process. */
static void the_librarys_thread_blocks_the_signals_that_the_host_blocks(void)
{
    CHECK_INT(sigaddset(&blocked_by_the_host, SIGRTMIN + 1), 0);
    CHECK_INT(pthread_sigmask(SIG_BLOCK, &blocked_by_the_host, NULL), 0);
    CHECK_INT(call("https://still-nobody.invalid:1"), LP_ERR_NETWORK);
    CHECK_INT(read_locked(&lookups), 2);
    CHECK_INT(pthread_sigmask(SIG_UNBLOCK, &blocked_by_the_host, NULL), 0);
    CHECK_INT(sigemptyset(&blocked_by_the_host), 0);
}

static void a_lookup_leaves_the_hosts_signal_mask_as_it_was(void)
{
    sigset_t blocked;
    int number;
    CHECK_INT(pthread_sigmask(SIG_BLOCK, NULL, &blocked), 0);
    for (number = 1; number <= SIGRTMAX; number++)
        CHECK(sigismember(&blocked, number) != 1);
}

static void an_address_needs_no_lookup(const char *server)
{
    const int before = read_locked(&lookups);
    check_accepted(server, "literal");
    CHECK_INT(read_locked(&lookups), before);
}

static void a_lookup_that_does_not_end_is_bounded_and_not_started_twice(const char *localhost)
{
    const int before = read_locked(&lookups);
    int i;
    set_gate(0);
    for (i = 0; i < 3; i++)
        CHECK_TEXT(lp_code_name(call(localhost)), "LP_ERR_TIMEOUT");
    CHECK_INT(read_locked(&lookups), before + 1);
    CHECK_INT(read_locked(&waiting), 1);
    CHECK_INT(count_threads(), 2);
    /* The next call uses its late answer. */
    set_gate(1);
    CHECK_TEXT(lp_code_name(call(localhost)), "LP_OK");
    CHECK_INT(read_locked(&lookups), before + 1);
    while (count_threads() > 1)
        sched_yield();
}

int main(int argc, char **argv)
{
    const char *server = server_of(argc, argv);
    char localhost[64];
    alarm(60);
    main_thread = pthread_self();
    CHECK(strrchr(server, ':') != NULL);
    sprintf(localhost, "http://localhost%s", strrchr(server, ':'));
    RUN(the_librarys_thread_blocks_what_the_host_handles);
    RUN(the_librarys_thread_blocks_the_signals_that_the_host_blocks);
    RUN(a_lookup_leaves_the_hosts_signal_mask_as_it_was);
    check_begin("an_address_needs_no_lookup");
    an_address_needs_no_lookup(server);
    check_begin("a_lookup_that_does_not_end_is_bounded_and_not_started_twice");
    a_lookup_that_does_not_end_is_bounded_and_not_started_twice(localhost);
    /* The program exits although a lookup is under way. */
    check_begin("a_lookup_that_does_not_end_does_not_keep_the_process");
    set_gate(0);
    CHECK_INT(call("https://endless.invalid:1"), LP_ERR_TIMEOUT);
    CHECK_INT(read_locked(&waiting), 1);
    return 0;
}
