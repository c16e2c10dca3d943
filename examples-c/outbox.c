/*
 * A till with an outbox: it submits a shift, shows what is pending, and can be killed and started
 * again at any moment without losing one.
 *
 *     LIFEPAY_APIKEY=... outbox --file shifts.db --login 79031234567 submit [EXT_ID]
 *     LIFEPAY_APIKEY=... outbox --file shifts.db run        goes on with what is pending
 *     LIFEPAY_APIKEY=... outbox --file shifts.db list | cancel EXT_ID | retry [EXT_ID] | forget EXT_ID
 *
 * Exit status: 0 done or accepted, 1 LifePay rejected it, 2 wrong arguments, 3 still pending,
 * 4 anything else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lifepay.h"

enum { DONE = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, PENDING = 3, FAILED = 4 };

/* lp_config borrows its strings: these live as long as the program. */
static lp_config config;
static const char *file = "shifts.db";
static uint32_t retry_delay;
static uint32_t seconds = 10;

static int exit_status(int32_t code)
{
    if (code == LP_OK)
        return DONE;
    if (code > 0)
        return REJECTED;
    if (code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    return code == LP_PENDING ? PENDING : FAILED;
}

static void print_outcome(const lp_result *result)
{
    if (result->code == LP_OK)
        printf("uuid: %s\nAccepted is not yet open: the printed report or LifePay's personal\n"
               "account shows whether the shift has opened.\n",
               result->uuid ? result->uuid : "(none: test mode)");
    else
        printf("%s: %s\n", lp_code_name(result->code), result->message);
    fflush(stdout);
}

/* ------------------------------------------------------------------------------ the commands */

/* Stored before it is sent: from here on a crash loses nothing. */
static int submit(lp_outbox *outbox, const char *ext_id)
{
    lp_result result;
    char made[37];
    int32_t code;

    if (ext_id == NULL && lp_ext_id_new(made, sizeof made) == LP_OK)
        ext_id = made;
    config.ext_id = ext_id;
    lp_result_init(&result, sizeof result);
    code = lp_outbox_submit(outbox, &config, &result);
    if (code == LP_OK) {
        printf("on disk: %s\n", ext_id);
        fflush(stdout);
        code = lp_outbox_wait(outbox, ext_id, seconds * 1000, &result);
    }
    print_outcome(&result);
    lp_result_free(&result);
    return exit_status(code);
}

/* Unix milliseconds as seconds from now; the till shows a countdown, not a date. */
static long seconds_from_now(int64_t at)
{
    return at == 0 ? 0 : (long)(at / 1000 - (int64_t)time(NULL));
}

static int32_t LP_CALL print_entry(const lp_entry *entry, void *user_data)
{
    (void)user_data;
    printf("%s  %s  attempts %lu", entry->ext_id, lp_code_name(entry->code),
           (unsigned long)entry->attempts);
    if (entry->flags & LP_ENTRY_FOREIGN)
        printf("  of %s, not sent from here", entry->base_url);
    else if (entry->flags & LP_ENTRY_SENDING)
        printf("  being sent");
    else if (entry->flags & LP_ENTRY_PENDING)
        printf("  next in %ld s", seconds_from_now(entry->next_attempt_at));
    if (entry->uuid)
        printf("  uuid %s", entry->uuid);
    printf("\n    %s\n", entry->message);
    return 0;
}

/* The entries that wait when the program starts, and their outcomes as they come. */
struct waiting {
    lp_outbox *outbox;
    time_t until;
    int32_t worst;
};

static int32_t LP_CALL wait_for_entry(const lp_entry *entry, void *user_data)
{
    struct waiting *waiting = user_data;
    long left = (long)(waiting->until - time(NULL));
    lp_result result;
    int32_t code;

    if (!(entry->flags & LP_ENTRY_PENDING) || (entry->flags & LP_ENTRY_FOREIGN))
        return 0;
    lp_result_init(&result, sizeof result);
    code = lp_outbox_wait(waiting->outbox, entry->ext_id, left > 0 ? (uint32_t)left * 1000 : 0,
                          &result);
    printf("%s\n", entry->ext_id);
    print_outcome(&result);
    if (code != LP_OK)
        waiting->worst = code;
    lp_result_free(&result);
    return 0;
}

/* What a till does when it starts: opening the outbox is enough, the rest is to watch. */
static int run(lp_outbox *outbox)
{
    struct waiting waiting;
    uint32_t pending = 0;

    waiting.outbox = outbox;
    waiting.until = time(NULL) + (time_t)seconds;
    waiting.worst = LP_OK;
    lp_outbox_pending(outbox, &pending);
    printf("pending: %lu\n", (unsigned long)pending);
    lp_outbox_each(outbox, wait_for_entry, &waiting);
    return exit_status(waiting.worst);
}

static int cancel(lp_outbox *outbox, const char *ext_id)
{
    lp_result result;
    int32_t code;

    lp_result_init(&result, sizeof result);
    code = lp_outbox_cancel(outbox, ext_id, &result);
    print_outcome(&result);
    if (code == LP_OK && result.outcome == LP_OUTCOME_UNKNOWN)
        printf("LifePay may have it all the same: look at the cash register's report.\n");
    lp_result_free(&result);
    return code == LP_OK ? DONE : exit_status(code);
}

static int report(int32_t code)
{
    printf("%s: %s\n", lp_code_name(code), lp_code_text(code));
    return exit_status(code);
}

static int command(lp_outbox *outbox, const char *name, const char *ext_id)
{
    if (strcmp(name, "submit") == 0)
        return submit(outbox, ext_id);
    if (strcmp(name, "run") == 0)
        return run(outbox);
    if (strcmp(name, "list") == 0)
        return lp_outbox_each(outbox, print_entry, NULL) == LP_OK ? DONE : FAILED;
    if (strcmp(name, "cancel") == 0)
        return cancel(outbox, ext_id);
    if (strcmp(name, "retry") == 0)
        return lp_outbox_retry_now(outbox, ext_id) == LP_OK ? run(outbox) : FAILED;
    if (strcmp(name, "forget") == 0)
        return report(lp_outbox_forget(outbox, ext_id));
    fprintf(stderr, "no such command: %s\n", name);
    return WRONG_ARGUMENTS;
}

/* ------------------------------------------------------------------------ the command line */

static int take_option(const char *name, const char *value)
{
    if (strcmp(name, "--file") == 0)
        file = value;
    else if (strcmp(name, "--base-url") == 0)
        config.base_url = value;
    else if (strcmp(name, "--login") == 0)
        config.login = value;
    else if (strcmp(name, "--target-serial") == 0)
        config.target_serial = value;
    else if (strcmp(name, "--retry-delay-ms") == 0)
        retry_delay = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--seconds") == 0)
        seconds = (uint32_t)strtoul(value, NULL, 10);
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    lp_outbox *outbox = NULL;
    lp_result result;
    int next = 1;
    int status;

    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.apikey = getenv("LIFEPAY_APIKEY"); /* other users of this machine see command lines */
    while (next + 1 < argc && take_option(argv[next], argv[next + 1]))
        next += 2;
    if (next >= argc) {
        fprintf(stderr, "outbox [--file FILE] [--base-url URL] [--login LOGIN] [--target-serial SERIAL]\n"
                        "    [--retry-delay-ms N] [--seconds N] submit [EXT_ID] | run | list |\n"
                        "    cancel EXT_ID | retry [EXT_ID] | forget EXT_ID\n");
        return WRONG_ARGUMENTS;
    }
    if (retry_delay > 0) { /* otherwise LifePay's timetable */
        config.retry_delays_ms = &retry_delay;
        config.retry_delay_count = 1;
    }
    if (lp_outbox_open(file, &config, &outbox, &result) != LP_OK) {
        fprintf(stderr, "%s: %s\n", lp_code_name(result.code), result.message);
        status = exit_status(result.code);
    } else {
        status = command(outbox, argv[next], next + 1 < argc ? argv[next + 1] : NULL);
        lp_outbox_close(outbox); /* what waits stays in the file and goes on at the next start */
    }
    lp_result_free(&result);
    return status;
}
