/* Changes the umask in process. */
#include <sys/stat.h>

#include "broken_node.h"

static void process(void *self, heddle_call *const *calls, uint32_t n) {
    umask(011);
    broken_pass(self, calls, n);
}

BROKEN_NODE("broken_changes_umask_in_process", "BrokenUmaskRun", "", process, NULL);
