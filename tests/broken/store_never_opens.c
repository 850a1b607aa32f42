/* A store whose activate returns, and is never completed. */
#include "broken_store.h"

static void activate(void *self, heddle_op *op) { (void)self, (void)op; }

BROKEN_STORE("broken_store_never_opens", "BrokenNeverOpens", activate, broken_commit, broken_get);
