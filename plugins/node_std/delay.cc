// Delay: holds every item for a while, and no thread meanwhile.
#include <heddle/sdk.h>

namespace {

using heddle::sdk::Async;
using heddle::sdk::Call;
using heddle::sdk::Config;

class Delay {
 public:
  explicit Delay(const Config& config) : time_(config.get<int64_t>("delay_ms")) {}
  Async process(Call call) {
    co_await heddle::sdk::sleep(time_);
    co_await heddle::sdk::emit(call, call.take());
    call.complete();
  }

 private:
  std::chrono::milliseconds time_;
};

HEDDLE_NODE(Delay, "Delay", R"("summary": "Holds every item for a while",
  "params": {
    "type": "object",
    "properties": {
      "delay_ms": {"type": "integer", "minimum": 0, "maximum": 86400000, "description": "How long, in milliseconds"}
    },
    "required": ["delay_ms"],
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "max_in_flight": 1024,
  "idempotent": true,
  "stateless": true)");

}  // namespace
