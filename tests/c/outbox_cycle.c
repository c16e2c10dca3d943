/*
 * A host with an outbox: a full cycle, invalid handles, a fork, and an exit while a request is
 * under way.
 *
 *     outbox_cycle MODE ACCEPTING_URL SILENT_URL FOLDER
 */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_hang.h"

/* Seconds after which a host counts as hanging. */
#define TIME_LIMIT 60

static const char *accepting;
static const char *silent;
static const char *folder;

static const char *in_folder(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static lp_config config(const char *url, const char *ext_id)
{
    lp_config config;
    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    config.apikey = "key";
    config.login = "79031234567";
    config.proxy = "none";
    config.base_url = url;
    config.ext_id = ext_id;
    return config;
}

static lp_outbox *open_outbox(const char *path, const char *url)
{
    lp_config opened = config(url, NULL);
    lp_result result = new_result();
    lp_outbox *outbox = NULL;
    CHECK_INT(lp_outbox_open(path, &opened, &outbox, &result), LP_OK);
    CHECK(outbox != NULL);
    lp_result_free(&result);
    return outbox;
}

static void submit(lp_outbox *outbox, const char *url, const char *ext_id)
{
    lp_config submitted = config(url, ext_id);
    lp_result result = new_result();
    CHECK_INT(lp_outbox_submit(outbox, &submitted, &result), LP_OK);
    CHECK_TEXT(result.ext_id, ext_id);
    lp_result_free(&result);
}

static void wait_for(lp_outbox *outbox, const char *ext_id, int32_t code)
{
    lp_result result = new_result();
    CHECK_INT(lp_outbox_wait(outbox, ext_id, 30000, &result), code);
    CHECK_INT(result.code, code);
    if (code == LP_OK)
        CHECK_TEXT(result.uuid, ext_id);
    lp_result_free(&result);
}

static int32_t LP_CALL count_entries(const lp_entry *entry, void *user_data)
{
    CHECK(entry->struct_size >= sizeof *entry);
    CHECK_TEXT(entry->login, "79031234567");
    ++*(int *)user_data;
    return 0;
}

static int32_t LP_CALL stop_at_the_first(const lp_entry *entry, void *user_data)
{
    count_entries(entry, user_data);
    return 1;
}

static void a_full_cycle(void)
{
    lp_outbox *outbox = open_outbox(in_folder("cycle.db"), accepting);
    lp_result result = new_result();
    uint32_t pending = 7;
    int seen = 0;
    submit(outbox, accepting, "one");
    submit(outbox, accepting, "two");
    wait_for(outbox, "one", LP_OK);
    wait_for(outbox, "two", LP_OK);
    wait_for(outbox, "none", LP_ERR_NOT_FOUND);
    CHECK_INT(lp_outbox_each(outbox, count_entries, &seen), LP_OK);
    CHECK_INT(seen, 2);
    CHECK_INT(lp_outbox_each(outbox, stop_at_the_first, &seen), LP_OK);
    CHECK_INT(seen, 3);
    CHECK_INT(lp_outbox_retry_now(outbox, NULL), LP_OK);
    CHECK_INT(lp_outbox_cancel(outbox, "one", &result), LP_OK);
    CHECK_INT(result.code, LP_OK);
    lp_result_free(&result);
    CHECK_INT(lp_outbox_forget(outbox, "one"), LP_OK);
    CHECK_INT(lp_outbox_pending(outbox, &pending), LP_OK);
    CHECK_INT(pending, 0);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_ERR_CLOSED);

    outbox = open_outbox(in_folder("cycle.db"), accepting);
    wait_for(outbox, "two", LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
}

static void check_closed(void *handle)
{
    lp_outbox *outbox = handle;
    lp_config submitted = config(accepting, "garbage");
    lp_result result = new_result();
    uint32_t pending = 7;
    int seen = 0;
    CHECK_INT(lp_outbox_submit(outbox, &submitted, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_submit(outbox, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_wait(outbox, "one", 0, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_wait(outbox, NULL, 0, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_each(outbox, count_entries, &seen), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_each(outbox, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_retry_now(outbox, NULL), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_cancel(outbox, "one", &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_forget(outbox, "one"), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_pending(outbox, &pending), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_pending(outbox, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(pending, 0);
    CHECK_INT(lp_outbox_close(outbox), LP_ERR_CLOSED);
    lp_result_free(&result);
}

static void garbage_is_a_closed_outbox(void)
{
    int local = 0;
    lp_outbox *before = NULL;
    int i;
    check_closed(NULL);
    check_closed((void *)1);
    check_closed((void *)0xdeadbeef);
    check_closed(&local);
    for (i = 0; i < 50; i++) {
        lp_outbox *outbox = open_outbox(in_folder("garbage.db"), accepting);
        CHECK(outbox != before);
        CHECK_INT(lp_outbox_close(outbox), LP_OK);
        check_closed(outbox);
        before = outbox;
    }
}

static int32_t LP_CALL close_in_callback(const lp_entry *entry, void *user_data)
{
    lp_outbox *outbox = user_data;
    lp_result result = new_result();
    lp_outbox_wait(outbox, entry->ext_id, 0, &result);
    lp_result_free(&result);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    return 0;
}

static void a_callback_may_close_the_outbox(void)
{
    lp_outbox *outbox = open_outbox(in_folder("within.db"), accepting);
    submit(outbox, accepting, "one");
    CHECK_INT(lp_outbox_each(outbox, close_in_callback, outbox), LP_OK);
    check_closed(outbox);
}

/* Calls every function from within the callback. */
static int32_t LP_CALL call_everything(const lp_entry *entry, void *user_data)
{
    lp_outbox *outbox = user_data;
    lp_result result = new_result();
    uint32_t pending = 7;
    int seen = 0;
    CHECK_TEXT(entry->ext_id, "one");
    CHECK_INT(lp_outbox_wait(outbox, "one", 0, &result), LP_OK);
    CHECK_INT(lp_outbox_retry_now(outbox, "one"), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_cancel(outbox, "one", &result), LP_OK);
    CHECK_INT(lp_outbox_forget(outbox, "one"), LP_OK);
    /* lp_outbox_each iterates over a snapshot: the entry stays valid, and new ones are left out. */
    CHECK_TEXT(entry->uuid, "one");
    submit(outbox, accepting, "from-within");
    wait_for(outbox, "from-within", LP_OK);
    CHECK_INT(lp_outbox_each(outbox, count_entries, &seen), LP_OK);
    CHECK_INT(seen, 1);
    CHECK_INT(lp_outbox_pending(outbox, &pending), LP_OK);
    CHECK_INT(pending, 0);
    check_accepted(accepting, "beside");
    lp_result_free(&result);
    return 0;
}

static void a_callback_may_call_everything(void)
{
    lp_outbox *outbox = open_outbox(in_folder("everything.db"), accepting);
    submit(outbox, accepting, "one");
    wait_for(outbox, "one", LP_OK);
    CHECK_INT(lp_outbox_each(outbox, call_everything, outbox), LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
}

static void null_in_place_of_what_an_open_outbox_needs_is_refused(void)
{
    lp_outbox *outbox = open_outbox(in_folder("null.db"), accepting);
    lp_result result = new_result();
    uint32_t pending = 7;
    CHECK_INT(lp_outbox_submit(outbox, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_submit(outbox, NULL, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "config");
    CHECK_INT(lp_outbox_wait(outbox, NULL, LP_FOREVER, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "ext_id");
    CHECK_INT(lp_outbox_wait(outbox, "", LP_FOREVER, &result), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_wait(outbox, "none", LP_FOREVER, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_cancel(outbox, NULL, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "ext_id");
    CHECK_INT(lp_outbox_cancel(outbox, "none", NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_forget(outbox, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_forget(outbox, "\xcc\xee\xb8"), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_each(outbox, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_pending(outbox, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_retry_now(outbox, NULL), LP_OK);
    CHECK_INT(lp_outbox_pending(outbox, &pending), LP_OK);
    CHECK_INT(pending, 0);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    lp_result_free(&result);
}

static void wait_until_it_is_under_way(lp_outbox *outbox, const char *ext_id)
{
    lp_result result = new_result();
    do
        CHECK_INT(lp_outbox_wait(outbox, ext_id, 10, &result), LP_PENDING);
    while (result.attempts == 0);
    lp_result_free(&result);
}

static void a_running_attempt_is_cancelled_or_closed(void)
{
    lp_outbox *outbox = open_outbox(in_folder("under-way.db"), silent);
    lp_result result = new_result();
    submit(outbox, silent, "cancelled");
    submit(outbox, silent, "closed");
    wait_until_it_is_under_way(outbox, "cancelled");
    wait_until_it_is_under_way(outbox, "closed");
    CHECK_INT(lp_outbox_cancel(outbox, "cancelled", &result), LP_OK);
    CHECK_INT(result.code, LP_ERR_CANCELLED);
    /* On a busy machine the attempt may be cut off before the request was sent. */
    CHECK(result.outcome == LP_OUTCOME_UNKNOWN || result.outcome == LP_OUTCOME_NOT_SENT);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    check_closed(outbox);
    outbox = open_outbox(in_folder("under-way.db"), silent);
    CHECK_INT(lp_outbox_wait(outbox, "closed", 0, &result), LP_PENDING);
    CHECK(result.outcome == LP_OUTCOME_UNKNOWN || result.outcome == LP_OUTCOME_NOT_SENT);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
    lp_result_free(&result);
}

static void no_number_is_given_twice(void)
{
    static lp_outbox *seen[1000];
    size_t i, other;
    for (i = 0; i < ARRAY_LENGTH(seen); i++) {
        seen[i] = open_outbox(in_folder("numbers.db"), accepting);
        for (other = 0; other < i; other++)
            CHECK(seen[other] != seen[i]);
        CHECK_INT(lp_outbox_close(seen[i]), LP_OK);
    }
    for (i = 0; i < ARRAY_LENGTH(seen); i++)
        CHECK_INT(lp_outbox_close(seen[i]), LP_ERR_CLOSED);
}

static void a_child_is_refused_and_the_parent_continues(void)
{
    char path[4096];
    lp_outbox *outbox = open_outbox(strcpy(path, in_folder("fork.db")), accepting);
    pid_t child;
    int status = 0;
    submit(outbox, accepting, "before");
    child = fork();
    if (child == 0) {
        lp_config opened = config(accepting, NULL);
        lp_result result = new_result();
        lp_outbox *child_outbox = NULL;
        limit_time(TIME_LIMIT);
        check_closed(outbox);
        CHECK_INT(lp_outbox_open(path, &opened, &child_outbox, &result), LP_ERR_OUTBOX);
        CHECK_HAS(result.message, "fork");
        lp_result_free(&result);
        child_outbox = open_outbox(in_folder("child.db"), accepting);
        submit(child_outbox, accepting, "of-the-child");
        wait_for(child_outbox, "of-the-child", LP_OK);
        CHECK_INT(lp_outbox_close(child_outbox), LP_OK);
        exit(0);
    }
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    submit(outbox, accepting, "after");
    wait_for(outbox, "before", LP_OK);
    wait_for(outbox, "after", LP_OK);
    CHECK_INT(lp_outbox_close(outbox), LP_OK);
}

/* Opens an outbox and waits until its request is under way to a server that never answers. */
static void exit_with_an_open_outbox(void)
{
    lp_outbox *outbox = open_outbox(in_folder("exit.db"), silent);
    submit(outbox, silent, "left");
    wait_until_it_is_under_way(outbox, "left");
}

static void *end_the_process(void *unused)
{
    exit(0);
    return unused;
}

int main(int argc, char **argv)
{
    const char *mode;
    CHECK_INT(argc, 5);
    prepare_backtrace();
    limit_time(TIME_LIMIT);
    mode = argv[1];
    accepting = argv[2];
    silent = argv[3];
    folder = argv[4];
    if (strcmp(mode, "cycle") == 0) {
        RUN(a_full_cycle);
        RUN(garbage_is_a_closed_outbox);
        RUN(a_callback_may_close_the_outbox);
        RUN(a_callback_may_call_everything);
        RUN(null_in_place_of_what_an_open_outbox_needs_is_refused);
        RUN(a_running_attempt_is_cancelled_or_closed);
    } else if (strcmp(mode, "numbers") == 0) {
        RUN(no_number_is_given_twice);
    } else if (strcmp(mode, "fork") == 0) {
        RUN(a_child_is_refused_and_the_parent_continues);
    } else if (strcmp(mode, "return") == 0) {
        RUN(exit_with_an_open_outbox);
    } else {
        pthread_t thread;
        RUN(exit_with_an_open_outbox);
        CHECK_INT(pthread_create(&thread, NULL, end_the_process, NULL), 0);
        pthread_join(thread, NULL);
    }
    return 0;
}
