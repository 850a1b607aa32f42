// Log: writes a line per item and lets it pass.
#include <heddle/sdk.h>

namespace {

using heddle::sdk::Call;
using heddle::sdk::Config;
using heddle::sdk::Error;
using heddle::sdk::ValueRef;

heddle_level level_named(std::string_view name) {
  if (name == "debug") return HEDDLE_DEBUG;
  if (name == "info") return HEDDLE_INFO;
  if (name == "warn") return HEDDLE_WARN;
  if (name == "error") return HEDDLE_ERROR;
  throw Error(HEDDLE_INVALID, "\"level\" is one of debug, info, warn, error, got \"" + std::string(name) + '"');
}

class Log {
 public:
  explicit Log(const Config& config)
      : log_(config.log()),
        level_(level_named(config.get<std::string>("level", "info"))),
        message_(config.get<std::string>("message", "")),
        value_(config.get<std::string>("value", "")),
        max_bytes_(config.get<size_t>("max_bytes", 1000)) {}

  void process(Call& call) const {
    if (log_.enabled(level_)) log_.write(level_, line(call.input()));
    call.emit(call.take());
    call.complete();
  }

 private:
  std::string line(ValueRef item) const {
    ValueRef shown = item.pointer(value_);
    std::string_view json = shown ? shown.json() : "(nothing there)";
    std::string text = message_.empty() ? "" : message_ + ": ";
    if (json.size() <= max_bytes_) return text.append(json);
    size_t end = max_bytes_;
    while (end > 0 && (json[end] & 0xC0) == 0x80) --end;  // not inside a character
    return text.append(json.substr(0, end)).append("…");
  }

  heddle::sdk::Log log_;
  heddle_level level_;
  std::string message_, value_;
  size_t max_bytes_;
};

HEDDLE_NODE(Log, "Log", R"("summary": "Writes a log line per item and lets it pass",
  "params": {
    "type": "object",
    "properties": {
      "level": {"enum": ["debug", "info", "warn", "error"], "default": "info", "description": "The level of the lines"},
      "message": {"type": "string", "default": "", "description": "What stands before the item"},
      "value": {"type": "string", "pattern": "^(/.*)?$", "default": "", "description": "JSON Pointer to the part of the item that is shown; \"\" is all of it"},
      "max_bytes": {"type": "integer", "minimum": 0, "default": 1000, "description": "At most so much of it is shown"}
    },
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
