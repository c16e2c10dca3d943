/* Tests the rotation of the log file on Windows: log FOLDER. */
#include <windows.h>

#include "check.h"

#define LIMIT 1000

static char path[MAX_PATH], old_path[MAX_PATH], rotating[MAX_PATH];

/*
 * Windows locks a file only through a handle that can read or write it, not through one that can
 * only append. Wine allows both.
 */
static BOOL WINAPI lock_as_windows_does(HANDLE file, DWORD flags, DWORD reserved, DWORD low,
                                        DWORD high, OVERLAPPED *overlapped)
{
    typedef LONG(WINAPI *query_fn)(HANDLE, void *, void *, ULONG, int);
    union { FARPROC function; query_fn call; } query;
    ULONG_PTR status[2];
    ACCESS_MASK access = 0;
    query.function = GetProcAddress(GetModuleHandleA("ntdll.dll"), "NtQueryInformationFile");
    CHECK(query.function != NULL);
    CHECK_INT(query.call(file, status, &access, sizeof access, 8 /* FileAccessInformation */), 0);
    if ((access & (FILE_READ_DATA | FILE_WRITE_DATA)) == 0) {
        SetLastError(ERROR_ACCESS_DENIED);
        return FALSE;
    }
    return LockFileEx(file, flags, reserved, low, high, overlapped);
}

/* Replaces LockFileEx in the library's import table with the function above, if it is imported. */
static void lock_in_the_library_as_windows_does(void)
{
    typedef BOOL(WINAPI *lock_fn)(HANDLE, DWORD, DWORD, DWORD, DWORD, OVERLAPPED *);
    union { lock_fn function; ULONG_PTR number; } locks;
    char *base = (char *)GetModuleHandleA("lifepay.dll");
    const IMAGE_NT_HEADERS *headers;
    const IMAGE_DATA_DIRECTORY *imports;
    const IMAGE_IMPORT_DESCRIPTOR *library;
    CHECK(base != NULL);
    locks.function = lock_as_windows_does;
    headers = (const void *)(base + ((const IMAGE_DOS_HEADER *)(void *)base)->e_lfanew);
    imports = &headers->OptionalHeader.DataDirectory[IMAGE_DIRECTORY_ENTRY_IMPORT];
    library = (const void *)(base + imports->VirtualAddress);
    for (; library->Name != 0; library++) {
        const IMAGE_THUNK_DATA *name = (const void *)(base + library->OriginalFirstThunk);
        IMAGE_THUNK_DATA *place = (void *)(base + library->FirstThunk);
        for (; name->u1.AddressOfData != 0; name++, place++) {
            const IMAGE_IMPORT_BY_NAME *import = (const void *)(base + name->u1.AddressOfData);
            DWORD before;
            if (IMAGE_SNAP_BY_ORDINAL(name->u1.Ordinal))
                continue;
            if (strcmp((const char *)import->Name, "LockFileEx") != 0)
                continue;
            CHECK(VirtualProtect(place, sizeof *place, PAGE_READWRITE, &before));
            place->u1.Function = locks.number;
        }
    }
}

/* Makes the library log a line of about 250 bytes by a call that it refuses. */
static void write_line(void)
{
    lp_config config;
    lp_result result = new_result();
    CHECK_INT(lp_config_init(&config, sizeof config), LP_OK);
    CHECK_INT(lp_open_shift(&config, &result), LP_ERR_ARGUMENT);
    lp_result_free(&result);
}

static long size_of(const char *file)
{
    WIN32_FILE_ATTRIBUTE_DATA found;
    return GetFileAttributesExA(file, GetFileExInfoStandard, &found) ? (long)found.nFileSizeLow : -1;
}

/* Writes lines until the file is rotated, which must happen when it is full. */
static void fill(void)
{
    long before = size_of(path), now;
    for (;;) {
        write_line();
        now = size_of(path);
        CHECK(now >= 0 && now <= LIMIT);
        if (now <= before)
            break;
        before = now;
    }
    CHECK_INT(size_of(old_path), before);
}

static HANDLE open_shared(const char *file, DWORD share)
{
    HANDLE opened = CreateFileA(file, GENERIC_READ, share, NULL, OPEN_EXISTING, 0, NULL);
    CHECK(opened != INVALID_HANDLE_VALUE);
    return opened;
}

static void a_full_file_is_renamed(void)
{
    fill();
    CHECK_INT(size_of(rotating), -1);
}

static void it_takes_the_place_of_the_one_before(void)
{
    fill();
    fill();
}

static void a_program_that_reads_the_file_and_shares_it_does_not_prevent_that(void)
{
    HANDLE reader = open_shared(path, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
    fill();
    CHECK(CloseHandle(reader));
    fill();
}

static void a_file_that_cannot_be_renamed_grows_until_it_can(void)
{
    HANDLE reader = open_shared(path, FILE_SHARE_READ | FILE_SHARE_WRITE);
    long before = size_of(path), now;
    while (before <= 3 * LIMIT) {
        write_line();
        now = size_of(path);
        CHECK(now > before);
        before = now;
    }
    CHECK(CloseHandle(reader));
    write_line();
    CHECK(size_of(path) < LIMIT);
    CHECK_INT(size_of(old_path), before);
}

/* Simulates another process that is rotating. */
static void while_another_process_rotates_no_line_is_lost(void)
{
    HANDLE other = CreateFileA(rotating, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS,
                               FILE_FLAG_DELETE_ON_CLOSE, NULL);
    long before = size_of(path), now;
    CHECK(other != INVALID_HANDLE_VALUE);
    while (before <= 2 * LIMIT) {
        write_line();
        now = size_of(path);
        CHECK(now > before);
        before = now;
    }
    CHECK(CloseHandle(other));
    write_line();
    CHECK(size_of(path) < LIMIT);
    CHECK_INT(size_of(rotating), -1);
}

/* Simulates the files that a killed process or a power cut leaves. */
static void a_file_that_was_left_beside_prevents_nothing(void)
{
    HANDLE leftover = CreateFileA(rotating, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    CHECK(CloseHandle(leftover));
    fill();
    CHECK_INT(size_of(rotating), -1);
}

int main(int argc, char **argv)
{
    CHECK_INT(argc, 2);
    sprintf(path, "%s\\lifepay.log", argv[1]);
    sprintf(old_path, "%s.old", path);
    sprintf(rotating, "%s.rotating", path);
    lock_in_the_library_as_windows_does();
    CHECK_INT(lp_log_to_file(path, LP_LOG_WARN, LIMIT), LP_OK);
    RUN(a_full_file_is_renamed);
    RUN(it_takes_the_place_of_the_one_before);
    RUN(a_program_that_reads_the_file_and_shares_it_does_not_prevent_that);
    RUN(a_file_that_cannot_be_renamed_grows_until_it_can);
    RUN(while_another_process_rotates_no_line_is_lost);
    RUN(a_file_that_was_left_beside_prevents_nothing);
    return 0;
}
