/* Loaded before the C library: says by name what is read of the system's environment where Python may be changing it. What the C
   library reads by itself is not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_watched;

void watch(void) { is_watched = 1; }

char *getenv(const char *name) {
    static char *(*read)(const char *);
    static int (*has_gil)(void);
    if (!read) {
        has_gil = (int (*)(void))dlsym(RTLD_DEFAULT, "PyGILState_Check");
        read = (char *(*)(const char *))dlsym(RTLD_NEXT, "getenv");
    }
    if (is_watched && !has_gil()) {
        write(STDERR_FILENO, name, strlen(name));
        write(STDERR_FILENO, "\n", 1);
    }
    return read(name);
}
