#include <memory>

#include "bad_item.h"
#include "line_reader.h"
#include "params.h"
#include "source.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

class TextReader {
 public:
  explicit TextReader(const Config& config) : path_(config.get<std::string>("path")), max_line_(max_line_bytes(config)) {}
  void open() { lines_ = std::make_unique<LineReader>(path_, max_line_); }
  void close() { lines_.reset(); }

  bool next(Emission& out) {
    Line line;
    if (!lines_->next(line)) return false;
    if (line.too_long) {
      out = bad_item({line.number, 0, "the line has " + std::to_string(line.length) + " bytes, more than " + std::to_string(max_line_)},
                     line.text, line.length);
    } else if (const size_t fault = utf8_fault(line.text); fault != std::string_view::npos) {
      out = bad_item({line.number, fault + 1, "not UTF-8"}, line.text, line.length);
    } else {
      out = {kOut, Value::string(line.text)};
    }
    return true;
  }

 private:
  std::string path_;
  size_t max_line_;
  std::unique_ptr<LineReader> lines_;
};

HEDDLE_NODE(Source<TextReader>, "ReadText",
            R"("summary":"Reads a text file and gives each line as a text, without its end; gzip is seen and unpacked.",)"
            R"("params":{"type":"object","properties":{)" NODE_FILE_PATH "," NODE_FILE_MAX_LINE
            R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SOURCE_SHAPE);

}  // namespace
}  // namespace node_file
