/*
 * Closes a shift: sends the Z report to LifePay and prints the result.
 *
 *     LIFEPAY_APIKEY=... close_shift --login 79031234567 --target-serial 00106304012797
 *
 * The fields are those on LifePay's page about the Z report. Whether LifePay recognises a repeated
 * ext_id of a Z report is not published, so the program sends none and makes one attempt. If the
 * outcome is unknown, check whether a report was printed before you run the program again.
 *
 * Exit status: 0 accepted, 1 rejected by LifePay, 2 wrong arguments, 3 not sent, 4 outcome unknown.
 * On Windows, convert the arguments to UTF-8 first: see utf8_arguments in open_shift.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

enum { ACCEPTED = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, NOT_SENT = 3, UNKNOWN = 4 };

static int report(const lp_result *result)
{
    uint32_t i;

    if (result->code == LP_OK) {
        printf("uuid: %s\nAccepted is not yet closed: the report that the cash register prints, or "
               "LifePay's\npersonal account, shows whether the shift has closed.\n",
               result->uuid ? result->uuid : "(none: test mode)");
        return ACCEPTED;
    }
    fprintf(stderr, "not accepted: %s (%ld)\n", lp_code_name(result->code), (long)result->code);
    fprintf(stderr, "message: %s\n", result->message ? result->message : "");
    for (i = 0; i < result->error_count; i++)
        fprintf(stderr, "field: %s: %s\n", result->errors[i].field, result->errors[i].message);
    if (result->code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    if (result->outcome == LP_OUTCOME_ANSWERED)
        return REJECTED;
    if (result->outcome == LP_OUTCOME_NOT_SENT) {
        fprintf(stderr, "Nothing was sent: send it again.\n");
        return NOT_SENT;
    }
    fprintf(stderr, "LifePay may have it: look whether a report was printed before you send again.\n");
    return UNKNOWN;
}

/* Returns the field that an option sets, or NULL for an unknown option. */
static const char **field(lp_config *config, const char *option)
{
    if (strcmp(option, "--login") == 0)
        return &config->login;
    if (strcmp(option, "--target-serial") == 0)
        return &config->target_serial;
    if (strcmp(option, "--cashier-name") == 0)
        return &config->cashier_name;
    if (strcmp(option, "--cashier-inn") == 0)
        return &config->cashier_inn;
    return strcmp(option, "--base-url") == 0 ? &config->base_url : NULL;
}

int main(int argc, char **argv)
{
    lp_config config;
    lp_result result;
    int i, status;

    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.apikey = getenv("LIFEPAY_APIKEY"); /* command lines are visible to other users */
    config.path = "/cloud-print/create-z-report";
    for (i = 1; i < argc; i++) {
        const char **target = field(&config, argv[i]);
        if (strcmp(argv[i], "--test") == 0) {
            config.test = 1;
        } else if (target && i + 1 < argc) {
            *target = argv[++i];
        } else {
            fprintf(stderr, "Usage: close_shift --login LOGIN [--target-serial SERIAL] [--test]\n"
                            "    [--cashier-name NAME] [--cashier-inn INN] [--base-url URL]\n"
                            "The apikey is read from the environment variable LIFEPAY_APIKEY.\n");
            return WRONG_ARGUMENTS;
        }
    }
    lp_send(&config, &result);
    status = report(&result);
    lp_result_free(&result); /* after the last use of its strings */
    return status;
}
