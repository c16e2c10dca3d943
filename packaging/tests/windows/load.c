/*
 * A host that loads the library while it runs, unloads it with an outbox open, and uses it again:
 * load URL OUTBOX.
 */
#include <windows.h>

#include "check.h"

/* The address of a library function. The unions in main convert it to the function's type. */
#define FIND(name) find(library, #name)

typedef int32_t (*init_fn)(void *, uint32_t);
typedef int32_t (*open_shift_fn)(const lp_config *, lp_result *);
typedef void (*result_free_fn)(lp_result *);
typedef int32_t (*outbox_open_fn)(const char *, const lp_config *, lp_outbox **, lp_result *);
typedef int32_t (*outbox_submit_fn)(lp_outbox *, const lp_config *, lp_result *);
typedef int32_t (*outbox_wait_fn)(lp_outbox *, const char *, uint32_t, lp_result *);
typedef int32_t (*outbox_close_fn)(lp_outbox *);

static HMODULE library;

static void *find(HMODULE module, const char *name)
{
    union { /* ISO C has no cast from a function to an object */
        FARPROC function;
        void *object;
    } found;
    found.function = GetProcAddress(module, name);
    CHECK(found.function != NULL);
    return found.object;
}

int main(int argc, char **argv)
{
    union { void *object; init_fn call; } config_init, result_init;
    union { void *object; open_shift_fn call; } open_shift;
    union { void *object; result_free_fn call; } result_free;
    union { void *object; outbox_open_fn call; } outbox_open;
    union { void *object; outbox_submit_fn call; } outbox_submit;
    union { void *object; outbox_wait_fn call; } outbox_wait;
    union { void *object; outbox_close_fn call; } outbox_close;
    HMODULE again;
    lp_config config;
    lp_result result;
    lp_outbox *outbox = NULL;
    int i;

    CHECK_INT(argc, 3);
    library = LoadLibraryA("lifepay");
    CHECK(library != NULL);
    config_init.object = FIND(lp_config_init);
    result_init.object = FIND(lp_result_init);
    open_shift.object = FIND(lp_open_shift);
    result_free.object = FIND(lp_result_free);
    outbox_open.object = FIND(lp_outbox_open);
    outbox_submit.object = FIND(lp_outbox_submit);
    outbox_wait.object = FIND(lp_outbox_wait);
    outbox_close.object = FIND(lp_outbox_close);

    CHECK_INT(config_init.call(&config, sizeof config), LP_OK);
    CHECK_INT(result_init.call(&result, sizeof result), LP_OK);
    config.apikey = "s3cr3t-apikey";
    config.login = "79031234567";
    config.base_url = argv[1];
    config.proxy = "none";
    config.ext_id = "loaded";
    CHECK_INT(open_shift.call(&config, &result), LP_OK);
    CHECK_TEXT(result.uuid, "loaded");

    CHECK_INT(outbox_open.call(argv[2], &config, &outbox, &result), LP_OK);
    /* More often than it was loaded. Without its pin the library would be unloaded under its threads. */
    for (i = 0; i < 5; i++)
        FreeLibrary(library);
    again = GetModuleHandleA("lifepay.dll");
    CHECK(again == library);
    config.ext_id = "after FreeLibrary";
    CHECK_INT(outbox_submit.call(outbox, &config, &result), LP_OK);
    CHECK_INT(outbox_wait.call(outbox, config.ext_id, 10000, &result), LP_OK);
    CHECK_TEXT(result.uuid, "after FreeLibrary");
    CHECK_INT(outbox_close.call(outbox), LP_OK);
    result_free.call(&result);
    return 0;
}
