// What the plugin says of itself; its types lie in the other files.
#include <heddle/sdk.h>

HEDDLE_PLUGIN("node_std", "1.0.0", "Apache-2.0", "The nodes that every pipeline needs: pass, compute, split, gather, watch",
              R"("package":"heddle-plugins-base")");
