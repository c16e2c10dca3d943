/* Signals belong to the host: a call raises none, and none disturbs a call. */
#define _DEFAULT_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

#include "check.h"
#include "check_signals.h"

static const char *server;
/* A server that resets each connection while the request is being sent. */
static const char *resetting_server;
/* A server that answers one byte at a time. */
static const char *slow_server;
static const char *outbox_file;
static volatile sig_atomic_t alarms;

/* Returns a text that no socket accepts in one write. */
static char *long_text(void)
{
    const size_t length = 4 * 1024 * 1024;
    char *text = malloc(length + 1);
    CHECK(text != NULL);
    memset(text, 'x', length);
    text[length] = '\0';
    return text;
}

static void check_sigpipe_is_at_its_default(void)
{
    struct sigaction action;
    CHECK_INT(sigaction(SIGPIPE, NULL, &action), 0);
    CHECK(action.sa_handler == SIG_DFL);
}

static void a_reset_connection_raises_no_sigpipe(void)
{
    char *text = long_text();
    int i;
    for (i = 0; i < 20; i++) {
        lp_config config = config_for(resetting_server);
        lp_result result = new_result();
        config.callback_data = text;
        CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_ERR_NETWORK");
        CHECK_INT(result.outcome, LP_OUTCOME_UNKNOWN);
        lp_result_free(&result);
    }
    check_sigpipe_is_at_its_default();
    free(text);
}

static void a_reset_handshake_raises_no_sigpipe(void)
{
    char tls[64];
    int i;
    sprintf(tls, "https%s", resetting_server + strlen("http"));
    for (i = 0; i < 5; i++) {
        lp_config config = config_for(tls);
        lp_result result = new_result();
        const int32_t code = lp_open_shift(&config, &result);
        CHECK(code == LP_ERR_NETWORK || code == LP_ERR_TLS);
        CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
        lp_result_free(&result);
    }
    check_sigpipe_is_at_its_default();
}

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

/* Raises SIGALRM every millisecond, which interrupts every blocking system call. */
static void begin_storm(void)
{
    const struct itimerval every_millisecond = {{0, 1000}, {0, 1000}};
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_alarm;
    CHECK_INT(sigaction(SIGALRM, &action, NULL), 0);
    CHECK_INT(setitimer(ITIMER_REAL, &every_millisecond, NULL), 0);
}

static void end_storm(void)
{
    const struct itimerval never = {{0, 0}, {0, 0}};
    CHECK_INT(setitimer(ITIMER_REAL, &never, NULL), 0);
}

/* An interrupted wait must not call on_progress more than five times a second. */
static int32_t count_reports(const lp_progress *progress, void *user_data)
{
    const uint32_t reports = ++*(uint32_t *)user_data;
    CHECK(reports <= progress->elapsed_ms / 200 + 1);
    return 0;
}

static void a_storm_of_signals_changes_no_answer(void)
{
    int i;
    begin_storm();
    for (i = 0; i < 5; i++) {
        lp_config config = config_for(slow_server);
        lp_result result = new_result();
        const int before = alarms;
        uint32_t reports = 0;
        config.ext_id = "stormy";
        config.on_progress = count_reports;
        config.user_data = &reports;
        CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_OK");
        CHECK_TEXT(result.uuid, "stormy");
        CHECK_INT(result.attempts, 1);
        CHECK(alarms > before + 20);
        CHECK(reports > 0);
        lp_result_free(&result);
    }
    end_storm();
}

static void a_storm_of_signals_does_not_cut_a_pause_short(void)
{
    static const uint32_t delays[] = {600};
    lp_config config = config_for(server);
    lp_result result = new_result();
    struct timeval began, ended;
    begin_storm();
    config.ext_id = "busy-once";
    config.retry_for_ms = 10000;
    config.retry_delays_ms = delays;
    config.retry_delay_count = 1;
    gettimeofday(&began, NULL);
    CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_OK");
    gettimeofday(&ended, NULL);
    CHECK_INT(result.attempts, 2);
    CHECK((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_usec - began.tv_usec) / 1000 >= 590);
    lp_result_free(&result);
    end_storm();
}

