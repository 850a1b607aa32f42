// Sample: lets some items pass and filters the rest.
#include <heddle/sdk.h>

#include <random>

namespace {

using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::Value;

class Sample {
 public:
  explicit Sample(const Config& config)
      : every_(config.get<uint64_t>("every", 0)),
        first_(config.get<uint64_t>("first", 0)),
        fraction_(config.get("fraction", 0.0)),
        seed_(config.get<uint64_t>("seed", 1)) {
    how_ = config.find("every") ? How::kEvery : config.find("first") ? How::kFirst : How::kFraction;
    if (!config.find("every") + !config.find("first") + !config.find("fraction") != 2) {
      throw Error(HEDDLE_INVALID, "Sample needs exactly one of \"every\", \"first\" and \"fraction\"");
    }
    if (how_ == How::kEvery && every_ == 0) throw Error(HEDDLE_INVALID, "\"every\" must be at least 1");
  }
  void activate() {
    seen_ = 0;
    random_.seed(seed_);
  }
  std::optional<Value> process(Value in) noexcept {
    if (!passes()) return std::nullopt;
    return in;
  }

 private:
  enum class How : uint8_t { kEvery, kFirst, kFraction };

  bool passes() noexcept {
    ++seen_;
    if (how_ == How::kEvery) return seen_ % every_ == 0;
    if (how_ == How::kFirst) return seen_ <= first_;
    return static_cast<double>(random_() >> 11) * 0x1p-53 < fraction_;
  }

  How how_;
  uint64_t every_, first_;
  double fraction_;
  uint64_t seed_;
  uint64_t seen_ = 0;
  std::mt19937_64 random_;
};

HEDDLE_NODE(Sample, "Sample", R"("summary": "Lets every n-th item pass, or the first n, or a random fraction",
  "params": {
    "type": "object",
    "properties": {
      "every": {"type": "integer", "minimum": 1, "description": "Let every n-th item pass: n, 2n, …"},
      "first": {"type": "integer", "minimum": 0, "description": "Let the first n items of a run pass"},
      "fraction": {"type": "number", "minimum": 0, "maximum": 1, "description": "Let each item pass with this probability"},
      "seed": {"type": "integer", "minimum": 0, "default": 1, "description": "Of \"fraction\": the same seed and input give the same sample"}
    },
    "oneOf": [{"required": ["every"]}, {"required": ["first"]}, {"required": ["fraction"]}],
    "dependencies": {"seed": ["fraction"]},
    "additionalProperties": false
  })");

}  // namespace
