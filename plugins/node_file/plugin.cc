#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_file", "0.1.0", "Apache-2.0", "Files as sources and sinks: JSON lines, CSV, text, plain or gzip",
              R"("package":"heddle-plugins-base")");
