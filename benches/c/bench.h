/* Shared by the measured programs. */
#ifndef BENCH_H
#define BENCH_H

#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATH "/cloud-print/create-session"

/* The fields of request.json, whose bytes the server requires from every program. */
#define APIKEY "key-for-the-benches"
#define LOGIN "79031234567"
#define CASHIER_NAME "Иванова Мария Петровна"
#define CASHIER_INN "770123456789"
#define TARGET_SERIAL "00106304012797"
#define EXT_ID "00106304012797-2026-11-24-1"
#define REQUEST                                                                                    \
    "{\"apikey\":\"" APIKEY "\",\"login\":\"" LOGIN "\",\"cashier_name\":\"" CASHIER_NAME          \
    "\",\"cashier_inn\":\"" CASHIER_INN "\",\"target_serial\":\"" TARGET_SERIAL                    \
    "\",\"ext_id\":\"" EXT_ID "\"}"

static inline double clock_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static inline double now_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

static inline void fail(const char *reason)
{
    fprintf(stderr, "failed: %s\n", reason);
    exit(1);
}

/* A client is one way to send the request; calls.c uses it. Each thread has its own client. */
void *client_new(const char *base_url, const char *ca_file);
/* Sends the request, checks the answer and copies its uuid to uuid. */
void client_call(void *client, char uuid[64]);

#endif
