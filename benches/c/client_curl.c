/* libcurl and cJSON, as a careful programmer would use them: time limits, status and JSON checked. */
#include "bench.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>

struct client {
    CURL *curl;
    struct curl_slist *headers;
    char url[256];
    char answer[4096];
    size_t length;
};

static size_t receive(char *bytes, size_t size, size_t count, void *opaque)
{
    struct client *client = opaque;
    size_t length = size * count;
    if (length >= sizeof client->answer - client->length)
        return 0;
    memcpy(client->answer + client->length, bytes, length);
    client->length += length;
    client->answer[client->length] = 0;
    return length;
}

void *client_new(const char *base_url, const char *ca_file)
{
    static int is_initialised;
    struct client *client = calloc(1, sizeof *client);
    /* Not thread-safe, but the first client is created before any thread is started. */
    if (!is_initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        fail("curl_global_init");
    is_initialised = 1;
    if (!client || !(client->curl = curl_easy_init()))
        fail("curl_easy_init");
    snprintf(client->url, sizeof client->url, "%s" PATH, base_url);
    client->headers = curl_slist_append(NULL, "Content-Type: application/json");
    client->headers = curl_slist_append(client->headers, "Accept: application/json");
    curl_easy_setopt(client->curl, CURLOPT_URL, client->url);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, client);
    if (ca_file)
        curl_easy_setopt(client->curl, CURLOPT_CAINFO, ca_file);
    return client;
}

void client_call(void *opaque, char uuid[64])
{
    struct client *client = opaque;
    long status = 0;
    CURLcode done;
    cJSON *json, *code, *id;
    client->length = 0;
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, REQUEST);
    done = curl_easy_perform(client->curl);
    if (done != CURLE_OK)
        fail(curl_easy_strerror(done));
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        fail("the HTTP status is not 200");
    json = cJSON_ParseWithLength(client->answer, client->length);
    code = cJSON_GetObjectItemCaseSensitive(json, "code");
    id = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "data"), "uuid");
    if (!cJSON_IsNumber(code) || code->valueint != 0 || !cJSON_IsString(id))
        fail(client->answer);
    snprintf(uuid, 64, "%s", id->valuestring);
    cJSON_Delete(json);
}
