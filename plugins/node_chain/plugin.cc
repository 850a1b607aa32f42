#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_chain", "0.1.0", "Apache-2.0", "Sends transactions, reads contracts and follows events", R"("package":"heddle-plugins-base")");
