/* Identifiers, names and texts of codes, and versions: the calls that need no server. */
#include "check.h"

static void an_ext_id_is_a_uuid_and_never_the_same(void)
{
    char ids[100][37];
    size_t i, k;
    for (i = 0; i < 100; i++) {
        memset(ids[i], 'x', sizeof ids[i]);
        CHECK_INT(lp_ext_id_new(ids[i], sizeof ids[i]), LP_OK);
        CHECK_INT(strlen(ids[i]), 36);
        CHECK_INT(strspn(ids[i], "0123456789abcdef-"), 36);
        CHECK(ids[i][8] == '-' && ids[i][13] == '-' && ids[i][18] == '-' && ids[i][23] == '-');
        for (k = 0; k < i; k++)
            CHECK(strcmp(ids[i], ids[k]) != 0);
    }
}

static void an_ext_id_needs_37_bytes_and_takes_no_more(void)
{
    char buffer[64];
    uint32_t size;
    for (size = 0; size < 37; size++) {
        memset(buffer, 'x', sizeof buffer);
        CHECK_INT(lp_ext_id_new(buffer, size), LP_ERR_ARGUMENT);
        /* If the buffer has room, it gets an empty string, in case a host prints it anyway. */
        CHECK_INT(buffer[0], size == 0 ? 'x' : '\0');
        CHECK_INT(buffer[1], 'x');
        CHECK_INT(buffer[size > 0 ? size : 1], 'x');
    }
    memset(buffer, 'x', sizeof buffer);
    CHECK_INT(lp_ext_id_new(buffer, 37), LP_OK);
    CHECK_INT(buffer[36], '\0');
    CHECK_INT(buffer[37], 'x');
    memset(buffer, 'x', sizeof buffer);
    CHECK_INT(lp_ext_id_new(buffer, sizeof buffer), LP_OK);
    CHECK_INT(buffer[36], '\0');
    CHECK_INT(buffer[37], 'x');
}

static void every_code_has_its_name_and_a_text(void)
{
#define CODE(name) {name, #name}
    static const struct {
        int32_t code;
        const char *name;
    } codes[] = {
        CODE(LP_OK), CODE(LP_DATA_ERROR), CODE(LP_SERVER_ERROR), CODE(LP_FORMAT_ERROR),
        CODE(LP_LOGIN_UNKNOWN), CODE(LP_CREDENTIALS_UNKNOWN), CODE(LP_FISCALIZATION_FORBIDDEN),
        CODE(LP_ACCESS_DENIED), CODE(LP_PENDING), CODE(LP_ERR_ARGUMENT), CODE(LP_ERR_NETWORK),
        CODE(LP_ERR_TIMEOUT), CODE(LP_ERR_TLS), CODE(LP_ERR_HTTP), CODE(LP_ERR_REPLY),
        CODE(LP_ERR_CANCELLED), CODE(LP_ERR_OUTBOX), CODE(LP_ERR_NOT_FOUND),
        CODE(LP_ERR_INTERNAL), CODE(LP_ERR_CLOSED), CODE(LP_ERR_EXPIRED),
    };
#undef CODE
    size_t i, k;
    for (i = 0; i < ARRAY_LENGTH(codes); i++) {
        CHECK_TEXT(lp_code_name(codes[i].code), codes[i].name);
        CHECK(strlen(lp_code_text(codes[i].code)) > 10);
        for (k = 0; k < i; k++)
            CHECK(strcmp(lp_code_text(codes[i].code), lp_code_text(codes[k].code)) != 0);
    }
}

static void codes_that_are_not_known_have_words_too(void)
{
    static const int32_t unknown[] = {1, 7777, 6081, INT32_MAX, -14, -1000, INT32_MIN};
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(unknown); i++) {
        CHECK_TEXT(lp_code_name(unknown[i]), "UNKNOWN");
        CHECK(strlen(lp_code_text(unknown[i])) > 10);
    }
}

static void texts_are_static(void)
{
    CHECK(lp_code_name(LP_OK) == lp_code_name(LP_OK));
    CHECK(lp_code_text(7777) == lp_code_text(7778));
    CHECK(lp_version() == lp_version());
}

static void lifepays_codes_have_the_pages_words(void)
{
    CHECK_HAS(lp_code_text(LP_LOGIN_UNKNOWN), "Не удалось найти пользователя по login");
    CHECK_HAS(lp_code_text(LP_FISCALIZATION_FORBIDDEN), "Облачная фискализация запрещена");
    CHECK_HAS(lp_code_text(LP_ACCESS_DENIED), "Доступ запрещен");
    CHECK_HAS(lp_code_text(LP_SERVER_ERROR), "техподдержку");
    CHECK_HAS(lp_code_text(LP_OK), "личный кабинет");
}

static void header_and_library_are_of_one_version(void)
{
    char version[32];
    sprintf(version, "%d.%d.%d", LP_VERSION_MAJOR, LP_VERSION_MINOR, LP_VERSION_PATCH);
    CHECK_TEXT(lp_version(), version);
    CHECK_INT(lp_version_number(),
              LP_VERSION_MAJOR * 10000 + LP_VERSION_MINOR * 100 + LP_VERSION_PATCH);
}

int main(void)
{
    RUN(an_ext_id_is_a_uuid_and_never_the_same);
    RUN(an_ext_id_needs_37_bytes_and_takes_no_more);
    RUN(every_code_has_its_name_and_a_text);
    RUN(codes_that_are_not_known_have_words_too);
    RUN(texts_are_static);
    RUN(lifepays_codes_have_the_pages_words);
    RUN(header_and_library_are_of_one_version);
    return 0;
}
