/*
 * Prints a receipt: sends a JSON file through an outbox, so that neither a crash nor a power cut
 * loses it.
 *
 *     LIFEPAY_APIKEY=... receipt --login 79031234567 receipt.json order-4711
 *
 * The file contains the fields that LifePay's page about receipts describes, without apikey and
 * login. The receipt.json beside this program has the fields that other programs send.
 *
 * The last argument is the ext_id, your own identifier of this receipt. The outbox retries, which
 * is safe only if LifePay's page about receipts says that a second request with the same ext_id
 * prints no second receipt.
 *
 * Exit status: 0 accepted, 1 rejected by LifePay, 2 wrong arguments, 3 still pending, 4 anything
 * else. On Windows, convert the arguments to UTF-8 first: see utf8_arguments in open_shift.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

enum { ACCEPTED = 0, REJECTED = 1, WRONG_ARGUMENTS = 2, PENDING = 3, OTHER = 4 };

static const char *outbox_file = "receipts.db";
static uint32_t wait_ms = 10000;

/* Returns the file's content as a string to be freed, or NULL if it cannot be read. */
static char *read_file(const char *name)
{
    FILE *file = fopen(name, "rb");
    char *text = NULL, *larger;
    size_t length = 0, capacity = 0;

    while (file) {
        if (length + 1 >= capacity) {
            capacity = capacity ? capacity * 2 : 4096;
            larger = realloc(text, capacity);
            if (!larger)
                break;
            text = larger;
        }
        length += fread(text + length, 1, capacity - length - 1, file);
        if (feof(file)) {
            text[length] = '\0';
            fclose(file);
            return text;
        }
        if (ferror(file))
            break;
    }
    if (file)
        fclose(file);
    free(text);
    return NULL;
}

static int report(const lp_result *result)
{
    uint32_t i;

    if (result->code == LP_OK)
        printf("uuid: %s\n", result->uuid ? result->uuid : "(none: test mode)");
    else
        printf("%s: %s\n", lp_code_name(result->code), result->message ? result->message : "");
    for (i = 0; i < result->error_count; i++)
        printf("field: %s: %s\n", result->errors[i].field, result->errors[i].message);
    if (result->code >= LP_OK)
        return result->code == LP_OK ? ACCEPTED : REJECTED;
    if (result->code == LP_ERR_ARGUMENT)
        return WRONG_ARGUMENTS;
    return result->code == LP_PENDING ? PENDING : OTHER;
}

static int send_receipt(const lp_config *config)
{
    lp_outbox *outbox;
    lp_result result;
    int status;

    lp_result_init(&result, sizeof result);
    if (lp_outbox_open(outbox_file, config, &outbox, &result) == LP_OK) {
        /* Once this returns LP_OK, the receipt is on disk and a crash cannot lose it. */
        if (lp_outbox_submit(outbox, config, &result) == LP_OK)
            lp_outbox_wait(outbox, config->ext_id, wait_ms, &result);
        lp_outbox_close(outbox); /* a pending entry is sent when it is opened again */
    }
    status = report(&result);
    lp_result_free(&result);
    return status;
}

static int read_option(lp_config *config, const char *name, const char *value)
{
    if (strcmp(name, "--login") == 0)
        config->login = value;
    else if (strcmp(name, "--target-serial") == 0)
        config->target_serial = value;
    else if (strcmp(name, "--base-url") == 0)
        config->base_url = value;
    else if (strcmp(name, "--path") == 0)
        config->path = value;
    else if (strcmp(name, "--file") == 0)
        outbox_file = value;
    else
        return 0;
    return 1;
}

int main(int argc, char **argv)
{
    lp_config config;
    char *document;
    int i = 1, status;

    lp_config_init(&config, sizeof config);
    config.apikey = getenv("LIFEPAY_APIKEY"); /* command lines are visible to other users */
    config.path = "/cloud-print/create-receipt";
    while (i + 1 < argc && read_option(&config, argv[i], argv[i + 1]))
        i += 2;
    if (argc - i != 2) {
        fprintf(stderr, "Usage: receipt --login LOGIN [--target-serial SERIAL] [--path PATH]\n"
                        "    [--file OUTBOX] [--base-url URL] RECEIPT.json EXT_ID\n"
                        "The apikey is read from the environment variable LIFEPAY_APIKEY.\n");
        return WRONG_ARGUMENTS;
    }
    document = read_file(argv[i]);
    if (!document) {
        fprintf(stderr, "%s cannot be read\n", argv[i]);
        return WRONG_ARGUMENTS;
    }
    config.document_json = document;
    config.ext_id = argv[i + 1];
    status = send_receipt(&config);
    free(document);
    return status;
}
