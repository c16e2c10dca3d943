/* Passes invalid UTF-8 wherever a string is accepted. Nothing may be sent. */
#include <stddef.h>

#include "check.h"

/* "Иванова" as a Windows program passes it without converting it. */
#define CP1251 "\xc8\xe2\xe0\xed\xee\xe2\xe0"

static const char *server;

static const struct {
    const char *name;
    size_t offset;
} strings[] = {
#define STRING(name) {#name, offsetof(lp_config, name)}
    STRING(apikey),       STRING(login),         STRING(cashier_name),       STRING(cashier_inn),
    STRING(target_serial), STRING(ext_id),       STRING(callback_url),       STRING(callback_data),
    STRING(callback_data_json), STRING(base_url), STRING(proxy),             STRING(ca_file),
#undef STRING
};

static void set(lp_config *config, size_t string, const char *text)
{
    memcpy((char *)config + strings[string].offset, &text, sizeof text);
}

static void check_refused(const lp_config *config, const char *field, const char *part)
{
    lp_result result = new_result();
    CHECK_INT(lp_open_shift(config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, field);
    CHECK_HAS(result.errors[0].message, "UTF-8");
    CHECK_HAS(result.errors[0].message, part);
    lp_result_free(&result);
}

static void cp1251_is_named_in_every_field(void)
{
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(strings); i++) {
        lp_config config = config_for(server);
        set(&config, i, CP1251);
        check_refused(&config, strings[i].name, "CP1251");
    }
}

static void all_fields_are_named_at_once(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(strings); i++)
        set(&config, i, CP1251);
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, ARRAY_LENGTH(strings));
    for (i = 0; i < ARRAY_LENGTH(strings); i++) {
        CHECK_TEXT(result.errors[i].field, strings[i].name);
        CHECK_HAS(result.errors[i].message, "CP1251");
    }
    lp_result_free(&result);
}

static void each_way_to_be_wrong_is_refused_where_it_stands(void)
{
    static const struct {
        const char *text;
        const char *place;
    } invalid[] = {
        {"\x80", "байт 1"},                 /* a continuation byte without a lead byte */
        {"ab\xd0", "байт 3"},               /* a lead byte without its continuation */
        {"\xc0\xaf", "байт 1"},             /* overlong */
        {"\xed\xa0\x80", "байт 1"},         /* half of a surrogate pair */
        {"ok\xf4\x90\x80\x80", "байт 3"},   /* above U+10FFFF */
        {"\xd0\x98\xff", "байт 3"},         /* invalid after a valid letter */
        {"\xff\xfeI\x04", "байт 1"},        /* UTF-16 with a BOM */
    };
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(invalid); i++) {
        lp_config config = config_for(server);
        config.cashier_name = invalid[i].text;
        check_refused(&config, "cashier_name", invalid[i].place);
    }
}

static void a_wrong_string_hides_no_other_fault(void)
{
    lp_config config = config_for(server);
    lp_result result = new_result();
    config.cashier_name = CP1251;
    config.apikey = NULL;
    config.trust = 9;
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.error_count, 3);
    lp_result_free(&result);
}

static void a_json_request_must_be_utf8(void)
{
    char *answer = NULL;
    CHECK_INT(lp_open_shift_json("{\"cashier_name\":\"" CP1251 "\"}", &answer), LP_ERR_ARGUMENT);
    CHECK_HAS(answer, "\"field\":\"request\"");
    CHECK_HAS(answer, "UTF-8");
    CHECK_HAS(answer, "CP1251");
    lp_string_free(answer);
}

static void a_log_files_path_must_be_utf8(void)
{
    CHECK_INT(lp_log_to_file(CP1251, LP_LOG_INFO, 0), LP_ERR_ARGUMENT);
    CHECK_INT(lp_log_to_file(CP1251, LP_LOG_OFF, 0), LP_ERR_ARGUMENT);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(cp1251_is_named_in_every_field);
    RUN(all_fields_are_named_at_once);
    RUN(each_way_to_be_wrong_is_refused_where_it_stands);
    RUN(a_wrong_string_hides_no_other_fault);
    RUN(a_json_request_must_be_utf8);
    RUN(a_log_files_path_must_be_utf8);
    return 0;
}
