/*
 * A host with an outbox and floating-point traps enabled. No call and no thread of the library may
 * trigger a trap, and the host's traps must be enabled after each call and in the callback.
 *
 *     outbox_traps URL FILE
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

/* Almost all floating-point arithmetic triggers FE_INEXACT. */
#define TRAPS (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_INEXACT)

static const char *server;
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
    CHECK_INT(fegetexcept(), TRAPS);
    CHECK_INT(~(__builtin_ia32_stmxcsr() >> 7) & 0x3f & FE_ALL_EXCEPT, TRAPS);
    CHECK_INT(fegetround(), FE_UPWARD);
}

static void set_traps(void)
{
    feclearexcept(FE_ALL_EXCEPT);
    CHECK(feenableexcept(TRAPS) != -1);
    fesetround(FE_UPWARD);
    check_traps();
}

/* Checks that a division by zero raises SIGFPE. */
static void check_that_division_traps(void)
{
    volatile double zero = 0.0, quotient = 0.0;
    expected = 1;
    if (sigsetjmp(after_trap, 1) == 0) {
        quotient = 1.0 / zero;
        CHECK(quotient == 0.0 && !"the division traps");
    }
    expected = 0;
    /* The kernel disabled the traps for the signal handler. */
    set_traps();
}

static int32_t LP_CALL on_entry(const lp_entry *entry, void *user_data)
{
    check_traps();
    CHECK_TEXT(entry->uuid, "huge");
    check_that_division_traps();
    /* A call from within the callback must leave them enabled, too. */
    CHECK_INT(lp_outbox_forget(user_data, "none"), LP_ERR_NOT_FOUND);
    check_traps();
    return 0;
}

int main(int argc, char **argv)
{
    lp_config config;
    lp_result result = new_result();
    lp_outbox *outbox = NULL;
    uint32_t pending = 7;

    server = server_of(argc, argv);
    CHECK_INT(argc, 3);
    alarm(60);
    CHECK(signal(SIGFPE, on_trap) != SIG_ERR);
    config = config_for(server);
    /* Its answer holds 1.8e308, -1.8e308 and 4.9e-324. */
    config.ext_id = "huge";
    config.callback_data_json = "{\"sum\": 1.7e308, \"least\": 4.9e-324}";
    set_traps();
    CHECK_INT(lp_outbox_open(argv[2], &config, &outbox, &result), LP_OK);
    check_traps();
    CHECK_INT(lp_outbox_submit(outbox, &config, &result), LP_OK);
    check_traps();
    CHECK_INT(lp_outbox_wait(outbox, "huge", 30000, &result), LP_OK);
    check_traps();
    CHECK_INT(lp_outbox_each(outbox, on_entry, outbox), LP_OK);
    check_traps();
    CHECK_INT(lp_outbox_retry_now(outbox, NULL), LP_OK);
    CHECK_INT(lp_outbox_pending(outbox, &pending), LP_OK);
    CHECK_INT(lp_outbox_cancel(outbox, "huge", &result), LP_OK);
    check_traps();
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    check_traps();
    lp_result_free(&result);
    return 0;
}
