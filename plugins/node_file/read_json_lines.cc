#include <memory>

#include "json_text.h"
#include "line_reader.h"
#include "params.h"
#include "source.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

class JsonLinesReader {
 public:
  explicit JsonLinesReader(const Config& config)
      : host_(config.host()), path_(config.get<std::string>("path")), max_line_(max_line_bytes(config)) {}
  void open() { lines_ = std::make_unique<LineReader>(path_, max_line_); }
  void close() { lines_.reset(); }

  bool next(Emission& out) {
    Line line;
    do {
      if (!lines_->next(line)) return false;
    } while (is_blank(line));
    Fault fault{line.number, 0, {}};
    if (line.too_long) {
      fault.why = "the line has " + std::to_string(line.length) + " bytes, more than " + std::to_string(max_line_);
    } else if (Value value = parse_json(host_, line.text, fault)) {
      out = {kOut, std::move(value)};
      return true;
    }
    out = bad_item(fault, line.text, line.length);
    return true;
  }

 private:
  static bool is_blank(const Line& line) { return !line.too_long && line.text.find_first_not_of(" \t\r") == line.text.npos; }

  Host host_;
  std::string path_;
  size_t max_line_;
  std::unique_ptr<LineReader> lines_;
};

HEDDLE_NODE(Source<JsonLinesReader>, "ReadJsonLines",
            R"("summary":"Reads a file of JSON lines, one value a line; gzip is seen and unpacked.",)"
            R"("params":{"type":"object","properties":{)" NODE_FILE_PATH "," NODE_FILE_MAX_LINE
            R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SOURCE_SHAPE);

}  // namespace
}  // namespace node_file
