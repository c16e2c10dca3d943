/*
 * A plugin of a host: a DLL that opens an outbox on request and closes it in DllMain, as a destructor
 * of a C++ global and Delphi's finalization do.
 */
#include <windows.h>

#include "check.h"

static lp_outbox *outbox;
static int32_t *closed;

static int32_t LP_CALL is_sending(const lp_entry *entry, void *user_data)
{
    if (entry->flags & LP_ENTRY_SENDING)
        *(int *)user_data = 1;
    return 0;
}

/* lp_outbox_close's return value will be stored in *result. */
__declspec(dllexport) void plugin_open(const char *url, const char *path, int32_t *result)
{
    lp_config config = config_for(url);
    lp_result opened = new_result();
    closed = result;
    CHECK_INT(lp_outbox_open(path, &config, &outbox, &opened), LP_OK);
    lp_result_free(&opened);
}

/* Submits a request and returns once it is being sent. */
__declspec(dllexport) void plugin_submit(const char *url)
{
    lp_config config = config_for(url);
    lp_result submitted = new_result();
    int sending = 0;
    CHECK_INT(lp_outbox_submit(outbox, &config, &submitted), LP_OK);
    lp_result_free(&submitted);
    while (!sending) {
        CHECK_INT(lp_outbox_each(outbox, is_sending, &sending), LP_OK);
        Sleep(1);
    }
}

/* Holds a lock nearly all the time, until the process exits. */
static DWORD WINAPI call(void *unused)
{
    uint32_t count;
    (void)unused;
    for (;;)
        lp_outbox_pending(outbox, &count);
    return 0;
}

__declspec(dllexport) void plugin_call_from_threads(void)
{
    int i;
    for (i = 0; i < 4; i++)
        CHECK(CreateThread(NULL, 0, call, NULL, 0, NULL) != NULL);
}

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, void *process_ends)
{
    (void)module;
    if (reason == DLL_PROCESS_DETACH && closed != NULL) {
        uint32_t count;
        int32_t pending_code = lp_outbox_pending(outbox, &count);
        *closed = lp_outbox_close(outbox);
        /* No other code can report a failure at exit. */
        if (process_ends != NULL && (pending_code != LP_ERR_CLOSED || *closed != LP_ERR_CLOSED))
            TerminateProcess(GetCurrentProcess(), 3);
    }
    return TRUE;
}
