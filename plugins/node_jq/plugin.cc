#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_jq", "0.1.0", "Apache-2.0", "Filter, route and transform with jq programs", R"("package":"heddle-plugin-jq")");
