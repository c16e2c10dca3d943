/*
 * A till that is killed repeatedly: outbox_till PATH URL JOURNAL. It submits shifts and, every
 * third time, a receipt. It writes a journal and syncs each line to disk before it continues:
 *
 *   submitted N             lp_outbox_submit returned LP_OK for ext_id till-N
 *   reported N CODE UUID    the outcome; - if there is no uuid
 *
 * An outcome in the journal must be the same when it is reported again. The till runs until it is
 * killed, and prints a line once it has opened the outbox.
 */
#include <fcntl.h>
#include <unistd.h>

#include "check.h"

#ifdef _WIN32
#include <io.h>
#define fsync _commit
#else
#define O_BINARY 0
#endif

#define MAX_SHIFTS 20000
/* Few shifts per run, because the till is killed many times. */
#define SHIFTS_PER_RUN 5

static struct {
    int is_reported;
    int code;
    char uuid[40];
} shifts[MAX_SHIFTS];
/* All shifts before this one are submitted. */
static int next_shift;
static int journal;
static lp_outbox *outbox;

static void append_to_journal(const char *line)
{
    size_t length = strlen(line);
    CHECK_INT(write(journal, line, length), length);
    CHECK_INT(fsync(journal), 0);
}

static void read_journal(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[200], uuid[40];
    int number, code;

    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "submitted %d", &number) == 1) {
            CHECK_INT(number, next_shift);
            next_shift++;
        } else {
            CHECK_INT(sscanf(line, "reported %d %d %39s", &number, &code, uuid), 3);
            CHECK(number < next_shift && !shifts[number].is_reported);
            shifts[number].is_reported = 1;
            shifts[number].code = code;
            strcpy(shifts[number].uuid, uuid);
        }
    }
    if (file != NULL)
        fclose(file);
    CHECK(next_shift + SHIFTS_PER_RUN < MAX_SHIFTS);
}

static void report_once(int number, const lp_result *result)
{
    char line[200];
    const char *uuid = result->uuid == NULL ? "-" : result->uuid;

    if (shifts[number].is_reported) {
        CHECK_INT(result->code, shifts[number].code);
        CHECK_TEXT(uuid, shifts[number].uuid);
        return;
    }
    if (result->code == LP_PENDING)
        return;
    shifts[number].is_reported = 1;
    shifts[number].code = result->code;
    snprintf(shifts[number].uuid, sizeof shifts[number].uuid, "%s", uuid);
    snprintf(line, sizeof line, "reported %d %d %s\n", number, (int)result->code, uuid);
    append_to_journal(line);
}

static void check_entry(int number, uint32_t wait_ms)
{
    char ext_id[40];
    lp_result result = new_result();

    snprintf(ext_id, sizeof ext_id, "till-%06d", number);
    lp_outbox_wait(outbox, ext_id, wait_ms, &result);
    /* It was submitted, so the outbox must have it. */
    if (result.code == LP_ERR_NOT_FOUND || result.code == LP_ERR_OUTBOX)
        fprintf(stderr, "%s: %s %s\n", ext_id, result.message, result.detail ? result.detail : "");
    CHECK(result.code != LP_ERR_NOT_FOUND && result.code != LP_ERR_OUTBOX);
    report_once(number, &result);
    lp_result_free(&result);
}

static void submit(int number)
{
    char ext_id[40], cashier[40], data[100], receipt[120], line[40];
    lp_config config;
    lp_result result = new_result();

    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    snprintf(ext_id, sizeof ext_id, "till-%06d", number);
    snprintf(cashier, sizeof cashier, "\xd0\x9a\xd0\xb0\xd1\x81\xd1\x81\xd0\xb8\xd1\x80 %d", number);
    snprintf(data, sizeof data, "{ \"number\" : %d, \"sum\": 1.50 }", number);
    config.ext_id = ext_id;
    config.cashier_name = cashier;
    snprintf(receipt, sizeof receipt, "{\"purchase\": %s}", data);
    if (number % 3 == 0) {
        config.path = "/cloud-print/create-receipt";
        config.document_json = receipt;
    } else {
        config.callback_data_json = data;
    }
    config.expires_after_ms = LP_FOREVER;
    if (lp_outbox_submit(outbox, &config, &result) != LP_OK)
        fprintf(stderr, "%s: %s %s\n", ext_id, result.message, result.detail ? result.detail : "");
    else
        snprintf(line, sizeof line, "submitted %d\n", number);
    CHECK(result.code == LP_PENDING || result.code >= 0);
    append_to_journal(line);
    next_shift++;
    report_once(number, &result);
    lp_result_free(&result);
}

int main(int argc, char **argv)
{
    uint32_t pause_ms = 100;
    int number, last;
    lp_config config;
    lp_result result = new_result();

    CHECK_INT(argc, 4);
    read_journal(argv[3]);
    journal = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_BINARY, 0600);
    CHECK(journal >= 0);
    config = config_for(argv[2]);
    config.retry_delays_ms = &pause_ms;
    config.retry_delay_count = 1;
    config.concurrency = 8;
    config.timeout_ms = 300;
    if (lp_outbox_open(argv[1], &config, &outbox, &result) != LP_OK)
        fprintf(stderr, "%s %s\n", result.message, result.detail ? result.detail : "");
    CHECK_INT(result.code, LP_OK);
    CHECK_INT(write(1, "\n", 1), 1);
    last = next_shift + SHIFTS_PER_RUN;
    for (number = next_shift > 20 ? next_shift - 20 : 0; number < next_shift; number++)
        check_entry(number, 0);
    for (;;) {
        if (next_shift < last)
            submit(next_shift);
        for (number = 0; number < next_shift; number++)
            if (!shifts[number].is_reported)
                check_entry(number, 1);
    }
}
