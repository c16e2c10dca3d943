/* Includes the header alone and twice. Compiled as C89, C++98 and all later versions. */
#include "lifepay.h"
#include "lifepay.h"

static int32_t LP_CALL on_progress(const lp_progress *progress, void *user_data)
{
    (void)user_data;
    return progress->attempts > 3;
}

static void LP_CALL on_log(int32_t level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
}

int main(void)
{
    lp_config config;
    lp_result result;
    struct lp_field_error error;
    lp_config_init(&config, sizeof config);
    lp_result_init(&result, sizeof result);
    config.on_progress = on_progress;
    config.retry_for_ms = LP_FOREVER;
    error.field = lp_version();
    lp_set_log(on_log, 0, LP_LOG_INFO);
    lp_open_shift(&config, &result);
    lp_result_free(&result);
    return error.field == 0;
}
