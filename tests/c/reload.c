/* A host that loads the library while it runs, and unloads it again. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

/* Of the header only types and constants: the functions come from dlsym. */
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
 * On a thread that ends with it, as a host's worker does: what the library keeps for a thread goes
 * then, and nothing but its own will keeps it in memory.
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
    /* C knows no way from an object pointer to a function; POSIX asks for this one. */
    *(void **)&lp_config_init = symbol(library, "lp_config_init");
    *(void **)&lp_result_init = symbol(library, "lp_result_init");
    *(void **)&lp_result_free = symbol(library, "lp_result_free");
    *(void **)&lp_open_shift = symbol(library, "lp_open_shift");
    *(void **)&lp_code_name = symbol(library, "lp_code_name");
    return library;
}

/* The names in a folder of /proc/self, in one text. */
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

/* What a library could change behind the host's back. */
struct house {
    char threads[1024];
    char files[1024];
    char signals[NSIG];
    sigset_t blocked;
};

static void look(struct house *house)
{
    int number;
    memset(house, 0, sizeof *house);
    list("/proc/self/task", house->threads, sizeof house->threads);
    list("/proc/self/fd", house->files, sizeof house->files);
    for (number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0)
            house->signals[number] = action.sa_handler == SIG_DFL   ? 'd'
                                     : action.sa_handler == SIG_IGN ? 'i'
                                                                    : 'h';
    }
    CHECK_INT(sigprocmask(SIG_BLOCK, NULL, &house->blocked), 0);
}

static void check_signals_are_as_before(const struct house *before, const struct house *after)
{
    int number;
    for (number = 1; number < 32; number++) {
        CHECK_INT(after->signals[number], before->signals[number]);
        CHECK_INT(sigismember(&after->blocked, number), sigismember(&before->blocked, number));
    }
}

static void nothing_runs_before_the_first_call(void)
{
    struct house before, loaded, used;
    void *library;
    look(&before);
    CHECK_INT(before.signals[SIGPIPE], 'd');
    library = load();
    look(&loaded);
    CHECK_TEXT(loaded.threads, before.threads);
    CHECK_TEXT(loaded.files, before.files);
    check_signals_are_as_before(&before, &loaded);
    /* And what a call leaves behind is a kept connection. */
    call_on_a_thread(server);
    look(&used);
    CHECK_TEXT(used.threads, before.threads);
    check_signals_are_as_before(&before, &used);
    CHECK_INT(dlclose(library), 0);
}

/* Resident memory, KiB. */
static long memory(void)
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
    struct house house;
    char localhost[64];
    long before;
    /* A name: so that the library has had a thread. */
    sprintf(localhost, "http://localhost%s", strrchr(server, ':'));
    load_call_and_unload(localhost, 20);
    before = memory();
    load_call_and_unload(localhost, 200);
    CHECK(memory() - before < 400);
    do {
        sched_yield();
        look(&house);
    } while (strchr(house.threads + strlen(". .. "), ' ') != strrchr(house.threads, ' '));
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
