#include <algorithm>

#include "params.h"
#include "sink.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

class JsonLinesFormat {
 public:
  explicit JsonLinesFormat(const Config&) {}
  void begin(bool) {}
  void write(ValueRef value, std::string& out) {
    const std::string_view json = value.json();
    out.append(json);
    // The text is the original one, which may have been written over several lines: outside of strings, where JSON has no raw line ends.
    if (json.find_first_of("\r\n") != json.npos)
      std::ranges::replace_if(
          out, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out += '\n';
  }
};

HEDDLE_NODE(Sink<JsonLinesFormat>, "WriteJsonLines",
            R"("summary":"Writes every item as one line of JSON.",)"
            R"("params":{"type":"object","properties":{)" NODE_FILE_SINK
            R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SINK_SHAPE);

}  // namespace
}  // namespace node_file
