/*
 * launch ROUNDS PROGRAM ARGUMENT… [-- PROGRAM ARGUMENT…]…
 *
 * Starts the programs in turn, ROUNDS times each, and prints for every run the number of the
 * program, the microseconds from its start to the first byte of its output, and its first line.
 */
#include "bench.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void run(int number, char **command)
{
    posix_spawn_file_actions_t actions;
    char line[256];
    int ends[2], status;
    ssize_t length;
    pid_t child;
    double began, took;
    if (pipe(ends) != 0)
        fail("pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    began = now_us();
    if (posix_spawnp(&child, command[0], &actions, NULL, command, environ) != 0)
        fail(command[0]);
    close(ends[1]);
    length = read(ends[0], line, sizeof line - 1);
    took = now_us() - began;
    while (length > 0) {
        /* Reads to the end: a program that is still writing must not find the pipe closed. */
        ssize_t more = read(ends[0], line + length, sizeof line - 1 - (size_t)length);
        if (more <= 0)
            break;
        length += more;
    }
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (waitpid(child, &status, 0) != child || status != 0 || length <= 0)
        fail(command[0]);
    line[length] = 0;
    line[strcspn(line, "\n")] = 0;
    printf("%d %.1f %s\n", number, took, line);
}

int main(int argc, char **argv)
{
    int rounds, round, i;
    if (argc < 3)
        fail("usage: launch ROUNDS PROGRAM ARGUMENT... [-- PROGRAM ARGUMENT...]...");
    rounds = atoi(argv[1]);
    for (i = 2; i < argc; i++)
        if (strcmp(argv[i], "--") == 0)
            argv[i] = NULL;
    for (round = 0; round < rounds; round++) {
        int number = 0;
        for (i = 2; i < argc; i++) {
            run(number++, &argv[i]);
            while (i < argc && argv[i])
                i++;
        }
    }
    return 0;
}
