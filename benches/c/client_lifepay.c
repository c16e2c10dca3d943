/* The library. The environment variable TRUST sets lp_config.trust. */
#include "bench.h"
#include "lifepay.h"

struct client {
    lp_config config;
    lp_result result;
};

void *client_new(const char *base_url, const char *ca_file)
{
    const char *trust = getenv("TRUST");
    struct client *client = malloc(sizeof *client);
    if (!client)
        fail("malloc");
    lp_config_init(&client->config, sizeof client->config);
    lp_result_init(&client->result, sizeof client->result);
    client->config.apikey = APIKEY;
    client->config.login = LOGIN;
    client->config.cashier_name = CASHIER_NAME;
    client->config.cashier_inn = CASHIER_INN;
    client->config.target_serial = TARGET_SERIAL;
    client->config.ext_id = EXT_ID;
    client->config.base_url = base_url;
    client->config.ca_file = ca_file;
    client->config.trust = trust ? atoi(trust) : LP_TRUST_DEFAULT;
    return client;
}

void client_call(void *opaque, char uuid[64])
{
    struct client *client = opaque;
    if (lp_open_shift(&client->config, &client->result) != LP_OK)
        fail(client->result.detail ? client->result.detail : client->result.message);
    snprintf(uuid, 64, "%s", client->result.uuid);
}
