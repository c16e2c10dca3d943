/*
 * Opens a cash-register shift and prints the result.
 *
 *     LIFEPAY_APIKEY=... open_shift --login 79031234567 --ext-id 00106304012797-2026-11-24-1
 *
 * A till needs open_shift() and the functions before it; the rest reads the command line. All
 * options except --log and --help set a field of lp_config.
 *
 * Exit status: 0 accepted, 1 rejected by LifePay, 2 wrong arguments, 3 not sent, 4 outcome unknown.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

enum { ACCEPTED = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, NOT_SENT = 3, UNKNOWN = 4 };

/* ------------------------------------------------------------------------- opening a shift */

static int exit_status(const lp_result *result)
{
    if (result->code == LP_OK)
        return ACCEPTED;
    if (result->code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    switch (result->outcome) {
    case LP_OUTCOME_ANSWERED:
        return REJECTED;
    case LP_OUTCOME_NOT_SENT:
        return NOT_SENT;
    default:
        return UNKNOWN; /* also for outcomes that a later library may add */
    }
}

static const char *outcome_in_words(int32_t outcome)
{
    switch (outcome) {
    case LP_OUTCOME_ANSWERED:
        return "LifePay has answered";
    case LP_OUTCOME_NOT_SENT:
        return "nothing was sent, LifePay does not have the request";
    default:
        return "unknown, LifePay may have the request: a report may still be printed";
    }
}

static void report_accepted(const lp_result *result)
{
    printf("uuid: %s\n", result->uuid ? result->uuid : "(none: test mode)");
    printf("ext_id: %s\n", result->ext_id);
    printf("message: %s\n", result->message);
    printf("Accepted is not yet open: the report that the cash register prints, or LifePay's\n"
           "personal account, shows whether the shift has opened.\n");
}

static void report_repeat(const lp_result *result)
{
    if (result->code == LP_ERR_ARGUMENT)
        fprintf(stderr, "retry: after correcting the arguments\n");
    else if (result->outcome == LP_OUTCOME_ANSWERED)
        fprintf(stderr, "retry: only after a correction\n");
    else if (result->retry_after_ms > 0)
        fprintf(stderr, "retry: in %lu s, with the same ext_id\n",
                ((unsigned long)result->retry_after_ms + 999) / 1000);
    else
        fprintf(stderr, "retry: with the same ext_id\n");
}

static void report_failed(const lp_result *result)
{
    uint32_t i;

    fprintf(stderr, "not accepted: %s (%ld)\n", lp_code_name(result->code), (long)result->code);
    fprintf(stderr, "message: %s\n", result->message);
    for (i = 0; i < result->error_count; i++)
        fprintf(stderr, "field: %s: %s\n", result->errors[i].field, result->errors[i].message);
    fprintf(stderr, "outcome: %s\n", outcome_in_words(result->outcome));
    if (result->attempts > 0)
        fprintf(stderr, "attempts: %lu\n", (unsigned long)result->attempts);
    if (result->http_status != 0)
        fprintf(stderr, "http_status: %ld\n", (long)result->http_status);
    if (result->detail)
        fprintf(stderr, "detail: %s\n", result->detail);
    report_repeat(result);
    if (result->ext_id)
        fprintf(stderr, "ext_id: %s\n", result->ext_id);
}

static int open_shift(const lp_config *config)
{
    lp_result result;
    int status;

    lp_result_init(&result, sizeof result);
    lp_open_shift(config, &result);
    status = exit_status(&result);
    if (status == ACCEPTED)
        report_accepted(&result);
    else
        report_failed(&result);
    lp_result_free(&result); /* after the last use of its strings */
    return status;
}

static void LP_CALL log_to_stderr(int32_t level, const char *message, void *user_data)
{
    static const char *const names[] = {"", "error", "warn", "info", "debug", "trace"};

    (void)user_data;
    fprintf(stderr, "log %s: %s\n", level >= 1 && level <= 5 ? names[level] : "?", message);
}

/* ------------------------------------------------------------------------ the command line */

/* Static, because config holds pointers to its strings and to retry_delays. */
static lp_config config;
static uint32_t retry_delays[1000];
static int32_t log_level = LP_LOG_OFF;

enum kind { SWITCH, TEXT, MILLISECONDS, DELAYS, TRUST, LOG };

struct option {
    const char *name;
    enum kind kind;
    void *target;
    const char *help;
};

static const struct option options[] = {
    {"--apikey", TEXT, &config.apikey,
     "KEY; prefer the variable LIFEPAY_APIKEY: other users\n"
     "of this machine can see command lines"},
    {"--login", TEXT, &config.login,
     "LOGIN of the company's or the shop's administrator"},
    {"--test", SWITCH, &config.test,
     "test mode: nothing is fiscalised, no uuid is returned"},
    {"--cashier-name", TEXT, &config.cashier_name,
     "NAME"},
    {"--cashier-inn", TEXT, &config.cashier_inn,
     "INN"},
    {"--target-serial", TEXT, &config.target_serial,
     "SERIAL number of the fiscal printer; default: LifePay\n"
     "picks one of the active printers"},
    {"--ext-id", TEXT, &config.ext_id,
     "ID of your own, at most 50 characters: a retry with the\n"
     "same ID opens no second shift; default: a new UUID"},
    {"--callback-url", TEXT, &config.callback_url,
     "URL to which LifePay reports the document's status"},
    {"--callback-data", TEXT, &config.callback_data,
     "STRING that LifePay sends back to the callback URL"},
    {"--callback-data-json", TEXT, &config.callback_data_json,
     "JSON object or array, instead of --callback-data"},
    {"--base-url", TEXT, &config.base_url,
     "URL; default: https://sapi.life-pay.ru"},
    {"--proxy", TEXT, &config.proxy,
     "http://USER:PASSWORD@HOST:PORT, or none; default: the system's"},
    {"--trust", TRUST, &config.trust,
     "root certificates: bundled, system or default (both)"},
    {"--ca-file", TEXT, &config.ca_file,
     "FILE in PEM with additional root certificates"},
    {"--connect-timeout-ms", MILLISECONDS, &config.connect_timeout_ms,
     "N for connecting; default: 10000"},
    {"--timeout-ms", MILLISECONDS, &config.timeout_ms,
     "N for one attempt; default: 30000"},
    {"--retry-for-ms", MILLISECONDS, &config.retry_for_ms,
     "N or forever: how long to retry; default: one attempt"},
    {"--retry-delays-ms", DELAYS, retry_delays,
     "N,N,...: pauses between attempts, the last one repeats;\n"
     "default: LifePay's 1, 3 and 5 minutes, then every 10"},
    {"--log", LOG, &log_level,
     "off, error, warn, info, debug or trace: log to stderr"},
};
static const size_t option_count = sizeof options / sizeof options[0];

static void print_help(void)
{
    size_t i;
    const char *c;

    printf("Opens a cash-register shift through LifePay (lifepay %s).\n\n"
           "Usage: open_shift --login LOGIN [OPTIONS]\n\n",
           lp_version());
    for (i = 0; i < option_count; i++) {
        printf("  %-22s ", options[i].name);
        for (c = options[i].help; *c; c++)
            if (*c == '\n')
                printf("\n  %-22s ", "");
            else
                putchar(*c);
        putchar('\n');
    }
    printf("  --help\n\n");
    printf("Without --apikey, the environment variable LIFEPAY_APIKEY is used.\n\n"
           "Exit status: 0 accepted (the shift may not be open yet), 1 rejected by LifePay,\n"
           "2 wrong arguments, 3 not sent, 4 outcome unknown: retry with the same ext_id.\n");
}

/*
 * Returns the end of the number, or NULL. strtoul would also accept "-1" and " 1", and its range
 * depends on the platform.
 */
static const char *read_milliseconds(const char *text, uint32_t *value)
{
    uint64_t number = 0;
    const char *digit = text;

    for (; *digit >= '0' && *digit <= '9'; digit++) {
        number = number * 10 + (uint64_t)(*digit - '0');
        if (number > LP_FOREVER)
            return NULL;
    }
    *value = (uint32_t)number;
    return digit == text ? NULL : digit;
}

static int set_milliseconds(const char *text, uint32_t *target)
{
    const char *end;

    if (strcmp(text, "forever") == 0) {
        *target = LP_FOREVER;
        return 1;
    }
    end = read_milliseconds(text, target);
    return end && *end == '\0';
}

static int set_delays(const char *text)
{
    uint32_t count = 0;

    for (;;) {
        if (count == sizeof retry_delays / sizeof retry_delays[0])
            return 0;
        text = read_milliseconds(text, &retry_delays[count++]);
        if (!text)
            return 0;
        if (*text == '\0')
            break;
        if (*text++ != ',')
            return 0;
    }
    config.retry_delays_ms = retry_delays;
    config.retry_delay_count = count;
    return 1;
}

/* Sets the target to the word's index: the header's constants count from 0 in this order. */
static int set_word(const char *text, const char *const *words, int32_t *target)
{
    int32_t i;

    for (i = 0; words[i]; i++)
        if (strcmp(text, words[i]) == 0) {
            *target = i;
            return 1;
        }
    return 0;
}

static int set(const struct option *option, char *value)
{
    static const char *const trusts[] = {"default", "bundled", "system", NULL};
    static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace", NULL};

    switch (option->kind) {
    case SWITCH:
        *(int32_t *)option->target = 1;
        return 1;
    case TEXT:
        *(const char **)option->target = value;
        return 1;
    case MILLISECONDS:
        return set_milliseconds(value, option->target);
    case DELAYS:
        return set_delays(value);
    case TRUST:
        return set_word(value, trusts, option->target);
    case LOG:
        return set_word(value, levels, option->target);
    }
    return 0;
}

static const struct option *find_option(const char *name)
{
    size_t i;

    for (i = 0; i < option_count; i++)
        if (strcmp(name, options[i].name) == 0)
            return &options[i];
    return NULL;
}

/* Checks the syntax only. lp_open_shift checks the values and reports all errors at once. */
static int read_arguments(int argc, char **argv)
{
    const struct option *option;
    int i;

    for (i = 1; i < argc; i++) {
        option = find_option(argv[i]);
        if (!option) {
            fprintf(stderr, "open_shift: unknown argument %s; try --help\n", argv[i]);
            return 0;
        }
        if (option->kind != SWITCH && ++i == argc) {
            fprintf(stderr, "open_shift: %s needs a value\n", option->name);
            return 0;
        }
        if (!set(option, argv[i])) {
            fprintf(stderr, "open_shift: %s cannot be %s; try --help\n", option->name, argv[i]);
            return 0;
        }
    }
    return 1;
}

#ifdef _WIN32
#include <windows.h>
#include <shellapi.h>

/*
 * lifepay uses UTF-8 in both directions. Windows passes the arguments to main() in the ANSI code
 * page (CP1251 on a Russian system), and most tills store their strings in it, so they must be
 * converted. With MSVC, link shell32.lib for CommandLineToArgvW.
 */
static char **utf8_arguments(int *argc)
{
    wchar_t **wide = CommandLineToArgvW(GetCommandLineW(), argc);
    char **utf8 = wide ? calloc((size_t)*argc + 1, sizeof *utf8) : NULL;
    int i, size;

    for (i = 0; utf8 && i < *argc; i++) {
        size = WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, NULL, 0, NULL, NULL);
        utf8[i] = malloc((size_t)size);
        if (!utf8[i])
            return NULL;
        WideCharToMultiByte(CP_UTF8, 0, wide[i], -1, utf8[i], size, NULL, NULL);
    }
    LocalFree(wide);
    SetConsoleOutputCP(CP_UTF8); /* for the messages, which are in Russian */
    return utf8;
}
#endif

static int help_wanted(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0)
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
#ifdef _WIN32
    argv = utf8_arguments(&argc);
    if (!argv) {
        fprintf(stderr, "open_shift: out of memory\n");
        return NOT_SENT;
    }
#endif
    if (help_wanted(argc, argv)) {
        print_help();
        return 0;
    }
    lp_config_init(&config, sizeof config);
    config.apikey = getenv("LIFEPAY_APIKEY");
    if (!read_arguments(argc, argv))
        return WRONG_ARGUMENTS;
    lp_set_log(log_to_stderr, NULL, log_level);
    return open_shift(&config);
}
