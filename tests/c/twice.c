/* The header alone, included twice: C89 and C++98 and all that came later. */
#include "lifepay.h"
#include "lifepay.h"

static int32_t LP_CALL go_on(const lp_progress *progress, void *user_data)
{
    (void)user_data;
    return progress->attempts > 3;
}

static void LP_CALL tell(int32_t level, const char *message, void *user_data)
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
    config.on_progress = go_on;
    config.retry_for_ms = LP_FOREVER;
    error.field = lp_version();
    lp_set_log(tell, 0, LP_LOG_INFO);
    lp_open_shift(&config, &result);
    lp_result_free(&result);
    return error.field == 0;
}
