/*
 * Prints each struct's size and each field's offset and size, for comparison with the library's.
 * Conditions for every platform are asserted at compile time, so that they can also be checked for
 * platforms without a linker.
 */
#include <stddef.h>
#include <stdint.h>

#include "lifepay.h"

#define ON_64_BIT (sizeof(void *) == 8)
#define ASSERT(name, condition) typedef char name[(condition) ? 1 : -1]
#define SIZE(type, field) sizeof(((type *)0)->field)
#define END(type, field) (offsetof(type, field) + SIZE(type, field))

/* Frozen: programs compiled with version 1 pass these sizes. */
#define FIRST_CONFIG (ON_64_BIT ? 160 : 100)
#define FIRST_RESULT (ON_64_BIT ? 88 : 64)
#define FIRST_ENTRY (ON_64_BIT ? 104 : 80)
ASSERT(config_is_not_smaller_than_the_first, sizeof(lp_config) >= FIRST_CONFIG);
ASSERT(result_is_not_smaller_than_the_first, sizeof(lp_result) >= FIRST_RESULT);
ASSERT(entry_is_not_smaller_than_the_first, sizeof(lp_entry) >= FIRST_ENTRY);
ASSERT(config_ended_with_keep_days, END(lp_config, keep_days) == FIRST_CONFIG);
ASSERT(result_ended_with_reserved, END(lp_result, reserved) == FIRST_RESULT);
ASSERT(entry_ended_with_message, END(lp_entry, message) == FIRST_ENTRY);
ASSERT(progress_has_no_pointers, END(lp_progress, next_attempt_ms) == 28);

/* On 32-bit platforms, compilers align 64-bit fields differently. */
ASSERT(owner_is_at_a_multiple_of_8, offsetof(lp_result, owner) % 8 == 0);
ASSERT(submitted_at_is_at_a_multiple_of_8, offsetof(lp_entry, submitted_at) % 8 == 0);
ASSERT(next_attempt_at_is_at_a_multiple_of_8, offsetof(lp_entry, next_attempt_at) % 8 == 0);
ASSERT(answered_at_is_at_a_multiple_of_8, offsetof(lp_entry, answered_at) % 8 == 0);
ASSERT(expires_at_is_at_a_multiple_of_8, offsetof(lp_entry, expires_at) % 8 == 0);
/*
 * For the same reason, a struct that programs create must have no padding at its end. Only the
 * library creates entries, so padding after their last field does not matter.
 */
ASSERT(result_is_a_multiple_of_8, sizeof(lp_result) % 8 == 0);

/* The fields fill their structs without padding. If this fails, a field is missing in a list. */
#define ADD(type, field) +SIZE(type, field)
#define CONFIG_FIELDS(X)                                                                      \
    X(lp_config, struct_size) X(lp_config, test) X(lp_config, apikey) X(lp_config, login)     \
    X(lp_config, cashier_name) X(lp_config, cashier_inn) X(lp_config, target_serial)          \
    X(lp_config, ext_id) X(lp_config, callback_url) X(lp_config, callback_data)               \
    X(lp_config, callback_data_json) X(lp_config, base_url) X(lp_config, proxy)               \
    X(lp_config, ca_file) X(lp_config, trust) X(lp_config, connect_timeout_ms)                \
    X(lp_config, timeout_ms) X(lp_config, retry_for_ms) X(lp_config, retry_delays_ms)         \
    X(lp_config, on_progress) X(lp_config, user_data) X(lp_config, retry_delay_count)         \
    X(lp_config, expires_after_ms) X(lp_config, concurrency) X(lp_config, keep_days)  \
    X(lp_config, path) X(lp_config, document_json)
#define RESULT_FIELDS(X)                                                                      \
    X(lp_result, struct_size) X(lp_result, code) X(lp_result, outcome)                        \
    X(lp_result, http_status) X(lp_result, attempts) X(lp_result, retry_after_ms)             \
    X(lp_result, owner) X(lp_result, uuid) X(lp_result, ext_id) X(lp_result, message)         \
    X(lp_result, detail) X(lp_result, reply) X(lp_result, errors) X(lp_result, error_count)   \
    X(lp_result, reserved)
#define PROGRESS_FIELDS(X)                                                                    \
    X(lp_progress, struct_size) X(lp_progress, phase) X(lp_progress, attempts)                \
    X(lp_progress, code) X(lp_progress, http_status) X(lp_progress, elapsed_ms)               \
    X(lp_progress, next_attempt_ms)
#define ENTRY_FIELDS(X)                                                                       \
    X(lp_entry, struct_size) X(lp_entry, code) X(lp_entry, outcome) X(lp_entry, flags)        \
    X(lp_entry, attempts) X(lp_entry, http_status) X(lp_entry, submitted_at)                  \
    X(lp_entry, next_attempt_at) X(lp_entry, answered_at) X(lp_entry, expires_at)             \
    X(lp_entry, ext_id) X(lp_entry, login) X(lp_entry, target_serial) X(lp_entry, base_url)   \
    X(lp_entry, uuid) X(lp_entry, message) X(lp_entry, path)
#define ERROR_FIELDS(X) X(lp_field_error, field) X(lp_field_error, message)
ASSERT(config_has_no_padding, (0 CONFIG_FIELDS(ADD)) == sizeof(lp_config));
ASSERT(result_has_no_padding, (0 RESULT_FIELDS(ADD)) == sizeof(lp_result));
ASSERT(progress_has_no_padding, (0 PROGRESS_FIELDS(ADD)) == sizeof(lp_progress));
ASSERT(entry_has_no_padding, (0 ENTRY_FIELDS(ADD)) == END(lp_entry, path));
ASSERT(error_has_no_padding, (0 ERROR_FIELDS(ADD)) == sizeof(lp_field_error));

/* With -ffreestanding only the asserts matter, and the platform may have no C library. */
#if __STDC_HOSTED__
#include <stdio.h>

#define PRINT(type, field) \
    printf(#type "." #field " %u %u\n", (unsigned)offsetof(type, field), (unsigned)SIZE(type, field));

int main(void)
{
    CONFIG_FIELDS(PRINT)
    printf("lp_config %u\n", (unsigned)sizeof(lp_config));
    RESULT_FIELDS(PRINT)
    printf("lp_result %u\n", (unsigned)sizeof(lp_result));
    PROGRESS_FIELDS(PRINT)
    printf("lp_progress %u\n", (unsigned)sizeof(lp_progress));
    ENTRY_FIELDS(PRINT)
    printf("lp_entry %u\n", (unsigned)sizeof(lp_entry));
    ERROR_FIELDS(PRINT)
    printf("lp_field_error %u\n", (unsigned)sizeof(lp_field_error));
    return 0;
}
#endif
