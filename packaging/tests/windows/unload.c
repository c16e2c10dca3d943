/*
 * A host that unloads a plugin which closes its outbox in DllMain, or exits with the plugin loaded:
 *
 *     unload URL OUTBOX at-once|while-sending|at-exit
 */
#include <windows.h>

#include "check.h"

/* Milliseconds. */
#define LIMIT 2000
#define TIMEOUT 20000

#define NOT_YET 1

typedef void (*open_fn)(const char *, const char *, int32_t *);
typedef void (*submit_fn)(const char *);
typedef void (*call_fn)(void);

static int32_t closed = NOT_YET;
static HMODULE plugin;

static void *find(const char *name)
{
    union { /* ISO C has no cast from a function to an object */
        FARPROC function;
        void *object;
    } found;
    found.function = GetProcAddress(plugin, name);
    CHECK(found.function != NULL);
    return found.object;
}

static void use_plugin(char **argv, int sends)
{
    union { void *object; open_fn call; } open;
    union { void *object; submit_fn call; } submit;
    plugin = LoadLibraryA("plugin.dll");
    CHECK(plugin != NULL);
    open.object = find("plugin_open");
    submit.object = find("plugin_submit");
    open.call(argv[1], argv[2], &closed);
    if (sends)
        submit.call(argv[1]);
}

static DWORD WINAPI watch(void *started)
{
    SetEvent((HANDLE)started);
    Sleep(TIMEOUT);
    fprintf(stderr, "FreeLibrary does not return\n");
    fflush(stderr);
    TerminateProcess(GetCurrentProcess(), 1);
    return 0;
}

static void unload(void)
{
    HANDLE started = CreateEventA(NULL, TRUE, FALSE, NULL);
    ULONGLONG before;
    /* A starting thread needs the loader lock, which this thread is about to hold. */
    CHECK(CreateThread(NULL, 0, watch, started, 0, NULL) != NULL);
    CHECK_INT(WaitForSingleObject(started, TIMEOUT), WAIT_OBJECT_0);
    before = GetTickCount64();
    CHECK(FreeLibrary(plugin));
    CHECK(GetTickCount64() - before < LIMIT);
    CHECK_INT(closed, LP_OK);
    CHECK(GetModuleHandleA("plugin.dll") == NULL);
}

/* Runs in a separate process, whose threads end before DllMain is called. */
static void exit_while_threads_call(char **argv)
{
    union { void *object; call_fn call; } call_from_threads;
    use_plugin(argv, 1);
    call_from_threads.object = find("plugin_call_from_threads");
    call_from_threads.call();
    Sleep(20); /* the threads are inside calls now */
    SetEvent(OpenEventA(EVENT_MODIFY_STATE, FALSE, argv[4]));
}

static void watch_exit(char **argv)
{
    char command[2000], name[100];
    PROCESS_INFORMATION process;
    STARTUPINFOA startup = {0};
    HANDLE exiting;
    ULONGLONG before;
    DWORD status;
    startup.cb = sizeof startup;
    snprintf(name, sizeof name, "ends-%lu", (unsigned long)GetCurrentProcessId());
    exiting = CreateEventA(NULL, FALSE, FALSE, name);
    snprintf(command, sizeof command, "\"%s\" %s \"%s\" ends %s", argv[0], argv[1], argv[2], name);
    CHECK(CreateProcessA(NULL, command, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process));
    CHECK_INT(WaitForSingleObject(exiting, TIMEOUT), WAIT_OBJECT_0);
    before = GetTickCount64();
    if (WaitForSingleObject(process.hProcess, TIMEOUT) != WAIT_OBJECT_0)
        TerminateProcess(process.hProcess, 1);
    CHECK(GetTickCount64() - before < LIMIT);
    CHECK(GetExitCodeProcess(process.hProcess, &status));
    CHECK_INT(status, 0);
}

int main(int argc, char **argv)
{
    int i;
    CHECK(argc >= 4);
    check_begin(argv[3]);
    if (strcmp(argv[3], "at-once") == 0) {
        use_plugin(argv, 0);
        unload();
    } else if (strcmp(argv[3], "while-sending") == 0) {
        use_plugin(argv, 1);
        unload();
    } else if (strcmp(argv[3], "ends") == 0) {
        exit_while_threads_call(argv);
    } else {
        CHECK_TEXT(argv[3], "at-exit");
        for (i = 0; i < 20; i++)
            watch_exit(argv);
    }
    puts("passed");
    fflush(stdout);
    return 0;
}
