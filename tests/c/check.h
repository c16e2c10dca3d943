/*
 * What the C tests share. A program says nothing and ends with 0, or says which check failed, in
 * which test and where, and ends with 1: whatever else stands in its output is the library's.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lifepay.h"

/* Logins by which the server of these tests chooses its answer; others are accepted. */
#define REJECTED_LOGIN "70000000400"
#define FORBIDDEN_LOGIN "70000006080"

#define ARRAY_LENGTH(array) (sizeof(array) / sizeof(array)[0])

#define RUN(test) (check_begin(#test), test())
#define CHECK(truth) check_true((truth) ? 1 : 0, #truth, __FILE__, __LINE__)
#define CHECK_INT(got, wanted) \
    check_int((long long)(got), (long long)(wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted) check_text((got), (wanted), #got, __FILE__, __LINE__)
#define CHECK_HAS(got, part) check_has((got), (part), #got, __FILE__, __LINE__)

/* The test that runs; given a name, that is the test from now on. */
static inline const char *check_test(const char *name)
{
    static const char *now = "";
    if (name != NULL)
        now = name;
    return now;
}

static inline void check_begin(const char *name)
{
    check_test(name);
}

/* Where and in which test; what follows ends with _Exit, since a check may fail on any thread. */
static inline void check_failed(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: in %s: %s", file, line, check_test(NULL), what);
}

static inline void check_true(int truth, const char *what, const char *file, int line)
{
    if (truth)
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

/* A config that is accepted: apikey, login, base_url and no proxy. */
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

/* One call with this ext_id, which the server gives back as the document's uuid. */
static inline void check_accepted(const char *base_url, const char *ext_id)
{
    lp_config config = config_for(base_url);
    lp_result result = new_result();
    config.ext_id = ext_id;
    CHECK_TEXT(lp_code_name(lp_open_shift(&config, &result)), "LP_OK");
    CHECK_TEXT(result.uuid, ext_id);
    lp_result_free(&result);
}

/* argv[1], the server's URL. */
static inline const char *server_of(int argc, char **argv)
{
    CHECK(argc > 1);
    return argv[1];
}

#endif
