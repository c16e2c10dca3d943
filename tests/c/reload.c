/* A host that loads and unloads the library at run time. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* The header provides types and constants only: the functions come from dlsym. */
#include "lifepay.h"

#define lp_config_init library_lp_config_init
#define lp_result_init library_lp_result_init
#define lp_result_free library_lp_result_free
#define lp_open_shift library_lp_open_shift
#define lp_code_name library_lp_code_name

static int32_t (*lp_config_init)(lp_config *, uint32_t);
static int32_t (*lp_result_init)(lp_result *, uint32_t);
static void (*lp_result_free)(lp_result *);
static int32_t (*lp_open_shift)(const lp_config *, lp_result *);
static const char *(*lp_code_name)(int32_t);

#include "check.h"

static const char *server;
static const char *path;

/*
 * Runs on a thread that ends after the call, as a host's worker thread does. The library's
 * thread-local data is then destroyed and cannot be the reason why the library stays in memory.
 */
static void *call(void *base_url)
{
    check_accepted(base_url, "reloaded");
    return NULL;
}

static void call_on_a_thread(const char *base_url)
{
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, call, (void *)base_url), 0);
    CHECK_INT(pthread_join(thread, NULL), 0);
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    CHECK(found != NULL);
    return found;
}

static void *load(void)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    /* C has no cast from an object pointer to a function pointer; POSIX prescribes this form. */
    *(void **)&lp_config_init = symbol(library, "lp_config_init");
    *(void **)&lp_result_init = symbol(library, "lp_result_init");
    *(void **)&lp_result_free = symbol(library, "lp_result_free");
    *(void **)&lp_open_shift = symbol(library, "lp_open_shift");
    *(void **)&lp_code_name = symbol(library, "lp_code_name");
    return library;
}

/* Writes the names in a folder of /proc/self to text, separated by spaces. */
static void list(const char *folder, char *text, size_t size)
{
    struct dirent *entry;
    DIR *entries = opendir(folder);
    CHECK(entries != NULL);
    text[0] = '\0';
    while ((entry = readdir(entries)) != NULL) {
        CHECK(strlen(text) + strlen(entry->d_name) + 2 < size);
        strcat(strcat(text, entry->d_name), " ");
    }
    closedir(entries);
}

/* The process state that a library could change. */
struct process_state {
    char threads[1024];
    char files[1024];
    char signals[NSIG];
    sigset_t blocked;
};

static void read_state(struct process_state *state)
{
    int number;
    memset(state, 0, sizeof *state);
    list("/proc/self/task", state->threads, sizeof state->threads);
    list("/proc/self/fd", state->files, sizeof state->files);
    for (number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            state->signals[number] = action.sa_handler == SIG_DFL   ? 'd'
                                     : action.sa_handler == SIG_IGN ? 'i'
                                                                    : 'h';
    }
    CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &state->blocked), 0);
}

static void check_signals_are_as_before(const struct process_state *before,
                                         const struct process_state *after)
{
    int number;
    for (number = 1; number < 32; number++) {
        CHECK_INT(after->signals[number], before->signals[number]);
        CHECK_INT(sigismember(&after->blocked, number), sigismember(&before->blocked, number));
    }
}

static void nothing_runs_before_the_first_call(void)
{
    struct process_state before, loaded, used;
    void *library;
    read_state(&before);
    CHECK_INT(before.signals[SIGPIPE], 'd');
    library = load();
    read_state(&loaded);
    CHECK_TEXT(loaded.threads, before.threads);
    CHECK_TEXT(loaded.files, before.files);
    check_signals_are_as_before(&before, &loaded);
    /* A call leaves only a kept connection behind. */
    call_on_a_thread(server);
    read_state(&used);
    CHECK_TEXT(used.threads, before.threads);
    check_signals_are_as_before(&before, &used);
    CHECK_INT(dlclose(library), 0);
}

/* Returns the resident memory in KiB. */
static long resident_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kib) == 1)
            break;
    fclose(status);
    CHECK(kib > 0);
    return kib;
}

static void load_call_and_unload(const char *base_url, int times)
{
    int i;
    for (i = 0; i < times; i++) {
        void *library = load();
        call_on_a_thread(base_url);
        CHECK_INT(dlclose(library), 0);
    }
}

static void loading_again_and_again_takes_no_memory_and_leaves_no_thread(void)
{
    struct process_state state;
    char localhost[64];
    long before;
    /* A name and no address, so that the library starts a lookup thread. */
    sprintf(localhost, "http://localhost%s", strrchr(server, ':'));
    load_call_and_unload(localhost, 20);
    before = resident_kib();
    load_call_and_unload(localhost, 200);
    CHECK(resident_kib() - before < 400);
    do {
        sched_yield();
        read_state(&state);
    } while (strchr(state.threads + strlen(". .. "), ' ') != strrchr(state.threads, ' '));
}

static void the_library_stays_after_dlclose(void)
{
    CHECK_INT(dlclose(load()), 0);
    CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL);
    call_on_a_thread(server);
}

int main(int argc, char **argv)
{
    server = server_of(argc, argv);
    CHECK(argc == 3);
    path = argv[2];
    alarm(120);
    RUN(nothing_runs_before_the_first_call);
    RUN(loading_again_and_again_takes_no_memory_and_leaves_no_thread);
    RUN(the_library_stays_after_dlclose);
    return 0;
}
