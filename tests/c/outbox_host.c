/*
 * A process with an outbox. It reads commands from standard input, one per line, and prints one
 * line for each. At the end of the input it exits without closing the outbox.
 *
 *   open PATH URL APIKEY CONCURRENCY PAUSE_MS    open CODE
 *   submit EXT_ID EXPIRES_AFTER_MS               submit EXT_ID RETURNED CODE
 *   wait EXT_ID MS                               wait EXT_ID CODE OUTCOME ATTEMPTS UUID
 *   cancel EXT_ID                                cancel EXT_ID RETURNED CODE OUTCOME
 *   retry EXT_ID                                 retry CODE
 *   entry EXT_ID                                 entry EXT_ID CODE FLAGS ATTEMPTS NEXT_ATTEMPT_AT
 *   fork                                         fork PID
 *   close                                        close CODE
 *
 * - stands for a missing value. A forked child does nothing until it is killed.
 */
#include <unistd.h>

#include "check.h"

static lp_outbox *outbox;

/* One write instead of stdio, so that a trace of system calls shows what happened before it. */
static void print_line(const char *line)
{
    size_t length = strlen(line);
    CHECK_INT(write(1, line, length), length);
}

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

static void open_outbox(char *const *words)
{
    char line[100];
    lp_config config = config_for(words[2]);
    lp_result result = new_result();
    uint32_t pause = (uint32_t)strtoul(words[5], NULL, 10);

    config.apikey = words[3];
    config.concurrency = (uint32_t)strtoul(words[4], NULL, 10);
    config.retry_delays_ms = &pause;
    config.retry_delay_count = 1;
    config.connect_timeout_ms = 5000;
    config.timeout_ms = 20000;
    if (lp_outbox_open(words[1], &config, &outbox, &result) != LP_OK)
        fprintf(stderr, "%s %s\n", result.message, or_dash(result.detail));
    snprintf(line, sizeof line, "open %d\n", (int)result.code);
    lp_result_free(&result);
    print_line(line);
}

static void submit(char *const *words)
{
    char line[200];
    lp_config config;
    lp_result result = new_result();
    int32_t returned;

    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    config.ext_id = words[1];
    config.expires_after_ms = (uint32_t)strtoul(words[2], NULL, 10);
    config.cashier_name = "\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd\xd0\xbe\xd0\xb2\xd0\xb0";
    config.callback_data_json = "{ \"sum\" : 1.50, \"big\": 12345678901234567890 }";
    returned = lp_outbox_submit(outbox, &config, &result);
    snprintf(line, sizeof line, "submit %s %d %d\n", words[1], (int)returned, (int)result.code);
    print_line(line);
    lp_result_free(&result);
}

static void wait_for(char *const *words)
{
    char line[300];
    lp_result result = new_result();

    lp_outbox_wait(outbox, words[1], (uint32_t)strtoul(words[2], NULL, 10), &result);
    snprintf(line, sizeof line, "wait %s %d %d %u %s\n", words[1], (int)result.code,
             (int)result.outcome, (unsigned)result.attempts, or_dash(result.uuid));
    print_line(line);
    lp_result_free(&result);
}

static void cancel(char *const *words)
{
    char line[200];
    lp_result result = new_result();
    int32_t returned = lp_outbox_cancel(outbox, words[1], &result);

    snprintf(line, sizeof line, "cancel %s %d %d %d\n", words[1], (int)returned, (int)result.code,
             (int)result.outcome);
    print_line(line);
    lp_result_free(&result);
}

static void retry(char *const *words)
{
    char line[100];
    const char *ext_id = strcmp(words[1], "-") == 0 ? NULL : words[1];
    snprintf(line, sizeof line, "retry %d\n", (int)lp_outbox_retry_now(outbox, ext_id));
    print_line(line);
}

static int32_t LP_CALL show(const lp_entry *entry, void *wanted)
{
    char line[300];
    if (strcmp(entry->ext_id, wanted) != 0)
        return 0;
    snprintf(line, sizeof line, "entry %s %d %u %u %lld\n", entry->ext_id, (int)entry->code,
             (unsigned)entry->flags, (unsigned)entry->attempts,
             (long long)entry->next_attempt_at);
    print_line(line);
    return 1;
}

static void fork_child(void)
{
    char line[100];
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        /* Closes the pipes, so that a reader of the parent's output sees its end. */
        close(0);
        close(1);
        close(2);
        for (;;)
            pause();
    }
    snprintf(line, sizeof line, "fork %ld\n", (long)child);
    print_line(line);
}

static void execute(char *const *words)
{
    char line[100];
    const char *command = words[0];

    if (strcmp(command, "open") == 0) {
        open_outbox(words);
    } else if (strcmp(command, "submit") == 0) {
        submit(words);
    } else if (strcmp(command, "wait") == 0) {
        wait_for(words);
    } else if (strcmp(command, "cancel") == 0) {
        cancel(words);
    } else if (strcmp(command, "retry") == 0) {
        retry(words);
    } else if (strcmp(command, "entry") == 0) {
        CHECK_INT(lp_outbox_each(outbox, show, words[1]), LP_OK);
    } else if (strcmp(command, "fork") == 0) {
        fork_child();
    } else if (strcmp(command, "close") == 0) {
        snprintf(line, sizeof line, "close %d\n", (int)lp_outbox_close(outbox));
        print_line(line);
    } else {
        CHECK(!"unknown command");
    }
}

int main(void)
{
    char line[5000];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *words[6] = {"", "", "", "", "", ""};
        char *rest = NULL, *word;
        size_t count = 0;
        for (word = strtok_r(line, " \n", &rest); word != NULL && count < ARRAY_LENGTH(words);
             word = strtok_r(NULL, " \n", &rest))
            words[count++] = word;
        check_begin(words[0]);
        execute(words);
    }
    _exit(0);
}
