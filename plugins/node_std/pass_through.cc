// PassThrough: gives what it got.
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
  "idempotent": true)");

}  // namespace
