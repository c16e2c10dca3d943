/*
 * A host that lets the processor trap on floating-point errors and has an outbox: no trap is sprung
 * in a call or on the library's threads, and the host's are on after each call and in the callback.
 *
 *     outbox_traps URL FILE
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"

/* FE_INEXACT is sprung by nearly all arithmetic there is. */
#define TRAPS (FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW | FE_INEXACT)

static const char *server;
static volatile sig_atomic_t expected;
static sigjmp_buf sprung;

static void on_trap(int number)
{
    (void)number;
    CHECK(expected);
    siglongjmp(sprung, 1);
}

/* x87's from the C library, SSE's from its control register: both must be the host's. */
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

/* A division by zero is a signal. */
static void check_that_division_traps(void)
{
    volatile double zero = 0.0, quotient = 0.0;
    expected = 1;
    if (sigsetjmp(sprung, 1) == 0) {
        quotient = 1.0 / zero;
        CHECK(quotient == 0.0 && !"a division that traps");
    }
    expected = 0;
    /* The signal handler began with the traps off. */
    set_traps();
}

static int32_t LP_CALL on_entry(const lp_entry *entry, void *user_data)
{
    check_traps();
    CHECK_TEXT(entry->uuid, "huge");
    check_that_division_traps();
    /* Calls from within leave them on as well. */
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
