/*
 * A till with an outbox: it submits shifts, lists them, and can be killed and restarted at any
 * moment without losing one.
 *
 *     LIFEPAY_APIKEY=... outbox --file shifts.db --login 79031234567 submit
 *
 * The string usage lists the commands. On Windows, convert the arguments to UTF-8 first: see
 * utf8_arguments in open_shift.c.
 *
 * Exit status: 0 accepted, or done; 1 rejected by LifePay; 2 wrong arguments; 3 still pending;
 * 4 anything else: cancelled, expired, no such entry, or the file cannot be used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lifepay.h"

enum { DONE = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, PENDING = 3, OTHER = 4 };

/* Static, because config holds pointers to its strings and to retry_delay. */
static lp_config config;
static const char *file;
static uint32_t retry_delay;
static uint32_t wait_seconds = 10;

static int exit_status(int32_t code)
{
    if (code >= LP_OK)
        return code == LP_OK ? DONE : REJECTED;
    if (code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    return code == LP_PENDING ? PENDING : OTHER;
}

static void report(const lp_result *result)
{
    uint32_t i;

    if (result->code == LP_OK)
        printf("uuid: %s\nAccepted is not yet open: the report that the cash register prints, or "
               "LifePay's\npersonal account, shows whether the shift has opened.\n",
               result->uuid ? result->uuid : "(none: test mode)");
    else
        printf("%s: %s\n", lp_code_name(result->code), result->message ? result->message : "");
    if ((result->code == LP_ERR_CANCELLED || result->code == LP_ERR_EXPIRED) &&
        result->outcome == LP_OUTCOME_UNKNOWN)
        printf("LifePay may have the request: a report may still be printed. If you still need\n"
               "the shift, submit it again with the same ext_id only.\n");
    for (i = 0; i < result->error_count; i++)
        printf("field: %s: %s\n", result->errors[i].field, result->errors[i].message);
    fflush(stdout); /* a pipe is buffered: its reader would see this only at the end */
}

/* Prints the code of a call about an entry; if it was refused, the entry's message says why. */
static int report_code(lp_outbox *outbox, const char *ext_id, int32_t code)
{
    lp_result result;

    lp_result_init(&result, sizeof result);
    if (code == LP_ERR_ARGUMENT)
        lp_outbox_wait(outbox, ext_id, 0, &result);
    printf("%s: %s\n", lp_code_name(code), result.message ? result.message : lp_code_text(code));
    lp_result_free(&result);
    return exit_status(code);
}

/* ------------------------------------------------------------------------------ the commands */

static int submit(lp_outbox *outbox, const char *ext_id)
{
    lp_result result;
    char generated[37];
    int32_t code;

    if (!ext_id) {
        code = lp_ext_id_new(generated, sizeof generated);
        if (code != LP_OK) {
            printf("%s: %s\n", lp_code_name(code), lp_code_text(code));
            return exit_status(code);
        }
        ext_id = generated;
    }
    config.ext_id = ext_id;
    lp_result_init(&result, sizeof result);
    code = lp_outbox_submit(outbox, &config, &result);
    if (code == LP_OK) {
        printf("ext_id: %s\n", ext_id); /* it is on disk: a crash cannot lose it */
        fflush(stdout);
        code = lp_outbox_wait(outbox, ext_id, wait_seconds * 1000, &result);
    }
    report(&result);
    lp_result_free(&result);
    return exit_status(code);
}

static int32_t LP_CALL print_entry(const lp_entry *entry, void *user_data)
{
    (void)user_data;
    printf("%s  %s  attempts %lu", entry->ext_id, lp_code_name(entry->code),
           (unsigned long)entry->attempts);
    if (entry->flags & LP_ENTRY_FOREIGN)
        printf("  for %s, not sent by this outbox", entry->base_url);
    else if (entry->flags & LP_ENTRY_SENDING)
        printf("  being sent");
    else if (entry->next_attempt_at != 0)
        printf("  next attempt in %ld s",
               (long)(entry->next_attempt_at / 1000 - (int64_t)time(NULL)));
    if (entry->uuid)
        printf("  uuid %s", entry->uuid);
    printf("\n    %s\n", entry->message);
    return 0;
}

struct watch {
    lp_outbox *outbox;
    time_t until;
    int32_t worst;
};

/*
 * lp_outbox_each iterates over a snapshot, and its callback may block. So this callback waits for
 * each entry that was pending at the start, the oldest first, and then prints its outcome.
 */
static int32_t LP_CALL wait_for_entry(const lp_entry *entry, void *user_data)
{
    struct watch *watch = user_data;
    time_t now = time(NULL);
    uint32_t seconds = now < watch->until ? (uint32_t)(watch->until - now) : 0;
    lp_result result;

    if (!(entry->flags & LP_ENTRY_PENDING) || (entry->flags & LP_ENTRY_FOREIGN))
        return 0;
    lp_result_init(&result, sizeof result);
    lp_outbox_wait(watch->outbox, entry->ext_id, seconds * 1000, &result);
    printf("ext_id: %s\n", entry->ext_id);
    report(&result);
    if (watch->worst == LP_OK || (watch->worst == LP_PENDING && result.code != LP_OK))
        watch->worst = result.code; /* a failure takes precedence over LP_PENDING */
    lp_result_free(&result);
    return 0;
}

/* An open outbox sends by itself; this only waits and prints the outcomes. */
static int run(lp_outbox *outbox)
{
    struct watch watch;
    int32_t code;

    watch.outbox = outbox;
    watch.until = time(NULL) + (time_t)wait_seconds;
    watch.worst = LP_OK;
    code = lp_outbox_each(outbox, wait_for_entry, &watch);
    return exit_status(code == LP_OK ? watch.worst : code);
}

static int cancel(lp_outbox *outbox, const char *ext_id)
{
    lp_result result;
    int32_t code;

    lp_result_init(&result, sizeof result);
    lp_outbox_cancel(outbox, ext_id, &result);
    code = result.code;
    report(&result);
    lp_result_free(&result);
    /* An answer that arrived first is kept, and another process may not have released the entry. */
    return code == LP_ERR_CANCELLED ? DONE : exit_status(code);
}

static int retry(lp_outbox *outbox, const char *ext_id)
{
    int32_t code = lp_outbox_retry_now(outbox, ext_id);
    return code == LP_OK ? run(outbox) : report_code(outbox, ext_id, code);
}

static int execute(lp_outbox *outbox, const char *name, const char *ext_id)
{
    switch (name[0]) { /* read_command accepts no other names */
    case 's': return submit(outbox, ext_id);
    case 'l': return exit_status(lp_outbox_each(outbox, print_entry, NULL));
    case 'c': return cancel(outbox, ext_id);
    case 'f': return report_code(outbox, ext_id, lp_outbox_forget(outbox, ext_id));
    default: return strcmp(name, "run") == 0 ? run(outbox) : retry(outbox, ext_id);
    }
}

/* -------------------------------------------------------------------------- the command line */

static const char usage[] =
    "Usage: outbox --file FILE [--base-url URL] [--login LOGIN] [--target-serial SERIAL]\n"
    "    [--retry-delay-ms N] [--wait SECONDS] COMMAND\n"
    "Commands: submit [EXT_ID], list, run [SECONDS], cancel EXT_ID, retry [EXT_ID], forget EXT_ID\n"
    "The apikey is read from the environment variable LIFEPAY_APIKEY.\n";

/*
 * At most six digits, so that seconds also fit in 32 bits as milliseconds. strtoul alone would
 * accept "-1" and " 1".
 */
static int read_number(const char *text, uint32_t *number)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6 || text[digits] != '\0')
        return 0;
    *number = (uint32_t)strtoul(text, NULL, 10);
    return 1;
}

