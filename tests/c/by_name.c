/* Loads the library by name alone, from wherever the loader finds it, and prints its version. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
    void *library = dlopen("liblifepay.so", RTLD_NOW);
    const char *(*version)(void);

    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    *(void **)&version = dlsym(library, "lp_version");
    puts(version());
    return 0;
}
