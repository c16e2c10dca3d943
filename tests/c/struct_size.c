/*
 * Programs compiled with other versions. Structs are placed at the end of a page, before a
 * protected one: reading or writing one byte too many crashes the program.
 */
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

/* Frozen: the sizes in version 1. */
#define FIRST_CONFIG (sizeof(void *) == 8 ? 160u : 100u)
#define FIRST_RESULT (sizeof(void *) == 8 ? 88u : 64u)
/* The sizes in a future version. */
#define LATER_CONFIG (FIRST_CONFIG + 96)
#define LATER_RESULT (FIRST_RESULT + 96)

static const char *server;

static const uint32_t too_small[] = {0, 1, 3, 4, 8, FIRST_RESULT - 1};
static const uint32_t absurd[] = {4097, 0x10000, 0x7FFFFFFF, 0x80000000u, 0xA5A5A5A5u, 0xFFFFFFFFu};

/* Returns the last `size` bytes of a page. The next page can be neither read nor written. */
static void *end_of_page(size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != (char *)MAP_FAILED);
    CHECK_INT(mprotect(pages + page, page, PROT_NONE), 0);
    return pages + page - size;
}

static lp_config *config_of(uint32_t size, const char *ext_id)
{
    lp_config *config = end_of_page(size);
    lp_config first = config_for(server);
    CHECK_INT(lp_config_init(config, size), LP_OK);
    CHECK_INT(config->struct_size, size);
    first.struct_size = size;
    first.ext_id = ext_id;
    memcpy(config, &first, FIRST_CONFIG);
    return config;
}

static void check_config_refused(const lp_config *config)
{
    lp_result result = new_result();
    CHECK_INT(lp_open_shift(config, &result), LP_ERR_ARGUMENT);
    CHECK_INT(result.outcome, LP_OUTCOME_NOT_SENT);
    CHECK_INT(result.error_count, 1);
    CHECK_TEXT(result.errors[0].field, "struct_size");
    lp_result_free(&result);
}

static void version_1_is_served_within_its_sizes(void)
{
    lp_config *config = config_of(FIRST_CONFIG, "version-1");
    lp_result *result = end_of_page(FIRST_RESULT);
    CHECK_INT(lp_result_init(result, FIRST_RESULT), LP_OK);
    CHECK_INT(lp_open_shift(config, result), LP_OK);
    CHECK_INT(result->struct_size, FIRST_RESULT);
    CHECK_TEXT(result->uuid, "version-1");
    lp_result_free(result);
    CHECK_INT(result->struct_size, FIRST_RESULT);
    CHECK(result->uuid == NULL);
}

static void a_smaller_config_than_version_1s_is_refused(void)
{
    lp_config config = config_for(server);
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(too_small); i++) {
        config.struct_size = too_small[i];
        check_config_refused(&config);
    }
    config.struct_size = FIRST_CONFIG - 1;
    check_config_refused(&config);
}

/* It would end within a field, or before a field that this version has. */
static void a_config_between_two_versions_is_refused(void)
{
    lp_config config = config_for(server);
    uint32_t size;
    for (size = FIRST_CONFIG + 1; size < sizeof config; size++) {
        CHECK_INT(lp_config_init(&config, size), LP_ERR_ARGUMENT);
        config = config_for(server);
        config.struct_size = size;
        check_config_refused(&config);
    }
}

static void a_smaller_result_than_version_1s_is_refused_and_not_written(void)
{
    lp_config config = config_for(server);
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(too_small); i++) {
        lp_result result, before;
        memset(&result, 0xA5, sizeof result);
        result.struct_size = too_small[i];
        before = result;
        CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
        lp_result_free(&result);
        CHECK_INT(memcmp(&result, &before, sizeof result), 0);
    }
}

static void absurd_sizes_are_refused_and_nothing_is_written(void)
{
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(absurd); i++) {
        lp_config config = config_for(server);
        lp_result result, before;
        memset(&result, 0xA5, sizeof result);
        result.struct_size = absurd[i];
        before = result;
        CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
        lp_result_free(&result);
        CHECK_INT(lp_result_init(&result, absurd[i]), LP_ERR_ARGUMENT);
        CHECK_INT(lp_config_init((lp_config *)(void *)&result, absurd[i]), LP_ERR_ARGUMENT);
        CHECK_INT(memcmp(&result, &before, sizeof result), 0);
        config.struct_size = absurd[i];
        check_config_refused(&config);
    }
}

/* An init with a wrong size must not leave a struct that a later call accepts. */
static void every_call_refuses_a_size_that_init_refused(void)
{
    size_t i;
    for (i = 0; i < ARRAY_LENGTH(too_small); i++) {
        const uint32_t size = too_small[i];
        lp_config good = config_for(server);
        lp_config config = config_for(server);
        lp_result result = new_result();
        unsigned char *bytes = (unsigned char *)&result;
        memset(&result, 0xA5, sizeof result);
        CHECK_INT(lp_result_init(&result, size), LP_ERR_ARGUMENT);
        CHECK_INT(bytes[size], 0xA5);
        CHECK_INT(bytes[sizeof result - 1], 0xA5);
        CHECK_INT(lp_open_shift(&good, &result), LP_ERR_ARGUMENT);
        memset(&config, 0xA5, sizeof config);
        CHECK_INT(lp_config_init(&config, size), LP_ERR_ARGUMENT);
        CHECK_INT(((unsigned char *)&config)[size], 0xA5);
        check_config_refused(&config);
    }
}

