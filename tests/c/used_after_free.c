/* Passes a freed config to the library. A sanitizer must report the use in the library. */
#include "lifepay.h"

#include <stdlib.h>

int main(void)
{
    lp_config *config = malloc(sizeof *config);
    lp_result result;
    lp_config_init(config, sizeof *config);
    lp_result_init(&result, sizeof result);
    free(config);
    lp_open_shift(config, &result);
    lp_result_free(&result);
    return 0;
}
