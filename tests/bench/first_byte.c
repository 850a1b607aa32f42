/* Times a program from exec to its first byte on stdout, or to its end where it prints nothing: first_byte REPETITIONS INPUT PROGRAM [ARGUMENT…]
 * Prints the median in microseconds. INPUT: a file for its stdin. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double once(const char *input, char **command) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) exit(1);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    pid_t  child;
    double began = now_us();
    if (posix_spawnp(&child, command[0], &actions, NULL, command, environ) != 0) {
        perror(command[0]);
        exit(1);
    }
    close(ends[1]);
    char byte[4096];
    ssize_t got = read(ends[0], byte, sizeof byte);
    double took = now_us() - began;
    while (got > 0) got = read(ends[0], byte, sizeof byte);
    close(ends[0]);
    posix_spawn_file_actions_destroy(&actions);
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "%s failed\n", command[0]);
        exit(1);
    }
    return took;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    int     n = atoi(argv[1]);
    double *times = calloc((size_t)n + 1, sizeof *times);
    if (n < 1 || !times) return 2;
    for (int i = 0; i < n; ++i) times[i] = once(argv[2], argv + 3);
    qsort(times, (size_t)n, sizeof *times, by_size);
    printf("%.0f\n", times[n / 2]);
    free(times);
    return 0;
}