static void a_later_config_is_served_if_its_new_fields_are_not_used(void)
{
    lp_config *config = config_of(LATER_CONFIG, "version-2");
    lp_result result = new_result();
    CHECK_INT(lp_open_shift(config, &result), LP_OK);
    CHECK_TEXT(result.uuid, "version-2");
    lp_result_free(&result);
}

static void a_later_config_is_refused_if_one_of_its_new_fields_is_used(void)
{
    lp_config *config = config_of(LATER_CONFIG, "must-not-arrive");
    unsigned char *bytes = (unsigned char *)config;
    uint32_t i;
    for (i = sizeof(lp_config); i < LATER_CONFIG; i++) {
        bytes[i] = 1;
        check_config_refused(config);
        bytes[i] = 0;
    }
}

/* Only the part that this version has exists: the rest would be in the protected page. */
static void a_later_results_new_fields_are_neither_read_nor_written(void)
{
    lp_config config = config_for(server);
    lp_result *result = end_of_page(sizeof(lp_result));
    memset(result, 0, sizeof *result);
    result->struct_size = LATER_RESULT;
    config.ext_id = "later-result";
    CHECK_INT(lp_open_shift(&config, result), LP_OK);
    CHECK_TEXT(result->uuid, "later-result");
    CHECK_INT(result->struct_size, LATER_RESULT);
    lp_result_free(result);
    CHECK(result->uuid == NULL);
}

static void a_later_results_new_fields_keep_what_they_hold(void)
{
    union {
        lp_result result;
        unsigned char bytes[4096];
    } later;
    lp_config config = config_for(server);
    uint32_t i;
    CHECK_INT(lp_result_init(&later.result, LATER_RESULT), LP_OK);
    for (i = 0; i < LATER_RESULT; i++)
        CHECK(i < 8 || later.bytes[i] == 0);
    CHECK_INT(later.result.code, LP_ERR_ARGUMENT);
    memset(later.bytes + sizeof(lp_result), 0xA5, sizeof later - sizeof(lp_result));
    CHECK_INT(lp_open_shift(&config, &later.result), LP_OK);
    lp_result_free(&later.result);
    for (i = sizeof(lp_result); i < sizeof later; i++)
        CHECK_INT(later.bytes[i], 0xA5);
}

/* As in a packed record of Delphi's, or in a byte buffer. */
static void structs_may_stand_at_any_address(void)
{
    size_t shift;
    for (shift = 1; shift < 8; shift++) {
        lp_config config = config_for(server);
        char config_bytes[sizeof(lp_config) + 8];
        char result_bytes[sizeof(lp_result) + 8];
        void *odd_config = config_bytes + shift;
        void *odd_result = result_bytes + shift;
        lp_result result;
        CHECK_INT(lp_config_init(odd_config, sizeof config), LP_OK);
        CHECK_INT(lp_result_init(odd_result, sizeof result), LP_OK);
        config.ext_id = "odd";
        memcpy(odd_config, &config, sizeof config);
        CHECK_INT(lp_open_shift(odd_config, odd_result), LP_OK);
        memcpy(&result, odd_result, sizeof result);
        CHECK_TEXT(result.uuid, "odd");
        lp_result_free(odd_result);
        memcpy(&result, odd_result, sizeof result);
        CHECK(result.uuid == NULL);
    }
}

static void a_schedule_may_be_at_any_address(void)
{
    const uint32_t delays[2] = {1000, 2000};
    char bytes[sizeof delays + 1];
    void *odd = bytes + 1;
    lp_config config = config_for(server);
    lp_result result = new_result();
    memcpy(odd, delays, sizeof delays);
    config.retry_delays_ms = odd;
    config.retry_delay_count = 2;
    CHECK_INT(lp_open_shift(&config, &result), LP_OK);
    lp_result_free(&result);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    RUN(version_1_is_served_within_its_sizes);
    RUN(a_smaller_config_than_version_1s_is_refused);
    RUN(a_config_between_two_versions_is_refused);
    RUN(a_smaller_result_than_version_1s_is_refused_and_not_written);
    RUN(absurd_sizes_are_refused_and_nothing_is_written);
    RUN(every_call_refuses_a_size_that_init_refused);
    RUN(a_later_config_is_served_if_its_new_fields_are_not_used);
    RUN(a_later_config_is_refused_if_one_of_its_new_fields_is_used);
    RUN(a_later_results_new_fields_are_neither_read_nor_written);
    RUN(a_later_results_new_fields_keep_what_they_hold);
    RUN(structs_may_stand_at_any_address);
    RUN(a_schedule_may_be_at_any_address);
    return 0;
}
