/* Which functions on_progress and a log callback may call, and when lp_set_log returns. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "check.h"

static const char *server;
/* A server that answers after a second. */
static const char *slow_server;
static const char *log_file;

static void count_lines(int32_t level, const char *message, void *user_data)
{
    (void)level;
    CHECK(message[0] != '\0');
    CHECK(strchr(message, '\n') == NULL);
    ++*(int *)user_data;
}

/* Calls every function. */
static int32_t call_everything(const lp_progress *progress, void *user_data)
{
    char ext_id[37];
    char *answer = NULL;
    int lines = 0;
    lp_config config = config_for(server);
    lp_result result = new_result();
    CHECK(progress->struct_size >= sizeof *progress);
    CHECK_INT(lp_ext_id_new(ext_id, sizeof ext_id), LP_OK);
    CHECK_INT(lp_log_to_file(log_file, LP_LOG_TRACE, 0), LP_OK);
    CHECK_INT(lp_set_log(count_lines, &lines, LP_LOG_TRACE), LP_OK);
    config.ext_id = ext_id;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_TEXT(result.uuid, ext_id);
    lp_result_free(&result);
    CHECK_INT(lp_open_shift_json("{}", &answer), LP_ERR_ARGUMENT);
    lp_string_free(answer);
    CHECK_TEXT(lp_code_name(LP_OK), "LP_OK");
    CHECK(lp_version_number() > 0);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_OK);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_OFF, 0), LP_OK);
    CHECK(lines > 0);
    ((int *)user_data)[progress->phase]++;
    return 0;
}

static void on_progress_may_call_everything(void)
{
    static const uint32_t delays[] = {700};
    int reports[5] = {0, 0, 0, 0, 0};
    lp_config config = config_for(slow_server);
    lp_result result = new_result();
    config.on_progress = call_everything;
    config.user_data = reports;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK(reports[LP_PHASE_EXCHANGE] > 0);
    config.base_url = server;
    config.ext_id = "busy-once";
    config.retry_for_ms = 30000;
    config.retry_delays_ms = delays;
    config.retry_delay_count = 1;
    CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_OK");
    CHECK_TEXT(result.uuid, "busy-once");
    CHECK_INT(result.attempts, 2);
    CHECK_INT(reports[LP_PHASE_FAILED], 1);
    CHECK(reports[LP_PHASE_PAUSE] > 0);
    lp_result_free(&result);
}

/* Set before the log callback runs. */
static lp_result kept;
static char *kept_string;
static lp_outbox *no_outbox;
static int refused;

/* A refused call must write the code that it returns. */
static void check_refused(int32_t returned, lp_result *result)
{
    CHECK_INT(returned, LP_ERR_ARGUMENT);
    CHECK_INT(result->code, LP_ERR_ARGUMENT);
    CHECK_INT(result->outcome, 0);
    CHECK(result->uuid == NULL && result->ext_id == NULL);
    CHECK_INT(result->error_count, 1);
    CHECK_HAS(result->message, result->errors[0].message);
    lp_result_free(result);
    CHECK_INT(result->code, LP_ERR_ARGUMENT);
    CHECK(result->message == NULL);
    result->code = LP_OK;
}

static void call_everything_from_the_log(int32_t level, const char *message, void *user_data)
{
    lp_config config;
    lp_result result, used = kept;
    char ext_id[37];
    char *answer = ext_id;
    lp_outbox *outbox = (lp_outbox *)&kept;
    uint32_t count = 7;
    (void)level;
    (void)message;
    /* These functions are allowed. */
    CHECK_TEXT(lp_code_name(LP_ERR_ARGUMENT), "LP_ERR_ARGUMENT");
    CHECK(strlen(lp_code_text(LP_OK)) > 10);
    CHECK(strlen(lp_version()) >= 5);
    CHECK(lp_version_number() > 0);
    /* These are allowed too, because callers rarely check their return values. */
    memset(&config, 0xA5, sizeof config);
    memset(&result, 0xA5, sizeof result);
    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    CHECK_INT(lp_result_init(&result, sizeof result), LP_OK);
    CHECK(config.apikey == NULL && config.on_progress == NULL);
    CHECK_INT(lp_ext_id_new(ext_id, sizeof ext_id), LP_OK);
    CHECK_INT(strlen(ext_id), 36);
    lp_string_free(kept_string);
    kept_string = NULL;
    /* These are refused and report it in every output parameter. */
    check_refused(lp_open_shift(user_data, &result), &result);
    check_refused(lp_open_shift(user_data, &used), &used);
    kept = used;
    check_refused(lp_outbox_open("log.db", user_data, &outbox, &result), &result);
    CHECK(outbox == NULL);
    check_refused(lp_outbox_submit(no_outbox, user_data, &result), &result);
    check_refused(lp_outbox_wait(no_outbox, "logged", LP_FOREVER, &result), &result);
    check_refused(lp_outbox_cancel(no_outbox, "logged", &result), &result);
    CHECK_INT(lp_outbox_retry_now(no_outbox, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_forget(no_outbox, "logged"), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_pending(no_outbox, &count), LP_ERR_ARGUMENT);
    CHECK_INT(count, 0);
    CHECK_INT(lp_outbox_close(no_outbox), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift_json("{}", &answer), LP_ERR_ARGUMENT);
    CHECK(answer == NULL);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_ERR_ARGUMENT);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_OFF, 0), LP_ERR_ARGUMENT);
    refused++;
}

