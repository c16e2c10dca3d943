/*
 * Opens a shift, retries until LifePay answers, shows the progress, and stops at Ctrl-C.
 *
 *     LIFEPAY_APIKEY=... open_shift_with_progress --login 79031234567
 *
 * The ext_id is generated and stored before anything is sent, and deleted once LifePay has
 * answered. If a run ends without an answer (Ctrl-C, a crash or the time limit), the next run
 * retries with the stored ext_id. LifePay then opens no second shift, even if it has the first
 * request.
 *
 * A file is enough for an example. A till should store requests in its database, one for each cash
 * register, and store the whole request, not just its ext_id: a retry must not differ from the
 * first request.
 *
 * Exit status: 0 accepted, 1 rejected by LifePay, 2 wrong arguments, 3 not sent, 4 outcome unknown.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lifepay.h"

enum { ACCEPTED = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, NOT_SENT = 3, UNKNOWN = 4 };

/* The size of a UUID with its NUL, which lp_ext_id_new writes. */
enum { EXT_ID_SIZE = 37 };

/* An older ext_id is not used again: yesterday's shift must not open today. */
static const double STORED_FOR_SECONDS = 12 * 60 * 60;

/* ---------------------------------------------------------------------- stopping at Ctrl-C */

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    stop_wanted = 1;
    signal(number, SIG_DFL); /* a second Ctrl-C ends the program at once */
}

static void stop_at_signals(void)
{
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}

/* ----------------------------------------------------------------------- the stored ext_id */

/* Returns 1 if an ext_id is stored, 0 if none is, and -1 if the file cannot be read. */
static int read_stored(const char *path, char *ext_id, time_t *made)
{
    FILE *file = fopen(path, "r");
    long long seconds = 0;
    int fields;

    if (!file)
        return errno == ENOENT ? 0 : -1;
    fields = fscanf(file, "%36s %lld", ext_id, &seconds);
    fclose(file);
    *made = (time_t)seconds;
    return fields == 2 ? 1 : -1;
}

/*
 * Writes another file first and renames it, so that a crash cannot leave a partial file. This
 * protects against a crash of the program. Protection against a power cut needs fsync, which
 * standard C does not have.
 */
static int store(const char *path, const char *ext_id)
{
    char new_path[1024];
    FILE *file;
    int written;

    if (snprintf(new_path, sizeof new_path, "%s.new", path) >= (int)sizeof new_path)
        return 0;
    file = fopen(new_path, "w");
    if (!file)
        return 0;
    written = fprintf(file, "%s %lld\n", ext_id, (long long)time(NULL)) > 0;
    written = fclose(file) == 0 && written; /* a full disk may be reported only here */
    return written && rename(new_path, path) == 0;
}

/*
 * Chooses the stored ext_id if the last run got no answer, and otherwise generates and stores a new
 * one. Returns 0, or an exit status if nothing may be sent.
 */
static int choose_ext_id(const char *path, char *ext_id)
{
    time_t made;
    int found = read_stored(path, ext_id, &made);

    if (found < 0) {
        fprintf(stderr, "%s cannot be read. LifePay may have a request with the ext_id in it, so\n"
                        "nothing is sent with another ext_id.\n", path);
        return UNKNOWN;
    }
    if (found && difftime(time(NULL), made) > STORED_FOR_SECONDS) {
        fprintf(stderr, "The request with ext_id %s is too old to retry and was never answered.\n"
                        "Look it up in LifePay's personal account, then delete %s.\n",
                ext_id, path);
        return UNKNOWN;
    }
    if (found) {
        fprintf(stderr, "ext_id: %s, again: the last run got no answer\n", ext_id);
        return 0;
    }
    if (lp_ext_id_new(ext_id, EXT_ID_SIZE) != LP_OK || !store(path, ext_id)) {
        fprintf(stderr, "The ext_id cannot be stored in %s; nothing was sent.\n", path);
        return NOT_SENT;
    }
    fprintf(stderr, "ext_id: %s, new\n", ext_id);
    return 0;
}

/* ---------------------------------------------------------------------------- the progress */

/* Overwrites the progress line if it has changed; on_progress is called five times a second. */
static void show_line(const char *line)
{
    static char shown[100];

    if (strcmp(line, shown) != 0) {
        fprintf(stderr, "\r%-70s", line);
        fflush(stderr);
        strcpy(shown, line);
    }
}

static void end_line(void)
{
    show_line("");
    fprintf(stderr, "\r");
}

static unsigned long whole_seconds(uint32_t milliseconds)
{
    return ((unsigned long)milliseconds + 999) / 1000;
}

