/* Wants a function from the host, which exports none. */
#include "broken_node.h"

extern void heddle_say(const char *text);

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    heddle_say("here");
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_foreign_symbols", "BrokenForeign", "", process, NULL);
