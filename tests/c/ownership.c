/* Ownership of the memory of a result that is freed twice, copied, or never initialised. */
#include "check.h"

static const char *server;

static lp_result accepted(const char *ext_id)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.ext_id = ext_id;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    return result;
}

/* Checks that a freed result is empty except for its size. */
static void check_empty(const lp_result *result)
{
    lp_result empty = new_result();
    CHECK_INT(memcmp(result, &empty, sizeof empty), 0);
    CHECK_INT(result->code, LP_ERR_ARGUMENT);
    CHECK_INT(result->outcome, 0);
    CHECK(result->message == NULL && result->errors == NULL);
}

static void a_result_may_be_freed_twice(void)
{
    lp_result result = accepted("twice");
    lp_result_free(&result);
    check_empty(&result);
    lp_result_free(&result);
    check_empty(&result);
}

static void a_result_that_was_never_used_may_be_freed(void)
{
    lp_result result = new_result();
    lp_result_free(&result);
    check_empty(&result);
}

/* The sizeof of a pointer instead of the struct: no call can write such a result. */
static void a_result_of_a_wrong_size_does_not_look_like_success(void)
{
    lp_config config = config_for(server);
    lp_result result;
    memset(&result, 0, sizeof result);
    CHECK_INT(lp_result_init(&result, 8), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.code, LP_ERR_ARGUMENT);
}

static void freeing_a_copy_and_then_the_original_is_harmless(void)
{
    lp_result original = accepted("copied");
    lp_result copy = original;
    lp_result_free(&copy);
    check_empty(&copy);
    /* The original points to freed memory by now. Freeing it, too, must be harmless. */
    lp_result_free(&original);
    check_empty(&original);
}

static void a_copy_frees_nothing_that_came_later(void)
{
    lp_result original = accepted("stale");
    lp_result copy = original;
    lp_config config = config_for(server);
    config.ext_id = "later";
    CHECK_INT(lp_open_shift(&config, &original), LP_OK);
    lp_result_free(&copy);
    CHECK_TEXT(original.uuid, "later");
    CHECK_TEXT(original.ext_id, "later");
    lp_result_free(&original);
}

static void freeing_one_result_leaves_the_others(void)
{
    lp_result results[20];
    char names[20][8];
    size_t i;
    for (i = 0; i < 20; i++) {
        sprintf(names[i], "r%u", (unsigned)i);
        results[i] = accepted(names[i]);
    }
    for (i = 0; i < 20; i += 2)
        lp_result_free(&results[i]);
    for (i = 1; i < 20; i += 2)
        CHECK_TEXT(results[i].uuid, names[i]);
    for (i = 0; i < 20; i++)
        lp_result_free(&results[i]);
}

static void a_result_outlives_its_config(void)
{
    lp_config *config = malloc(sizeof *config);
    char *ext_id = malloc(16);
    lp_result result = new_result();
    CHECK(config != NULL && ext_id != NULL);
    *config = config_for(server);
    strcpy(ext_id, "short-lived");
    config->ext_id = ext_id;
    CHECK_INT(lp_open_shift(config, &result), LP_OK);
    memset(ext_id, 'x', 15);
    free(ext_id);
    free(config);
    CHECK_TEXT(result.ext_id, "short-lived");
    lp_result_free(&result);
}

/* Possible stack contents if a host forgets lp_result_init. */
static const int patterns[] = {0x00, 0xA5, 0xFF};

static void an_uninitialised_result_is_refused_and_left_alone(void)
{
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(patterns); i++) {
        lp_config config = config_for(server);
        lp_result result, before;
        config.ext_id = "must-not-arrive";
        memset(&result, patterns[i], sizeof result);
        before = result;
        CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
        CHECK_INT(memcmp(&result, &before, sizeof result), 0);
    }
}

static void freeing_an_uninitialised_result_is_harmless(void)
{
    lp_result kept = accepted("kept");
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(patterns); i++) {
        lp_result result;
        memset(&result, patterns[i], sizeof result);
        lp_result_free(&result);
        /* The same with a valid size before the garbage. */
        memset(&result, patterns[i], sizeof result);
        result.struct_size = sizeof result;
        lp_result_free(&result);
        check_empty(&result);
    }
    CHECK_TEXT(kept.uuid, "kept");
    lp_result_free(&kept);
}

static void garbage_behind_a_right_size_is_overwritten(void)
{
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(patterns); i++) {
        lp_config config = config_for(server);
        lp_result result;
        config.ext_id = "over-garbage";
        memset(&result, patterns[i], sizeof result);
        result.struct_size = sizeof result;
        CHECK_INT(lp_open_shift(&config, &result), LP_OK);
        CHECK_TEXT(result.uuid, "over-garbage");
        CHECK(result.detail == NULL && result.errors == NULL);
        lp_result_free(&result);
    }
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(a_result_may_be_freed_twice);
    RUN(a_result_that_was_never_used_may_be_freed);
    RUN(a_result_of_a_wrong_size_does_not_look_like_success);
    RUN(freeing_a_copy_and_then_the_original_is_harmless);
    RUN(a_copy_frees_nothing_that_came_later);
    RUN(freeing_one_result_leaves_the_others);
    RUN(a_result_outlives_its_config);
    RUN(an_uninitialised_result_is_refused_and_left_alone);
    RUN(freeing_an_uninitialised_result_is_harmless);
    RUN(garbage_behind_a_right_size_is_overwritten);
    return 0;
}
