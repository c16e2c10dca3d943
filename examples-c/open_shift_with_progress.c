/*
 * Opens a shift, repeats until LifePay has answered, shows how it goes, and stops at Ctrl-C.
 *
 *     LIFEPAY_APIKEY=... open_shift_with_progress --login 79031234567
 *
 * The ext_id is made and stored before anything is sent, and thrown away once LifePay has answered.
 * If a run ends without an answer, by Ctrl-C, a crash or the time limit, the next one repeats with
 * the stored ext_id: then LifePay makes no second document, whatever became of the first request.
 *
 * A file will do for an example. A till has a database for this, stores the whole request and not
 * its ext_id alone, and one for each cash register: a repeat must not differ from what it repeats.
 *
 * Exit status: 0 accepted, 1 LifePay rejected it, 2 wrong arguments, 3 not sent, 4 outcome unknown.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lifepay.h"

enum { ACCEPTED = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, NOT_SENT = 3, UNKNOWN = 4 };

/* A UUID and its NUL, as lp_ext_id_new makes them. */
enum { EXT_ID_SIZE = 37 };

/* Yesterday's shift must not open today. */
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

/* 1: there is one. 0: there is none. -1: there may be one, but it cannot be read. */
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
 * Written to another file first, so that a crash leaves no half of it. This survives a crash of
 * the program; surviving a power cut takes more than standard C can do.
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
    written = fclose(file) == 0 && written; /* a full disk may show here only */
    return written && rename(new_path, path) == 0;
}

/* The ext_id to send with: the stored one if the last run had no answer, else a new one. */
static int choose_ext_id(const char *path, char *ext_id)
{
    time_t made;
    int found = read_stored(path, ext_id, &made);

    if (found < 0) {
        fprintf(stderr, "%s cannot be read. A request may be under way with the ext_id in it, so\n"
                        "nothing is sent with another.\n", path);
        return UNKNOWN;
    }
    if (found && difftime(time(NULL), made) > STORED_FOR_SECONDS) {
        fprintf(stderr, "ext_id %s of an earlier day has had no answer. See in LifePay's personal\n"
                        "account what became of it, then delete %s.\n", ext_id, path);
        return UNKNOWN;
    }
    if (found) {
        fprintf(stderr, "ext_id: %s, again: the last run has had no answer\n", ext_id);
        return 0;
    }
    if (lp_ext_id_new(ext_id, EXT_ID_SIZE) != LP_OK || !store(path, ext_id)) {
        fprintf(stderr, "No ext_id could be stored in %s; nothing was sent.\n", path);
        return NOT_SENT;
    }
    fprintf(stderr, "ext_id: %s, new\n", ext_id);
    return 0;
}

/* ---------------------------------------------------------------------------- the progress */

/* One line that is written over. It is redrawn when it changes, not five times a second. */
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

/* Called on the thread that called lp_open_shift, so that a till may draw here. */
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
    default: /* a later library may know more phases */
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
        fprintf(stderr, "outcome: unknown, LifePay may have the request, and a report may be\n"
                        "printed yet; the next start repeats it with the same ext_id\n");
}

/*
 * The ext_id has done its work when LifePay has answered. Not before: that this run has sent
 * nothing says nothing about the run that stored it.
 */
static void forget_if_answered(const lp_result *result, const char *path)
{
    if (result->outcome == LP_OUTCOME_ANSWERED && remove(path) != 0)
        fprintf(stderr, "%s cannot be deleted; do it before the next start.\n", path);
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
    printf("Opens a shift, and repeats for up to an hour until LifePay has answered.\n\n"
           "Usage: open_shift_with_progress --login LOGIN [OPTIONS]\n\n"
           "  --target-serial SERIAL  of the fiscal printer\n"
           "  --store FILE            where the ext_id is kept; default: open_shift.ext_id\n"
           "  --fast                  pauses of seconds, not of LifePay's minutes, to try it out\n"
           "  --base-url URL\n"
           "  --help\n\n"
           "The apikey is taken from the environment variable LIFEPAY_APIKEY.\n");
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
            config.retry_delays_ms = fast; /* not set: LifePay's timetable, 1, 3, 5, 10 minutes */
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
            fprintf(stderr, "%s is unknown or lacks its value; try --help\n", argv[i]);
            return WRONG_ARGUMENTS;
        }
        i++;
    }
    stop_at_signals();
    return open_shift(&config, path);
}
