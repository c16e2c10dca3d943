/* A host that forks between two calls, and during the calls of other threads. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check_hang.h"

/* Seconds after which a child counts as hanging. */
#define TIME_LIMIT 60

static const char *server;

static void check_child(pid_t child)
{
    int status = 0;
    CHECK(child > 0);
    CHECK_INT(waitpid(child, &status, 0), child);
    /* A small status is the number of the signal that killed the child: 14 is SIGALRM. */
    CHECK_INT(status, 0);
}

static void a_child_makes_connections_of_its_own(void)
{
    pid_t child;
    check_accepted(server, "parent");
    child = fork();
    if (child == 0) {
        limit_time(TIME_LIMIT);
        check_accepted(server, "child");
        check_accepted(server, "child");
        exit(0);
    }
    check_child(child);
    /* The parent's connection still works: the child has neither used nor closed it. */
    check_accepted(server, "parent");
}

/* A call in whose on_progress a child is forked, in the phase `wanted`. */
struct forking {
    int32_t wanted;
    pid_t parent;
    pid_t child;
};

static int32_t fork_once(const lp_progress *progress, void *user_data)
{
    struct forking *forking = user_data;
    if (forking->child == 0 && getpid() == forking->parent && progress->phase == forking->wanted) {
        forking->child = fork();
        if (forking->child == 0)
            limit_time(TIME_LIMIT);
    }
    return 0;
}

/* `base_url` is of a server that answers after a second, or of none. */
static void a_call_stays_the_parents(const char *base_url, int32_t phase, int32_t of_parent)
{
    static const uint32_t pause = 1000;
    lp_config config = config_for(base_url);
    lp_result result = new_result();
    struct forking forking = {0, 0, 0};
    int32_t code;
    forking.wanted = phase;
    forking.parent = getpid();
    config.ext_id = "parent";
    config.retry_for_ms = 1500;
    config.retry_delays_ms = &pause;
    config.retry_delay_count = 1;
    config.on_progress = fork_once;
    config.user_data = &forking;
    code = lp_open_shift(&config, &result);
    if (getpid() != forking.parent) {
        CHECK_TEXT(lp_code_name(code), "LP_ERR_CANCELLED");
        CHECK_INT(result.outcome, LP_OUTCOME_UNKNOWN);
        check_accepted(server, "child");
        exit(0);
    }
    CHECK_TEXT(lp_code_name(code), lp_code_name(of_parent));
    lp_result_free(&result);
    check_child(forking.child);
    check_accepted(server, "parent");
}

static void inherited_results_can_be_read_and_freed(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    char *answer = NULL;
    pid_t child;
    config.ext_id = "parent";
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_INT(lp_open_shift_json("{}", &answer), LP_ERR_ARGUMENT);
    child = fork();
    if (child == 0) {
        limit_time(TIME_LIMIT);
        CHECK_TEXT(result.uuid, "parent");
        /* They stay valid after the child's first call, too. */
        check_accepted(server, "child");
        CHECK_TEXT(result.uuid, "parent");
        CHECK_HAS(answer, "\"code\":-2");
        /* The child can use a result of the parent's for a call. */
        config.ext_id = result.ext_id;
        config.login = FORBIDDEN_LOGIN;
        CHECK_INT(lp_open_shift(&config, &result), LP_FISCALIZATION_FORBIDDEN);
        CHECK_TEXT(result.ext_id, "parent");
        lp_result_free(&result);
        lp_result_free(&result);
        lp_string_free(answer);
        lp_string_free(answer);
        exit(0);
    }
    check_child(child);
    CHECK_TEXT(result.uuid, "parent");
    CHECK_HAS(answer, "\"code\":-2");
    lp_result_free(&result);
    lp_string_free(answer);
}

static void each_of_many_generations_makes_its_own_connections(int generations)
{
    pid_t child;
    check_accepted(server, "generation");
    if (generations == 0)
        return;
    child = fork();
    if (child == 0) {
        limit_time(TIME_LIMIT);
        each_of_many_generations_makes_its_own_connections(generations - 1);
        exit(0);
    }
    check_child(child);
    check_accepted(server, "generation");
}

static void ignore(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
}

