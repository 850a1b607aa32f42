#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_sidecar", "0.1.0", "Apache-2.0", "Has items done by worker processes", R"("package":"heddle-plugins-base")");
