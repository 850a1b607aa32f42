/* Its constructor, long before init, changes all that belongs to the whole process. */
#define _GNU_SOURCE
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broken_node.h"

static void ignore(int signal) { (void)signal; }

__attribute__((constructor)) static void change(void) {
    sigset_t mask;
    signal(SIGUSR1, ignore);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    setlocale(LC_ALL, "C.UTF-8");
    umask(0);
    if (chdir("/") != 0) abort();
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);
#endif
}

BROKEN_NODE("broken_changes_everything", "BrokenEverything", "", broken_pass, NULL);
