// Split: one list in, its elements out.
#include <heddle/sdk.h>

namespace {

using heddle::sdk::Call;
using heddle::sdk::Config;
using heddle::sdk::describe;
using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

class Split {
 public:
  explicit Split(const Config& config) : path_(config.get<std::string>("path", "")), entries_(config.get("entries", false)) {}

  void process(Call& call) const {
    ValueRef in = call.input(), whole = in.pointer(path_);
    if (!whole) throw Error(HEDDLE_INVALID, "Split found nothing at \"" + path_ + "\" in " + describe(in));
    bool map = entries_ && whole.is(HEDDLE_MAP);
    if (!map && !whole.is(HEDDLE_LIST)) {
      throw Error(HEDDLE_INVALID, std::string("Split takes a list") + (entries_ ? " or an object" : "") + ", got " + describe(whole));
    }
    for (size_t i = 0, n = whole.size(); i < n; ++i) {
      std::string_view key;
      Value element = Value::share(whole.at(i, &key));
      call.emit(map ? Value::map({{"key", Value::string(key)}, {"value", std::move(element)}}) : std::move(element));
    }
    call.complete();
  }

 private:
  std::string path_;
  bool entries_;
};

HEDDLE_NODE(Split, "Split", R"("summary": "Gives the elements of a list one by one",
  "params": {
    "type": "object",
    "properties": {
      "path": {"type": "string", "pattern": "^(/.*)?$", "default": "", "description": "JSON Pointer to the list in the item; \"\" is the item itself"},
      "entries": {"type": "boolean", "default": false, "description": "Take objects too, and give each member as {\"key\", \"value\"}"}
    },
    "additionalProperties": false
  },
  "concurrency": "parallel",
  "idempotent": true,
  "stateless": true)");

}  // namespace
