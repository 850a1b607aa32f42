// PassThrough and Merge: give what they got.
#include <heddle/sdk.h>

namespace {

using heddle::sdk::Value;

struct PassThrough {
  Value process(Value in) noexcept { return in; }
};

HEDDLE_NODE(PassThrough, "PassThrough", R"("summary": "Gives what it got",
  "aliases": ["PassThroughNode", "PassthroughNode"],
  )" HEDDLE_NO_PARAMS R"(,
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

// The point where several connections meet; in which order their items pass is for the manifest to say.
HEDDLE_NODE(PassThrough, "Merge", R"("summary": "Joins all connections into its input to one stream",
  )" HEDDLE_NO_PARAMS R"(,
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
