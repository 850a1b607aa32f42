#include "params.h"
#include "sink.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

class TextFormat {
 public:
  explicit TextFormat(const Config& config) : end_(config.get<std::string>("end", "\n")) {}
  void begin(bool) {}
  void write(ValueRef value, std::string& out) {
    out.append(value.is(HEDDLE_STRING) ? *value.as_text() : value.json());
    out.append(end_);
  }

 private:
  std::string end_;
};

HEDDLE_NODE(Sink<TextFormat>, "WriteText",
            R"("summary":"Writes every text as it is, anything else as its JSON text, each followed by a line end.",)"
            R"("params":{"type":"object","properties":{)" NODE_FILE_SINK
            R"(,"end":{"type":"string","default":"\n","description":"What follows every item."})"
            R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SINK_SHAPE);

}  // namespace
}  // namespace node_file