/* Calls everything that takes a lock until the process ends. */
static void *busy(void *tls)
{
    char *answer;
    for (;;) {
        lp_config config = config_for(tls != NULL ? tls : server);
        lp_result result = new_result();
        config.timeout_ms = 1000;
        lp_open_shift(&config, &result);
        lp_result_free(&result);
        lp_open_shift_json("{}", &answer);
        lp_string_free(answer);
        lp_set_log(ignore, NULL, LP_LOG_TRACE);
    }
    return NULL;
}

/* Forks while threads make the first requests of this process. */
static void fork_among_busy_threads(char *tls, const char *log)
{
    pthread_t thread;
    int i;
    CHECK_INT(lp_log_to_file(log, LP_LOG_TRACE, 0), LP_OK);
    for (i = 0; i < 6; i++)
        CHECK_INT(pthread_create(&thread, NULL, busy, i % 2 == 0 ? tls : NULL), 0);
    for (i = 0; i < 5; i++) {
        pid_t child = fork();
        if (child == 0) {
            limit_time(TIME_LIMIT);
            CHECK_INT(lp_set_log(ignore, NULL, LP_LOG_TRACE), LP_OK);
            check_accepted(server, "forked");
            _exit(0);
        }
        check_child(child);
    }
}

static void a_child_is_held_up_by_no_lock_of_its_parents_threads(char *tls, const char *log)
{
    int i;
    for (i = 0; i < 20; i++) {
        /* The process has not used the library yet: first calls take more locks. */
        pid_t process = fork();
        if (process == 0) {
            limit_time(TIME_LIMIT);
            fork_among_busy_threads(tls, log);
            _exit(0);
        }
        check_child(process);
    }
}

/* Opens an outbox, submits a request and closes it. Returns the code of lp_outbox_open. */
static int32_t use_outbox(const char *path)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    lp_outbox *outbox = NULL;
    int32_t opened = lp_outbox_open(path, &config, &outbox, &result);
    if (opened == LP_OK) {
        CHECK_INT(lp_outbox_submit(outbox, &config, &result), LP_OK);
        CHECK_INT(lp_outbox_close(outbox), LP_OK);
    }
    lp_result_free(&result);
    return opened;
}

/* Runs until the process ends. */
static void *open_and_close(void *path)
{
    for (;;)
        CHECK_INT(use_outbox(path), LP_OK);
    return NULL;
}

static void a_child_opens_an_outbox_whatever_its_parents_threads_do(const char *folder)
{
    static char paths[3][1000], child_path[1000];
    pthread_t thread;
    size_t i;
    snprintf(child_path, sizeof child_path, "%s/child.db", folder);
    for (i = 0; i < ARRAY_LENGTH(paths); i++) {
        snprintf(paths[i], sizeof paths[i], "%s/thread-%d.db", folder, (int)i);
        CHECK_INT(pthread_create(&thread, NULL, open_and_close, paths[i]), 0);
    }
    for (i = 0; i < 300; i++) {
        pid_t child = fork();
        if (child == 0) {
            int32_t opened;
            limit_time(TIME_LIMIT);
            CHECK_INT(use_outbox(child_path), LP_OK);
            /* Refused if it was open or being opened at the fork. */
            opened = use_outbox(paths[0]);
            CHECK(opened == LP_OK || opened == LP_ERR_OUTBOX);
            _exit(0);
        }
        check_child(child);
    }
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 5);
    prepare_backtrace();
    check_begin(argv[2]);
    if (strcmp(argv[2], "own-connections") == 0)
        a_child_makes_connections_of_its_own();
    else if (strcmp(argv[2], "on-progress") == 0) {
        a_call_stays_the_parents(argv[3], LP_PHASE_EXCHANGE, LP_OK);
        a_call_stays_the_parents("http://127.0.0.1:1", LP_PHASE_PAUSE, LP_ERR_NETWORK);
    } else if (strcmp(argv[2], "inherited") == 0)
        inherited_results_can_be_read_and_freed();
    else if (strcmp(argv[2], "generations") == 0)
        each_of_many_generations_makes_its_own_connections(20);
    else if (strcmp(argv[2], "busy-threads") == 0)
        a_child_is_held_up_by_no_lock_of_its_parents_threads(argv[3], argv[4]);
    else if (strcmp(argv[2], "outboxes") == 0)
        a_child_opens_an_outbox_whatever_its_parents_threads_do(argv[3]);
    else
        CHECK(!"unknown test");
    return 0;
}
