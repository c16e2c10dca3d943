/* A host that repeatedly loads the library, uses an outbox and unloads the library. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

#define ROUNDS 100
/* After this many rounds, everything that stays allocated has been allocated. */
#define WARM_UP 20

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL)
        fail(name);
    return found;
}

/* C has no cast from an object pointer to a function pointer; POSIX prescribes this form. */
#define LOAD(function, name) (*(void **)&(function) = symbol(library, name))

static void use(const char *path, const char *url, const char *file, int round)
{
    int32_t (*config_init)(lp_config *, uint32_t);
    int32_t (*result_init)(lp_result *, uint32_t);
    void (*result_free)(lp_result *);
    int32_t (*outbox_open)(const char *, const lp_config *, lp_outbox **, lp_result *);
    int32_t (*outbox_submit)(lp_outbox *, const lp_config *, lp_result *);
    int32_t (*outbox_wait)(lp_outbox *, const char *, uint32_t, lp_result *);
    int32_t (*outbox_close)(lp_outbox *);
    lp_outbox *outbox = NULL;
    lp_config config;
    lp_result result;
    char ext_id[32];
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        fail(dlerror());
    LOAD(config_init, "lp_config_init");
    LOAD(result_init, "lp_result_init");
    LOAD(result_free, "lp_result_free");
    LOAD(outbox_open, "lp_outbox_open");
    LOAD(outbox_submit, "lp_outbox_submit");
    LOAD(outbox_wait, "lp_outbox_wait");
    LOAD(outbox_close, "lp_outbox_close");
    config_init(&config, sizeof config);
    result_init(&result, sizeof result);
    config.apikey = "key";
    config.login = "79031234567";
    config.proxy = "none";
    config.base_url = url;
    sprintf(ext_id, "turn-%d", round);
    config.ext_id = ext_id;
    if (outbox_open(file, &config, &outbox, &result) != LP_OK)
        fail(result.message);
    if (outbox_submit(outbox, &config, &result) != LP_OK)
        fail(result.message);
    if (outbox_wait(outbox, ext_id, 30000, &result) != LP_OK)
        fail(result.message);
    result_free(&result);
    if (outbox_close(outbox) != LP_OK)
        fail("close");
    if (dlclose(library) != 0)
        fail(dlerror());
}

static int entries(const char *folder)
{
    DIR *directory = opendir(folder);
    int count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static long resident_kib(void)
{
    char line[256];
    long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    fclose(status);
    return kib;
}

int main(int argc, char **argv)
{
    long warm = 0;
    int files = 0;
    int round;

    if (argc != 4)
        fail("outbox_reload LIBRARY URL FILE");
    for (round = 0; round < ROUNDS; round++) {
        use(argv[1], argv[2], argv[3], round);
        /* A thread that has released everything may still be exiting. */
        while (entries("/proc/self/task") > 3)
            sched_yield();
        if (round == WARM_UP) {
            warm = resident_kib();
            files = entries("/proc/self/fd");
        }
    }
    if (resident_kib() - warm > 1000)
        fail("memory usage grew");
    if (entries("/proc/self/fd") != files)
        fail("files stayed open");
    return 0;
}
