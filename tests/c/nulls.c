/* Passes NULL and 0 for every parameter of every function, one at a time and all at once. */
#include "check.h"

static const char *server;

static void structs_are_not_initialised_at_null(void)
{
    CHECK_INT(lp_config_init(NULL, 0), LP_ERR_ARGUMENT);
    CHECK_INT(lp_config_init(NULL, sizeof(lp_config)), LP_ERR_ARGUMENT);
    CHECK_INT(lp_result_init(NULL, 0), LP_ERR_ARGUMENT);
    CHECK_INT(lp_result_init(NULL, sizeof(lp_result)), LP_ERR_ARGUMENT);
}

static void a_call_without_config_or_result_is_refused(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    CHECK_INT(lp_open_shift(NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift(&config, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift(NULL, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.code, LP_ERR_ARGUMENT);
    CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, "config");
    lp_result_free(&result);
}

static void a_config_of_zeroes_is_refused(void)
{
    lp_config config;
    lp_result result = new_result();
    memset(&config, 0, sizeof config);
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "struct_size");
    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, 2);
    CHECK_TEXT(result.errors[0].field, "apikey");
    CHECK_TEXT(result.errors[1].field, "login");
    lp_result_free(&result);
}

static void a_count_without_an_array_is_refused(void)
{
    const uint32_t delay = 1000;
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.retry_delay_count = 3;
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, "retry_delays_ms");
    /* An absurd count is refused and the array is not read. */
    config.retry_delays_ms = &delay;
    config.retry_delay_count = 0xFFFFFFFFu;
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, "retry_delays_ms");
    lp_result_free(&result);
}

static void null_is_freed_without_harm(void)
{
    lp_result_free(NULL);
    lp_string_free(NULL);
}

static void json_needs_a_request_and_a_place_for_the_answer(void)
{
    char *answer = NULL;
    CHECK_INT(lp_open_shift_json(NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift_json("{}", NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_open_shift_json(NULL, &answer), LP_ERR_ARGUMENT);
    CHECK_HAS(answer, "\"code\":-2");
    CHECK_HAS(answer, "\"request\"");
    lp_string_free(answer);
}

static void an_ext_id_needs_a_place(void)
{
    CHECK_INT(lp_ext_id_new(NULL, 0), LP_ERR_ARGUMENT);
    CHECK_INT(lp_ext_id_new(NULL, 37), LP_ERR_ARGUMENT);
}

static void no_callback_and_no_file_mean_no_log(void)
{
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_TRACE), LP_OK);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF), LP_OK);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_OFF - 1), LP_ERR_ARGUMENT);
    CHECK_INT(lp_set_log(NULL, NULL, LP_LOG_TRACE + 1), LP_ERR_ARGUMENT);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_TRACE, 0), LP_OK);
    CHECK_INT(lp_log_to_file("", LP_LOG_TRACE, 0), LP_OK);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_OFF, 0), LP_OK);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_OFF - 1, 0), LP_ERR_ARGUMENT);
    CHECK_INT(lp_log_to_file(NULL, LP_LOG_TRACE + 1, 0), LP_ERR_ARGUMENT);
}

static int32_t LP_CALL must_not_be_called(const lp_entry *entry, void *user_data)
{
    (void)entry;
    (void)user_data;
    CHECK(!"called without an outbox");
    return 0;
}

static void an_outbox_is_not_opened_without_a_path_a_config_or_a_place(void)
{
    /* Refused before the path is used: the folder does not exist. */
    const char *path = "no-such-folder/shifts.db";
    lp_outbox *outbox = (lp_outbox *)&path;
    lp_config config = config_for(server);
    lp_result result = new_result();
    CHECK_INT(lp_outbox_open(NULL, NULL, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_open(path, &config, &outbox, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_open(path, &config, NULL, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "outbox");
    CHECK_INT(lp_outbox_open(path, NULL, &outbox, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "config");
    CHECK(outbox == NULL);
    outbox = (lp_outbox *)&path;
    CHECK_INT(lp_outbox_open(NULL, &config, &outbox, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, "path");
    CHECK(outbox == NULL);
    CHECK_INT(lp_outbox_open("", &config, &outbox, &result), LP_ERR_ARGUMENT);
    CHECK_TEXT(result.errors[0].field, "path");
    lp_result_free(&result);
}

static void no_outbox_is_a_closed_one(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    uint32_t count = 7;
    CHECK_INT(lp_outbox_submit(NULL, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_submit(NULL, &config, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_submit(NULL, &config, &result), LP_ERR_CLOSED);
    CHECK_INT(result.code, LP_ERR_CLOSED);
    CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    CHECK_INT(lp_outbox_submit(NULL, NULL, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_wait(NULL, NULL, 0, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_wait(NULL, "mine", LP_FOREVER, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_wait(NULL, NULL, LP_FOREVER, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_each(NULL, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_each(NULL, must_not_be_called, NULL), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_retry_now(NULL, NULL), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_retry_now(NULL, "mine"), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_cancel(NULL, NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_cancel(NULL, "mine", &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_cancel(NULL, NULL, &result), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_forget(NULL, NULL), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_forget(NULL, "mine"), LP_ERR_CLOSED);
    CHECK_INT(lp_outbox_pending(NULL, NULL), LP_ERR_ARGUMENT);
    CHECK_INT(lp_outbox_pending(NULL, &count), LP_ERR_CLOSED);
    CHECK_INT(count, 0);
    CHECK_INT(lp_outbox_close(NULL), LP_ERR_CLOSED);
    lp_result_free(&result);
}

static void texts_are_never_null(void)
{
    CHECK(lp_code_name(0) != NULL);
    CHECK(lp_code_text(0) != NULL);
    CHECK(lp_version() != NULL);
    CHECK(lp_version_number() > 0);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(structs_are_not_initialised_at_null);
    RUN(a_call_without_config_or_result_is_refused);
    RUN(a_config_of_zeroes_is_refused);
    RUN(a_count_without_an_array_is_refused);
    RUN(null_is_freed_without_harm);
    RUN(json_needs_a_request_and_a_place_for_the_answer);
    RUN(an_ext_id_needs_a_place);
    RUN(no_callback_and_no_file_mean_no_log);
    RUN(an_outbox_is_not_opened_without_a_path_a_config_or_a_place);
    RUN(no_outbox_is_a_closed_one);
    RUN(texts_are_never_null);
    return 0;
}
