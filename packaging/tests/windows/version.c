/* The version information that Windows Explorer shows for lifepay.dll matches the library's. */
#include <windows.h>

#include "check.h"

/* Returns a text of the Russian version resource as UTF-8. */
static const char *text_of(const void *resource, const wchar_t *name)
{
    static char text[400];
    wchar_t path[100], *found = NULL;
    UINT length = 0;

    wcscpy(path, L"\\StringFileInfo\\041904B0\\");
    wcscat(path, name);
    CHECK(VerQueryValueW(resource, path, (void **)&found, &length));
    CHECK(WideCharToMultiByte(CP_UTF8, 0, found, -1, text, sizeof text, NULL, NULL) > 0);
    return text;
}

int main(void)
{
    static char resource[8192];
    VS_FIXEDFILEINFO *fixed = NULL;
    UINT length = 0;

    CHECK(GetFileVersionInfoA("lifepay.dll", 0, sizeof resource, resource));
    CHECK(VerQueryValueA(resource, "\\", (void **)&fixed, &length));
    CHECK_INT(fixed->dwFileVersionMS, LP_VERSION_MAJOR << 16 | LP_VERSION_MINOR);
    CHECK_INT(fixed->dwFileVersionLS, LP_VERSION_PATCH << 16);
    CHECK_TEXT(text_of(resource, L"ProductName"), "lifepay");
    CHECK_TEXT(text_of(resource, L"ProductVersion"), lp_version());
    CHECK_TEXT(text_of(resource, L"FileVersion"), lp_version());
    CHECK_HAS(text_of(resource, L"FileDescription"),
              "\xd0\x9e\xd1\x82\xd0\xba\xd1\x80\xd1\x8b\xd1\x82\xd0\xb8\xd0\xb5"); /* Opening */
    return 0;
}
