/* Two threads write one result without a lock. A sanitizer must report the race in the library. */
#include "lifepay.h"

#include <pthread.h>

static lp_result result;

static void *call(void *unused)
{
    lp_config config;
    (void)unused;
    lp_config_init(&config, sizeof config);
    lp_open_shift(&config, &result);
    return NULL;
}

int main(void)
{
    pthread_t threads[2];
    int i;
    lp_result_init(&result, sizeof result);
    for (i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, call, NULL);
    for (i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
