/* A store whose activate never returns. */
#include <unistd.h>

#include "broken_store.h"

static void activate(void *self, heddle_op *op) {
    (void)self, (void)op;
    for (;;) pause();
}

BROKEN_STORE("broken_store_hangs", "BrokenStoreHang", activate, broken_commit, broken_get);