static void a_call_leaves_the_signal_mask_as_it_was(void)
{
    sigset_t mine, now;
    int number;
    CHECK_INT(sigemptyset(&mine), 0);
    CHECK_INT(sigaddset(&mine, SIGUSR2), 0);
    CHECK_INT(sigprocmask(SIG_SETMASK, &mine, NULL), 0);
    check_accepted(server, "masked");
    CHECK_INT(sigprocmask(SIG_SETMASK, NULL, &now), 0);
    for (number = 1; number < 32; number++)
        CHECK_INT(sigismember(&now, number), number == SIGUSR2);
}

static pthread_t main_thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigjmp_buf before_the_fault;
static int *volatile null_pointer;
static int faults;
/* The signal mask of the thread that opens the outbox. */
static sigset_t blocked_by_the_host;

static void on_fault(int number)
{
    (void)number;
    siglongjmp(before_the_fault, 1);
}

/* Faults and continues, as .NET does when it turns a fault into an exception. */
static void fault_in_the_log(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
    if (pthread_equal(pthread_self(), main_thread))
        return;
    check_signals_of_a_library_thread(&blocked_by_the_host);
    pthread_mutex_lock(&lock);
    if (sigsetjmp(before_the_fault, 1) == 0) {
        *null_pointer = 1;
        CHECK(!"the write to NULL faults");
    }
    faults++;
    pthread_mutex_unlock(&lock);
}

static void fault_on_threads_of_the_library(const char *ext_id)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    lp_outbox *outbox = NULL;
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_fault;
    main_thread = pthread_self();
    faults = 0;
    CHECK_INT(sigaction(SIGSEGV, &action, &before), 0);
    CHECK_INT(lp_set_log(fault_in_the_log, NULL, LP_LOG_TRACE), LP_OK);
    CHECK_INT(lp_outbox_open(outbox_file, &config, &outbox, &result), LP_OK);
    config.ext_id = ext_id;
    CHECK_INT(lp_outbox_submit(outbox, &config, &result), LP_OK);
    CHECK_INT(lp_outbox_wait(outbox, ext_id, 30000, &result), LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_OK);
    CHECK_INT(sigaction(SIGSEGV, &before, NULL), 0);
    CHECK(faults > 0);
    lp_result_free(&result);
}

static void a_fault_on_a_thread_of_the_library_comes_to_the_hosts_handler(void)
{
    CHECK_INT(sigemptyset(&blocked_by_the_host), 0);
    fault_on_threads_of_the_library("faults");
}

/* As in a host that handles its signals with sigwait on one thread. */
static void it_does_so_if_the_host_blocks_all_signals(void)
{
    sigset_t all, before, after;
    int number;
    CHECK_INT(sigfillset(&all), 0);
    CHECK_INT(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
    CHECK_INT(pthread_sigmask(SIG_SETMASK, NULL, &blocked_by_the_host), 0);
    fault_on_threads_of_the_library("faults-while-blocked");
    CHECK_INT(pthread_sigmask(SIG_SETMASK, &before, &after), 0);
    for (number = 1; number <= SIGRTMAX; number++)
        CHECK_INT(sigismember(&after, number), sigismember(&blocked_by_the_host, number));
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 5);
    outbox_file = argv[4];
    resetting_server = argv[2];
    slow_server = argv[3];
    signal(SIGPIPE, SIG_DFL);
    RUN(a_reset_connection_raises_no_sigpipe);
    RUN(a_reset_handshake_raises_no_sigpipe);
    RUN(a_storm_of_signals_changes_no_answer);
    RUN(a_storm_of_signals_does_not_cut_a_pause_short);
    RUN(a_fault_on_a_thread_of_the_library_comes_to_the_hosts_handler);
    RUN(it_does_so_if_the_host_blocks_all_signals);
    RUN(a_call_leaves_the_signal_mask_as_it_was);
    return 0;
}
