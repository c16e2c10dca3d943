/*
 * calls BASE_URL CA_FILE THREADS WARMUP CALLS: measures one client.
 *
 * Prints "first", the microseconds from the start of main to the first uuid, and that uuid. Then, if
 * CALLS is not 0, prints "warm" with the microseconds per call (one thread: the median; several: the
 * elapsed time divided by all calls), the CPU microseconds per call in this process, and the resident
 * KiB after the first 1000 calls and after the last. CA_FILE is "-" for none.
 */
#include "bench.h"

#include <pthread.h>
#include <unistd.h>

static const char *base_url;
static const char *ca_file;
static long warmup;
static long calls;
static pthread_barrier_t ready;

static long resident_kib(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        fail("/proc/self/statm");
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static int by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static void *run_thread(void *unused)
{
    char uuid[64];
    long i;
    void *client = client_new(base_url, ca_file);
    for (i = 0; i < warmup; i++)
        client_call(client, uuid);
    pthread_barrier_wait(&ready);
    for (i = 0; i < calls; i++)
        client_call(client, uuid);
    pthread_barrier_wait(&ready);
    return unused;
}

static void run_threads(int threads)
{
    double began, cpu;
    int i;
    pthread_t *handles = calloc((size_t)threads, sizeof *handles);
    pthread_barrier_init(&ready, NULL, (unsigned)threads + 1);
    for (i = 0; i < threads; i++)
        if (pthread_create(&handles[i], NULL, run_thread, NULL) != 0)
            fail("pthread_create");
    pthread_barrier_wait(&ready);
    began = now_us();
    cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    pthread_barrier_wait(&ready);
    printf("warm %.2f %.2f 0 0\n", (now_us() - began) / (double)(calls * threads),
           (clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)(calls * threads));
    for (i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
    free(handles);
}

static void run_alone(void *client)
{
    char uuid[64];
    double cpu;
    long i;
    long resident = 0;
    long resident_at_end;
    double *times = malloc((size_t)calls * sizeof *times);
    if (!times)
        fail("malloc");
    /* Touches the pages before memory is measured. */
    for (i = 0; i < calls; i++)
        times[i] = 1;
    for (i = 0; i < warmup; i++)
        client_call(client, uuid);
    cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (i = 0; i < calls; i++) {
        double began = now_us();
        client_call(client, uuid);
        times[i] = now_us() - began;
        if (i == 999)
            resident = resident_kib();
    }
    cpu = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    /* Measured before qsort, which allocates memory. */
    resident_at_end = resident_kib();
    qsort(times, (size_t)calls, sizeof *times, by_size);
    printf("warm %.2f %.2f %ld %ld\n", times[calls / 2], cpu / (double)calls, resident,
           resident_at_end);
    free(times);
}

int main(int argc, char **argv)
{
    double began = now_us();
    char uuid[64];
    void *client;
    int threads;
    if (argc != 6)
        fail("usage: calls BASE_URL CA_FILE THREADS WARMUP CALLS");
    base_url = argv[1];
    ca_file = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
    threads = atoi(argv[3]);
    warmup = atol(argv[4]);
    calls = atol(argv[5]);
    client = client_new(base_url, ca_file);
    client_call(client, uuid);
    printf("first %.1f %s\n", now_us() - began, uuid);
    fflush(stdout);
    if (calls > 0 && threads > 1)
        run_threads(threads);
    else if (calls > 0)
        run_alone(client);
    return 0;
}
