/*
 * Shared by the C tests. A program that passes prints nothing and exits with 0. A failed check
 * prints its test and its place, and the program exits with 1. All other output is the library's.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

/* Logins that the test server rejects; it accepts all others. */
#define REJECTED_LOGIN "70000000400"
#define FORBIDDEN_LOGIN "70000006080"

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof(array)[0])

#define RUN(test) (check_begin(#test), test())
#define CHECK(condition) check_true((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define CHECK_INT(got, wanted) \
    check_int((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted) check_text((got), (wanted), #got, __FILE__, __LINE__)
#define CHECK_HAS(got, part) check_has((got), (part), #got, __FILE__, __LINE__)

/* Returns the name of the running test, after setting it if name is not NULL. */
static inline const char *check_test(const char *name)
{
    static const char *current = "";
    if (name != NULL)
        current = name;
    return current;
}

static inline void check_begin(const char *name)
{
    check_test(name);
}

/* Prints the place and the test. Callers then call _Exit, because any thread may fail a check. */
static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: in %s: %s", file, line, check_test(NULL), what);
}

static inline void check_true(int condition, const char *what, const char *file, int line)
{
    if (condition)
        return;
    check_failed(file, line, what);
    fprintf(stderr, " does not hold\n");
    _Exit(1);
}

static inline void check_int(long long got, long long wanted, const char *what, const char *file,
                             int line)
{
    if (got == wanted)
        return;
    check_failed(file, line, what);
    fprintf(stderr, " is %lld, not %lld\n", got, wanted);
    _Exit(1);
}

static inline void check_text(const char *got, const char *wanted, const char *what,
                              const char *file, int line)
{
    if (got == wanted || (got != NULL && wanted != NULL && strcmp(got, wanted) == 0))
        return;
    check_failed(file, line, what);
    fprintf(stderr, " is \"%s\", not \"%s\"\n", got ? got : "(NULL)", wanted ? wanted : "(NULL)");
    _Exit(1);
}

static inline void check_has(const char *got, const char *part, const char *what, const char *file,
                             int line)
{
    if (got != NULL && strstr(got, part) != NULL)
        return;
    check_failed(file, line, what);
    fprintf(stderr, " is \"%s\", without \"%s\"\n", got ? got : "(NULL)", part);
    _Exit(1);
}

/* Returns a config that the server accepts: apikey, login, base_url and no proxy. */
static inline lp_config config_for(const char *base_url)
{
    lp_config config;
    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    config.apikey = "s3cr3t-apikey";
    config.login = "79031234567";
    config.base_url = base_url;
    config.proxy = "none";
    return config;
}

static inline lp_result new_result(void)
{
    lp_result result;
    CHECK_INT(lp_result_init(&result, sizeof result), LP_OK);
    return result;
}

/* Makes one call with this ext_id, which the server returns as the document's uuid. */
static inline void check_accepted(const char *base_url, const char *ext_id)
{
    lp_config config = config_for(base_url);
    lp_result result = new_result();
    config.ext_id = ext_id;
    CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_OK");
    CHECK_TEXT(result.uuid, ext_id);
    lp_result_free(&result);
}

/* Returns the server's URL, argv[1]. */
static inline const char *server_of(int argc, char **argv)
{
    CHECK(argc > 1);
    return argv[1];
}

#endif