static void calls_in_a_log_callback_are_refused_with_an_error(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    kept = new_result();
    config.ext_id = "kept";
    CHECK_INT(lp_open_shift(&config, &kept), LP_OK);
    CHECK_INT(lp_open_shift_json("{}", &kept_string), LP_ERR_ARGUMENT);
    CHECK_INT(lp_set_log(call_everything_from_the_log, &config, LP_LOG_TRACE), LP_OK);
    config.ext_id = "logged";
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_TEXT(result.uuid, "logged");
    CHECK(refused > 0);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_OK);
    CHECK(kept_string == NULL);
    lp_result_free(&kept);
    lp_result_free(&result);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int entered, released, finished, replaced, finished_when_replaced;

static void block_until_released(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
    pthread_mutex_lock(&lock);
    entered = 1;
    pthread_cond_broadcast(&changed);
    while (!released)
        pthread_cond_wait(&changed, &lock);
    finished++;
    pthread_mutex_unlock(&lock);
}

static void *call_and_be_logged(void *unused)
{
    (void)unused;
    check_accepted(server, "logged");
    return NULL;
}

static void *replace_callback(void *stat)
{
    pthread_mutex_lock(&lock);
    *(int *)stat = open("/proc/thread-self/stat", O_RDONLY);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_OK);
    pthread_mutex_lock(&lock);
    replaced = 1;
    finished_when_replaced = finished;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static int is_replaced(void)
{
    int value;
    pthread_mutex_lock(&lock);
    value = replaced;
    pthread_mutex_unlock(&lock);
    return value;
}

/* Returns whether the thread that this stat file belongs to is asleep. */
static int sleeps(int stat)
{
    char text[512] = "";
    const char *state;
    if (pread(stat, text, sizeof text - 1, 0) <= 0)
        return 0;
    state = strrchr(text, ')');
    return state != NULL && state[2] == 'S';
}

static void lp_set_log_waits_until_no_thread_is_in_the_old_callback(void)
{
    pthread_t logged, replacing;
    int stat = -1;
    int asleep = 0;
    int finished_in_all;
    CHECK_INT(lp_set_log(block_until_released, NULL, LP_LOG_INFO), LP_OK);
    CHECK_INT(pthread_create(&logged, NULL, call_and_be_logged, NULL), 0);
    pthread_mutex_lock(&lock);
    while (!entered)
        pthread_cond_wait(&changed, &lock);
    CHECK_INT(pthread_create(&replacing, NULL, replace_callback, &stat), 0);
    while (stat == -1)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    /* lp_set_log either returns too early or stays asleep. */
    while (!is_replaced() && asleep < 1000) {
        asleep = sleeps(stat) ? asleep + 1 : 0;
        sched_yield();
    }
    pthread_mutex_lock(&lock);
    released = 1;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    CHECK_INT(pthread_join(replacing, NULL), 0);
    CHECK_INT(pthread_join(logged, NULL), 0);
    close(stat);
    CHECK_INT(finished_when_replaced, 1);
    finished_in_all = finished;
    check_accepted(server, "not-logged");
    CHECK_INT(finished, finished_in_all);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 4);
    slow_server = argv[2];
    log_file = argv[3];
    alarm(60);
    RUN(on_progress_may_call_everything);
    RUN(calls_in_a_log_callback_are_refused_with_an_error);
    RUN(lp_set_log_waits_until_no_thread_is_in_the_old_callback);
    return 0;
}
