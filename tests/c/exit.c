/* A host that exits after a call, during a call, and that calls the library while it exits. */
#include <pthread.h>
#include <unistd.h>

#include "check.h"

static const char *server;
/* A server that never answers. */
static const char *silent_server;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int waits_for_an_answer;

static void call_without_freeing(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
}

static int32_t on_progress(const lp_progress *progress, void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&lock);
    waits_for_an_answer = progress->phase == LP_PHASE_EXCHANGE;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return 0;
}

static void *call_silent_server(void *unused)
{
    lp_config config = config_for(silent_server);
    lp_result result = new_result();
    (void)unused;
    config.timeout_ms = 3600000;
    config.on_progress = on_progress;
    lp_open_shift(&config, &result);
    CHECK(!"the call blocks until the process exits");
    return NULL;
}

static void wait_for_the_exchange(void)
{
    pthread_mutex_lock(&lock);
    while (!waits_for_an_answer)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static void *exit_during_the_call(void *unused)
{
    (void)unused;
    wait_for_the_exchange();
    exit(0);
}

static void start(void *(*work)(void *))
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, work, NULL), 0);
}

static lp_result global;

static void free_global(void)
{
    CHECK_TEXT(global.uuid, "global");
    lp_result_free(&global);
    CHECK(global.uuid == NULL);
}

static void call_at_exit(void)
{
    check_accepted(server, "at-exit");
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 5);
    silent_server = argv[2];
    CHECK_INT(lp_log_to_file(argv[4], LP_LOG_TRACE, 0), LP_OK);
    alarm(60);
    check_begin(argv[3]);
    if (strcmp(argv[3], "exit-after-a-call") == 0) {
        call_without_freeing();
        exit(0);
    }
    if (strcmp(argv[3], "return-after-a-call") == 0) {
        call_without_freeing();
        return 0;
    }
    if (strcmp(argv[3], "exit-during-a-call-of-another-thread") == 0) {
        start(call_silent_server);
        wait_for_the_exchange();
        exit(0);
    }
    if (strcmp(argv[3], "return-during-a-call-of-another-thread") == 0) {
        start(call_silent_server);
        wait_for_the_exchange();
        return 0;
    }
    if (strcmp(argv[3], "exit-of-another-thread-during-a-call") == 0) {
        start(exit_during_the_call);
        call_silent_server(NULL);
    }
    if (strcmp(argv[3], "free-at-exit") == 0) {
        /* As the destructor of a global C++ object does. */
        lp_config config = config_for(server);
        global = new_result();
        config.ext_id = "global";
        CHECK_INT(lp_open_shift(&config, &global), LP_OK);
        atexit(free_global);
        return 0;
    }
    if (strcmp(argv[3], "call-at-exit") == 0) {
        atexit(call_at_exit);
        call_without_freeing();
        return 0;
    }
    CHECK(!"unknown test");
    return 1;
}
