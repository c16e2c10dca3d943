/* lp_open_shift_json and its strings. */
#include "check.h"

static const char *server;

static char *send_json(const char *fields, int32_t expected)
{
    char request[1024];
    char *answer = NULL;
    sprintf(request, "{\"apikey\":\"k\",\"base_url\":\"%s\",\"proxy\":\"none\",%s}", server, fields);
    CHECK_INT(lp_open_shift_json(request, &answer), expected);
    CHECK(answer != NULL);
    return answer;
}

static void a_good_request_is_accepted(void)
{
    char *answer = send_json("\"login\":\"7\",\"ext_id\":\"json-1\"", LP_OK);
    CHECK_HAS(answer, "\"code\":0");
    CHECK_HAS(answer, "\"uuid\":\"json-1\"");
    CHECK_HAS(answer, "\"ext_id\":\"json-1\"");
    CHECK_HAS(answer, "\"detail\":null");
    CHECK_HAS(answer, "\"error_count\":0");
    lp_string_free(answer);
}

static void a_rejection_comes_with_its_field_errors(void)
{
    char *answer = send_json("\"login\":\"" REJECTED_LOGIN "\"", LP_DATA_ERROR);
    CHECK_HAS(answer, "{\"field\":\"cashier_inn\",\"message\":\"ИНН неверен\"}");
    CHECK_HAS(answer, "\"uuid\":null");
    lp_string_free(answer);
}

static void a_bad_request_is_answered_too(void)
{
    static const char *const bad[] = {
        "", "{", "[]", "7", "null", "{\"logn\":1}", "{\"test\":\"1\"}", "{} {}", "{\"apikey\":\"k\"}",
        "\xd0", "{\"apikey\":\"\xc8\xe2\xe0\xed\"}", "{\"apikey\":\"\\ud800\"}",
    };
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(bad); i++) {
        char *answer = NULL;
        CHECK_INT(lp_open_shift_json(bad[i], &answer), LP_ERR_ARGUMENT);
        CHECK_HAS(answer, "\"code\":-2");
        CHECK_HAS(answer, "\"field\":");
        lp_string_free(answer);
    }
}

static void a_nesting_without_end_is_refused(void)
{
    const size_t depth = 200000;
    char *deep = malloc(depth + 1);
    char *answer = NULL;
    CHECK(deep != NULL);
    memset(deep, '[', depth);
    deep[depth] = '\0';
    CHECK_INT(lp_open_shift_json(deep, &answer), LP_ERR_ARGUMENT);
    CHECK(answer != NULL);
    lp_string_free(answer);
    free(deep);
}

static void the_previous_value_of_answer_does_not_matter(void)
{
    char *answer;
    memset(&answer, 0xA5, sizeof answer);
    CHECK_INT(lp_open_shift_json("{}", &answer), LP_ERR_ARGUMENT);
    CHECK_HAS(answer, "\"code\":-2");
    lp_string_free(answer);
}

static void a_string_may_be_freed_twice(void)
{
    char *answer = send_json("\"login\":\"7\"", LP_OK);
    lp_string_free(answer);
    lp_string_free(answer);
}

static void freeing_a_foreign_string_is_harmless(void)
{
    char *answer = send_json("\"login\":\"7\",\"ext_id\":\"kept\"", LP_OK);
    char on_the_stack[] = "stack";
    char *on_the_heap = malloc(16);
    char *garbage;
    CHECK(on_the_heap != NULL);
    memset(&garbage, 0xA5, sizeof garbage);
    lp_string_free(garbage);
    lp_string_free(on_the_stack);
    lp_string_free(on_the_heap);
    lp_string_free(answer + 1);
    lp_string_free((char *)"static");
    CHECK_TEXT(on_the_stack, "stack");
    strcpy(on_the_heap, "still mine");
    CHECK_HAS(answer, "\"uuid\":\"kept\"");
    free(on_the_heap);
    lp_string_free(answer);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(a_good_request_is_accepted);
    RUN(a_rejection_comes_with_its_field_errors);
    RUN(a_bad_request_is_answered_too);
    RUN(a_nesting_without_end_is_refused);
    RUN(the_previous_value_of_answer_does_not_matter);
    RUN(a_string_may_be_freed_twice);
    RUN(freeing_a_foreign_string_is_harmless);
    return 0;
}
