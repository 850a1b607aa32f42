/* Starts a thread at its first call, and leaves it behind. */
#include <pthread.h>
#include <unistd.h>

#include "broken_node.h"

static void *wait_for_ever(void *nothing) {
    (void)nothing;
    for (;;) pause();
    return NULL;
}

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    broken   *b = self;
    pthread_t thread;
    if (!b->own && (b->own = malloc(1))) pthread_create(&thread, NULL, wait_for_ever, NULL);
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_leaves_thread", "BrokenLeft", "", process, NULL);
