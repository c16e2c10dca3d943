/* Many threads at once, each with its own result. */
#include <pthread.h>
#include <unistd.h>

#include "check.h"

#define THREADS 64
#define CALLS 10

static const char *server;
static pthread_barrier_t start;

static void *calls(void *number)
{
    char ext_id[37];
    char request[512];
    int i;
    pthread_barrier_wait(&start);
    for (i = 0; i < CALLS; i++) {
        char *answer = NULL;
        char expected[64];
        sprintf(ext_id, "t%d-c%d", *(int *)number, i);
        check_accepted(server, ext_id);
        CHECK_INT(lp_ext_id_new(ext_id, sizeof ext_id), LP_OK);
        sprintf(request,
                "{\"apikey\":\"k\",\"login\":\"7\",\"proxy\":\"none\",\"base_url\":\"%s\","
                "\"ext_id\":\"%s\"}",
                server, ext_id);
        CHECK_INT(lp_open_shift_json(request, &answer), LP_OK);
        sprintf(expected, "\"uuid\":\"%s\"", ext_id);
        CHECK_HAS(answer, expected);
        lp_string_free(answer);
    }
    return NULL;
}

static void each_of_many_threads_gets_its_own_answers(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS];
    int i;
    CHECK_INT(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK_INT(pthread_create(&threads[i], NULL, calls, &numbers[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
}

static void *free_result(void *result)
{
    lp_result_free(result);
    return NULL;
}

/* A result of one thread, whose copies other threads free at once. */
static void copies_of_a_result_may_be_freed_on_all_threads_at_once(void)
{
    static lp_result copies[THREADS];
    pthread_t threads[THREADS];
    lp_config config = config_for(server);
    lp_result result = new_result();
    int i;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    for (i = 0; i < THREADS; i++) {
        copies[i] = result;
        CHECK_INT(pthread_create(&threads[i], NULL, free_result, &copies[i]), 0);
    }
    for (i = 0; i < THREADS; i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    lp_result_free(&result);
}

static pthread_key_t key;

static void call_in_destructor(void *ext_id)
{
    check_accepted(server, ext_id);
}

static void *end_with_a_call(void *ext_id)
{
    CHECK_INT(pthread_setspecific(key, ext_id), 0);
    check_accepted(server, "before-the-end");
    return NULL;
}

/*
 * C++ and others destroy thread-local objects at the end of a thread. The library's own
 * thread-local data may have been destroyed by then.
 */
static void a_thread_may_call_while_it_ends(void)
{
    static char ext_id[] = "at-the-end";
    pthread_t thread;
    CHECK_INT(pthread_key_create(&key, call_in_destructor), 0);
    CHECK_INT(pthread_create(&thread, NULL, end_with_a_call, ext_id), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 4);
    CHECK_INT(lp_log_to_file(argv[3], LP_LOG_TRACE, 0), LP_OK);
    alarm(120);
    if (strcmp(argv[2], "many") == 0) {
        RUN(each_of_many_threads_gets_its_own_answers);
        RUN(copies_of_a_result_may_be_freed_on_all_threads_at_once);
    } else {
        RUN(a_thread_may_call_while_it_ends);
    }
    return 0;
}
