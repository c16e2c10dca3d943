/* Calls from C: accepted, rejected and retried. */
#include "check.h"

static const char *server;

static void an_accepted_request_has_a_uuid(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.ext_id = "first";
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_INT(result.struct_size, sizeof result);
    CHECK_INT(result.code, LP_OK);
    CHECK_INT(result.outcome, LP_OUTCOME_ANSWERED);
    CHECK_INT(result.http_status, 200);
    CHECK_INT(result.attempts, 1);
    CHECK_INT(result.retry_after_ms, 0);
    CHECK_TEXT(result.uuid, "first");
    CHECK_TEXT(result.ext_id, "first");
    CHECK_HAS(result.message, "LifePay");
    CHECK_HAS(result.reply, "\"uuid\"");
    CHECK(result.errors == NULL);
    CHECK_INT(result.error_count, 0);
    CHECK_INT(result.reserved, 0);
    lp_result_free(&result);
}

static void test_mode_is_accepted_without_a_uuid(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.test = 1;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK(result.uuid == NULL);
    CHECK_INT(strlen(result.ext_id), 36);
    lp_result_free(&result);
}

static void a_rejection_names_its_fields(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.login = REJECTED_LOGIN;
    CHECK_INT(lp_open_shift(&config, &result), LP_DATA_ERROR);
    CHECK_INT(result.outcome, LP_OUTCOME_ANSWERED);
    CHECK(result.uuid == NULL);
    CHECK_HAS(result.message, "Ошибка данных");
    CHECK_INT(result.error_count, 2);
    CHECK_TEXT(result.errors[0].field, "cashier_inn");
    CHECK_TEXT(result.errors[0].message, "ИНН неверен");
    CHECK_TEXT(result.errors[1].field, "target_serial");
    CHECK_TEXT(result.errors[1].message, "Принтер не найден");
    lp_result_free(&result);
    CHECK(result.errors == NULL);
}

static void our_own_errors_have_the_same_form_all_at_once(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.apikey = "";
    config.login = NULL;
    config.test = 2;
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    CHECK_INT(result.attempts, 0);
    CHECK(result.ext_id == NULL);
    CHECK_INT(result.error_count, 3);
    CHECK_TEXT(result.errors[0].field, "apikey");
    CHECK_TEXT(result.errors[1].field, "login");
    CHECK_TEXT(result.errors[2].field, "test");
    lp_result_free(&result);
}

static void a_result_serves_for_call_after_call(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.login = REJECTED_LOGIN;
    config.ext_id = "reused-1";
    CHECK_INT(lp_open_shift(&config, &result), LP_DATA_ERROR);
    /* Nothing from the first answer may remain in the second. */
    config.login = "79031234567";
    config.ext_id = "reused-2";
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_TEXT(result.uuid, "reused-2");
    CHECK_TEXT(result.ext_id, "reused-2");
    CHECK_INT(result.error_count, 0);
    CHECK(result.errors == NULL);
    config.login = FORBIDDEN_LOGIN;
    CHECK_INT(lp_open_shift(&config, &result), LP_FISCALIZATION_FORBIDDEN);
    CHECK(result.uuid == NULL);
    lp_result_free(&result);
}

static void the_ext_id_of_a_result_repeats_the_request(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    char generated[64];
    int retry;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_INT(strlen(result.ext_id), 36);
    strcpy(generated, result.ext_id);
    /* It points into the result that the call releases. */
    for (retry = 0; retry < 3; retry++) {
        config.ext_id = result.ext_id;
        CHECK_INT(lp_open_shift(&config, &result), LP_OK);
        CHECK_TEXT(result.ext_id, generated);
        CHECK_TEXT(result.uuid, generated);
    }
    lp_result_free(&result);
}

static void every_string_may_come_out_of_the_result(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.login = REJECTED_LOGIN;
    CHECK_INT(lp_open_shift(&config, &result), LP_DATA_ERROR);
    config.login = "79031234567";
    config.ext_id = "borrowed";
    config.cashier_name = result.errors[0].message;
    config.callback_data = result.message;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    CHECK_TEXT(result.uuid, "borrowed");
    lp_result_free(&result);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(an_accepted_request_has_a_uuid);
    RUN(test_mode_is_accepted_without_a_uuid);
    RUN(a_rejection_names_its_fields);
    RUN(our_own_errors_have_the_same_form_all_at_once);
    RUN(a_result_serves_for_call_after_call);
    RUN(the_ext_id_of_a_result_repeats_the_request);
    RUN(every_string_may_come_out_of_the_result);
    return 0;
}
