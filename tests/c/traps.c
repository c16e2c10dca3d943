/*
 * A host with floating-point traps enabled, as in Delphi before 12. No operation of the library may
 * trigger a trap, and the host's traps must be enabled after each call and in each callback.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>

#include "check.h"

static const char *server;
static const char *silent_server;
static const char *log_file;
/* The traps that this run enables. */
static int traps;
static int log_calls;
static int progress_calls;
static volatile sig_atomic_t expected;
static sigjmp_buf after_trap;

static void on_trap(int number)
{
    (void)number;
    CHECK(expected);
    siglongjmp(after_trap, 1);
}

/* Checks that the traps of x87 (from the C library) and of SSE (from MXCSR) are the host's. */
static void check_traps(void)
{
    CHECK_INT(fegetexcept(), traps);
    CHECK_INT(~(__builtin_ia32_stmxcsr() >> 7) & 0x3f & FE_ALL_EXCEPT, traps);
    CHECK_INT(fegetround(), FE_UPWARD);
}

/* Returns whether a division by zero raises SIGFPE. */
static int division_traps(void)
{
    volatile double zero = 0.0, quotient;
    int caught = sigsetjmp(after_trap, 1);
    expected = !caught;
    if (!caught)
        quotient = 1.0 / zero;
    else
        (void)quotient;
    expected = 0;
    /* The kernel disabled the traps for the signal handler. */
    feclearexcept(FE_ALL_EXCEPT);
    CHECK(feenableexcept(traps) != -1);
    fesetround(FE_UPWARD);
    return caught;
}

static int32_t on_progress(const lp_progress *progress, void *user_data)
{
    (void)progress;
    (void)user_data;
    check_traps();
    progress_calls++;
    return 0;
}

static void on_log(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
    check_traps();
    /* A call from within a callback must leave them enabled, too. */
    CHECK(lp_version_number() > 0);
    check_traps();
    log_calls++;
}

static void call(const char *base_url, const char *ext_id, int32_t expected_code)
{
    lp_config config = config_for(base_url);
    lp_result result = new_result();
    const int before = log_calls;
    config.ext_id = ext_id;
    config.timeout_ms = 700;
    config.on_progress = on_progress;
    CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), lp_code_name(expected_code));
    check_traps();
    CHECK(log_calls > before);
    lp_result_free(&result);
    check_traps();
}

static void the_traps_are_on(void)
{
    CHECK_INT(division_traps(), 1);
    check_traps();
}

static void a_regular_call_fires_no_trap(void)
{
    call(server, "usual", LP_OK);
}

static void numbers_beyond_a_double_spring_none(void)
{
    char *answer = NULL;
    call(server, "huge", LP_OK);
    call(server, "huge-code", LP_ERR_REPLY);
    CHECK_INT(lp_open_shift_json("{\"timeout_ms\":1.8e308}", &answer), LP_ERR_ARGUMENT);
    check_traps();
    lp_string_free(answer);
}

static void a_time_limit_fires_no_trap(void)
{
    const int before = progress_calls;
    call(silent_server, "late", LP_ERR_TIMEOUT);
    CHECK(progress_calls > before + 1);
}

static void tls_fires_no_trap(void)
{
    char tls[64];
    sprintf(tls, "https%s", silent_server + strlen("http"));
    call(tls, "tls", LP_ERR_TIMEOUT);
}

static void the_traps_are_still_on(void)
{
    CHECK_INT(division_traps(), 1);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 5);
    silent_server = argv[2];
    log_file = argv[3];
    traps = FE_DIVBYZERO | FE_OVERFLOW | FE_INVALID;
    if (strcmp(argv[4], "inexact") == 0)
        traps |= FE_INEXACT | FE_UNDERFLOW;
    signal(SIGFPE, on_trap);
    division_traps();
    CHECK_INT(lp_set_log(on_log, NULL, LP_LOG_TRACE), LP_OK);
    CHECK_INT(lp_log_to_file(log_file, LP_LOG_TRACE, 0), LP_OK);
    RUN(the_traps_are_on);
    RUN(a_regular_call_fires_no_trap);
    RUN(numbers_beyond_a_double_spring_none);
    RUN(a_time_limit_fires_no_trap);
    RUN(tls_fires_no_trap);
    RUN(the_traps_are_still_on);
    return 0;
}