static int read_option(const char *name, const char *value)
{
    if (strcmp(name, "--retry-delay-ms") == 0) {
        config.retry_delays_ms = &retry_delay;
        config.retry_delay_count = 1;
        return read_number(value, &retry_delay);
    }
    if (strcmp(name, "--wait") == 0)
        return read_number(value, &wait_seconds);
    if (strcmp(name, "--file") == 0)
        return (file = value) != NULL;
    if (strcmp(name, "--base-url") == 0)
        return (config.base_url = value) != NULL;
    if (strcmp(name, "--login") == 0)
        return (config.login = value) != NULL;
    return strcmp(name, "--target-serial") == 0 && (config.target_serial = value) != NULL;
}

/* Called before the outbox is opened, so that a mistyped command does not start to send. */
static int read_command(int count, char **words)
{
    static const char *const names[] = {"submit", "list", "run", "cancel", "retry", "forget"};
    static const int least[] = {1, 1, 1, 2, 1, 2}, most[] = {2, 1, 2, 2, 2, 2};
    size_t i;

    for (i = 0; count > 0 && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(words[0], names[i]) == 0)
            return count >= least[i] && count <= most[i] &&
                   (i != 2 || count == 1 || read_number(words[1], &wait_seconds));
    return 0;
}

int main(int argc, char **argv)
{
    lp_outbox *outbox;
    lp_result result;
    int i = 1, status;

    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.apikey = getenv("LIFEPAY_APIKEY"); /* command lines are visible to other users */
    while (i + 1 < argc && read_option(argv[i], argv[i + 1]))
        i += 2;
    if (!file || !read_command(argc - i, argv + i)) {
        fputs(usage, stderr);
        return WRONG_ARGUMENTS;
    }
    if (lp_outbox_open(file, &config, &outbox, &result) == LP_OK) {
        status = execute(outbox, argv[i], argv[i + 1]);
        lp_outbox_close(outbox); /* pending entries are sent when it is opened again */
    } else {
        report(&result);
        status = exit_status(result.code);
    }
    lp_result_free(&result);
    return status;
}