/* Called on the thread that called lp_open_shift, so a till may update its window here. */
static int32_t LP_CALL on_progress(const lp_progress *progress, void *user_data)
{
    unsigned long attempt = (unsigned long)progress->attempts;
    char line[100];

    (void)user_data;
    switch (progress->phase) {
    case LP_PHASE_CONNECT:
        snprintf(line, sizeof line, "attempt %lu: connecting (Ctrl-C stops)", attempt);
        show_line(line);
        break;
    case LP_PHASE_EXCHANGE:
        snprintf(line, sizeof line, "attempt %lu: waiting for LifePay's answer (Ctrl-C stops)",
                 attempt);
        show_line(line);
        break;
    case LP_PHASE_FAILED:
        end_line();
        fprintf(stderr, "attempt %lu: %s", attempt, lp_code_name(progress->code));
        if (progress->http_status != 0)
            fprintf(stderr, ", HTTP status %ld", (long)progress->http_status);
        fprintf(stderr, "\n");
        break;
    case LP_PHASE_PAUSE:
        snprintf(line, sizeof line, "attempt %lu in %lu s (Ctrl-C stops)", attempt + 1,
                 whole_seconds(progress->next_attempt_ms));
        show_line(line);
        break;
    default: /* a later library may add phases */
        break;
    }
    return stop_wanted;
}

/* ------------------------------------------------------------------------ opening the shift */

static int exit_status(const lp_result *result)
{
    if (result->code == LP_OK)
        return ACCEPTED;
    if (result->code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    if (result->outcome == LP_OUTCOME_ANSWERED)
        return REJECTED;
    return result->outcome == LP_OUTCOME_NOT_SENT ? NOT_SENT : UNKNOWN;
}

static void report(const lp_result *result)
{
    uint32_t i;

    if (result->code == LP_OK) {
        printf("uuid: %s\n", result->uuid ? result->uuid : "(none: test mode)");
        printf("Accepted is not yet open: the report that the cash register prints, or LifePay's\n"
               "personal account, shows whether the shift has opened.\n");
        return;
    }
    fprintf(stderr, "%s: %s (%ld)\n",
            result->code == LP_ERR_CANCELLED ? "cancelled" : "not accepted",
            lp_code_name(result->code), (long)result->code);
    fprintf(stderr, "message: %s\n", result->message);
    for (i = 0; i < result->error_count; i++)
        fprintf(stderr, "field: %s: %s\n", result->errors[i].field, result->errors[i].message);
    if (result->outcome == LP_OUTCOME_NOT_SENT)
        fprintf(stderr, "outcome: this run has sent nothing\n");
    else if (result->outcome != LP_OUTCOME_ANSWERED)
        fprintf(stderr, "outcome: unknown, LifePay may have the request, and a report may\n"
                        "still be printed; the next run retries with the same ext_id\n");
}

/*
 * Deletes the stored ext_id once LifePay has answered. LP_OUTCOME_NOT_SENT is not enough: it says
 * nothing about the run that stored the ext_id.
 */
static void forget_if_answered(const lp_result *result, const char *path)
{
    if (result->outcome == LP_OUTCOME_ANSWERED && remove(path) != 0)
        fprintf(stderr, "%s cannot be deleted; delete it before the next run.\n", path);
}

static int open_shift(lp_config *config, const char *path)
{
    char ext_id[EXT_ID_SIZE];
    lp_result result;
    int status = choose_ext_id(path, ext_id);

    if (status != 0)
        return status;
    config->ext_id = ext_id;
    config->on_progress = on_progress;
    lp_result_init(&result, sizeof result);
    lp_open_shift(config, &result);
    end_line();
    report(&result);
    forget_if_answered(&result, path);
    status = exit_status(&result);
    lp_result_free(&result);
    return status;
}

/* ------------------------------------------------------------------------ the command line */

static void print_help(void)
{
    printf("Opens a shift, and retries for up to an hour until LifePay answers.\n\n"
           "Usage: open_shift_with_progress --login LOGIN [OPTIONS]\n\n"
           "  --target-serial SERIAL  serial number of the fiscal printer\n"
           "  --store FILE            where the ext_id is stored; default: open_shift.ext_id\n"
           "  --fast                  for a trial: pauses of seconds instead of minutes\n"
           "  --base-url URL\n"
           "  --help\n\n"
           "The apikey is read from the environment variable LIFEPAY_APIKEY.\n");
}

int main(int argc, char **argv)
{
    static const uint32_t fast[] = {1000, 3000, 5000, 10000};
    const char *path = "open_shift.ext_id";
    lp_config config;
    int i;

    lp_config_init(&config, sizeof config);
    config.apikey = getenv("LIFEPAY_APIKEY");
    config.retry_for_ms = 60 * 60 * 1000;
    for (i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;

        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return 0;
        } else if (strcmp(argv[i], "--fast") == 0) {
            config.retry_delays_ms = fast; /* default: LifePay's schedule of minutes */
            config.retry_delay_count = sizeof fast / sizeof fast[0];
            continue;
        } else if (strcmp(argv[i], "--login") == 0 && value) {
            config.login = value;
        } else if (strcmp(argv[i], "--target-serial") == 0 && value) {
            config.target_serial = value;
        } else if (strcmp(argv[i], "--base-url") == 0 && value) {
            config.base_url = value;
        } else if (strcmp(argv[i], "--store") == 0 && value) {
            path = value;
        } else {
            fprintf(stderr, "%s is unknown or has no value; try --help\n", argv[i]);
            return WRONG_ARGUMENTS;
        }
        i++;
    }
    stop_at_signals();
    return open_shift(&config, path);
}
