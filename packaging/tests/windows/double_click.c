/* Starts a program as Explorer does on a double click: in its own console window.
 *
 *     double_click serves FILE PROGRAM ARGUMENT...    the program must create the file and show how
 *                                                     to end it
 *     double_click fails TEXT PROGRAM ARGUMENT...     the program must show the text, wait for Enter,
 *                                                     and exit with code 1
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* Far longer than any step takes. */
#define LONG_MS 60000
#define STEP_MS 50

/* The program. If it outlived this process, whoever reads its output would wait for ever. */
static HANDLE process;

static void fail(const char *reason)
{
    fprintf(stderr, "%s (error %lu)\n", reason, GetLastError());
    if (process != NULL)
        TerminateProcess(process, 1);
    exit(1);
}

static void start(int count, char **words)
{
    STARTUPINFOA startup;
    PROCESS_INFORMATION started;
    char line[4096] = "";
    int i;
    for (i = 0; i < count; i++) {
        strcat(line, i ? " \"" : "\"");
        strcat(line, words[i]);
        strcat(line, "\"");
    }
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    /* The program must use the streams of its new console, but Wine would pass on this process's.
     * This process's C library opened them earlier and keeps using them. */
    SetStdHandle(STD_INPUT_HANDLE, NULL);
    SetStdHandle(STD_OUTPUT_HANDLE, NULL);
    SetStdHandle(STD_ERROR_HANDLE, NULL);
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, CREATE_NEW_CONSOLE, NULL, NULL, &startup, &started))
        fail("the program does not start");
    process = started.hProcess;
}

static int is_running(void)
{
    return WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
}

/* Whether the console window shows the text. Line breaks are ignored. */
static int shows(HANDLE console, const wchar_t *text)
{
    static wchar_t screen[1 << 20];
    CONSOLE_SCREEN_BUFFER_INFO info;
    DWORD length, read = 0;
    COORD origin = {0, 0};
    if (!GetConsoleScreenBufferInfo(console, &info))
        return 0;
    length = (DWORD)(info.dwSize.X * (info.dwCursorPosition.Y + 1));
    if (length > sizeof screen / sizeof *screen - 1)
        fail("the window is larger than expected");
    if (!ReadConsoleOutputCharacterW(console, screen, length, origin, &read))
        return 0;
    screen[read] = 0;
    return wcsstr(screen, text) != NULL;
}

static HANDLE open_console(const char *name)
{
    return CreateFileA(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                       OPEN_EXISTING, 0, NULL);
}

static void press_enter(HANDLE input)
{
    INPUT_RECORD keys[2];
    DWORD written = 0;
    memset(keys, 0, sizeof keys);
    keys[0].EventType = keys[1].EventType = KEY_EVENT;
    keys[0].Event.KeyEvent.bKeyDown = TRUE;
    keys[0].Event.KeyEvent.wRepeatCount = keys[1].Event.KeyEvent.wRepeatCount = 1;
    keys[0].Event.KeyEvent.wVirtualKeyCode = keys[1].Event.KeyEvent.wVirtualKeyCode = VK_RETURN;
    keys[0].Event.KeyEvent.uChar.UnicodeChar = keys[1].Event.KeyEvent.uChar.UnicodeChar = L'\r';
    if (!WriteConsoleInputW(input, keys, 2, &written) || written != 2)
        fail("Enter cannot be pressed");
}

/* Waits until the window shows the text, and looks for it after `delay` ms at the earliest. Returns
 * 0 if the program ends first. */
static int wait_for_text(const wchar_t *text, DWORD delay)
{
    HANDLE console = NULL;
    int waited;
    Sleep(delay);
    FreeConsole();
    for (waited = 0; is_running(); waited += STEP_MS) {
        /* A program that has just been started may not have its console yet. */
        if (console == NULL && AttachConsole(GetProcessId(process)))
            console = open_console("CONOUT$");
        if (console != NULL && shows(console, text))
            return 1;
        if (waited >= LONG_MS)
            fail("the window does not show the text");
        Sleep(STEP_MS);
    }
    return 0;
}

static void fails(int count, char **words, const char *expected)
{
    wchar_t text[256];
    DWORD delay = 200, code = 0;
    if (!MultiByteToWideChar(CP_UTF8, 0, expected, -1, text, 256))
        fail("the text is not UTF-8");
    /* If this program attaches to the console too early, the other one is not alone on the console
     * and exits without waiting. It is then started again, and this program waits longer. */
    for (start(count, words); !wait_for_text(text, delay); start(count, words)) {
        delay *= 2;
        if (delay > LONG_MS / 4)
            fail("the window is not kept");
    }
    if (!wait_for_text(L"\u041d\u0430\u0436\u043c\u0438\u0442\u0435 Enter", 0))
        fail("the window was not kept");
    press_enter(open_console("CONIN$"));
    if (WaitForSingleObject(process, LONG_MS) != WAIT_OBJECT_0)
        fail("Enter does not end the program");
    if (!GetExitCodeProcess(process, &code) || code != 1)
        fail("the exit code is not 1");
}

static void serves(int count, char **words, const char *file)
{
    int waited;
    start(count, words);
    for (waited = 0; GetFileAttributesA(file) == INVALID_FILE_ATTRIBUTES; waited += STEP_MS) {
        if (waited >= LONG_MS)
            fail("no browser was opened");
        if (!is_running())
            fail("the program has ended");
        Sleep(STEP_MS);
    }
    if (!wait_for_text(L"\u0437\u0430\u043a\u0440\u043e\u0439\u0442\u0435 \u044d\u0442\u043e \u043e\u043a\u043d\u043e", 0))
        fail("the program has ended");
    TerminateProcess(process, 0);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 2;
    if (strcmp(argv[1], "serves") == 0)
        serves(argc - 3, argv + 3, argv[2]);
    else
        fails(argc - 3, argv + 3, argv[2]);
    return 0;
}
