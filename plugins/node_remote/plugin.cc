#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_remote", "0.1.0", "Apache-2.0", "Runs a pipeline of another host as one node", R"("package":"heddle-plugins-base")");
