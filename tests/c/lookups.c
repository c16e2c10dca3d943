/*
 * Name look-ups, which the library makes on a thread of its own. The system's is replaced by one
 * of this program's, which sees that thread from inside and ends when the test lets it.
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
static int open_gate = 1;
static int lookups;
static int waiting;

/* Inherited from the thread that calls. Empty at first. */
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
    while (!open_gate)
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
    open_gate = open;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int seen(const int *number)
{
    int now;
    pthread_mutex_lock(&lock);
    now = *number;
    pthread_mutex_unlock(&lock);
    return now;
}

static int count_of_threads(void)
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

/* The checks stand in getaddrinfo. */
static void the_librarys_thread_blocks_what_the_host_handles(void)
{
    CHECK_INT(call("https://nobody.invalid:1"), LP_ERR_NETWORK);
    CHECK_INT(seen(&lookups), 1);
}

/* The host waits for it, with sigwait. On another thread it would end the process. */
static void what_the_host_blocks_the_librarys_thread_blocks_too(void)
{
    CHECK_INT(sigaddset(&blocked_by_the_host, SIGRTMIN + 1), 0);
    CHECK_INT(pthread_sigmask(SIG_BLOCK, &blocked_by_the_host, NULL), 0);
    CHECK_INT(call("https://still-nobody.invalid:1"), LP_ERR_NETWORK);
    CHECK_INT(seen(&lookups), 2);
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
    const int before = seen(&lookups);
    check_accepted(server, "literal");
    CHECK_INT(seen(&lookups), before);
}

static void a_lookup_that_does_not_end_is_bounded_and_not_begun_again(const char *localhost)
{
    const int before = seen(&lookups);
    int i;
    set_gate(0);
    for (i = 0; i < 3; i++)
        CHECK_TEXT(lp_code_name(call(localhost)), "LP_ERR_TIMEOUT");
    CHECK_INT(seen(&lookups), before + 1);
    CHECK_INT(seen(&waiting), 1);
    CHECK_INT(count_of_threads(), 2);
    /* What it finds after all serves the next call. */
    set_gate(1);
    CHECK_TEXT(lp_code_name(call(localhost)), "LP_OK");
    CHECK_INT(seen(&lookups), before + 1);
    while (count_of_threads() > 1)
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
    RUN(what_the_host_blocks_the_librarys_thread_blocks_too);
    RUN(a_lookup_leaves_the_hosts_signal_mask_as_it_was);
    check_begin("an_address_needs_no_lookup");
    an_address_needs_no_lookup(server);
    check_begin("a_lookup_that_does_not_end_is_bounded_and_not_begun_again");
    a_lookup_that_does_not_end_is_bounded_and_not_begun_again(localhost);
    /* The program ends although one is under way. */
    check_begin("a_lookup_that_does_not_end_does_not_keep_the_process");
    set_gate(0);
    CHECK_INT(call("https://endless.invalid:1"), LP_ERR_TIMEOUT);
    CHECK_INT(seen(&waiting), 1);
    return 0;
}
