#include <algorithm>
#include <vector>

#include "params.h"
#include "sink.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

class CsvFormat {
 public:
  explicit CsvFormat(const Config& config)
      : delimiter_(delimiter_of(config)),
        header_(config.get<bool>("header", true)),
        ignore_extra_(config.get<std::string>("extra", "error") == "ignore"),
        line_end_(config.get<std::string>("line_end", "lf") == "crlf" ? "\r\n" : "\n") {
    const ValueRef names = config.find("columns");
    for (size_t i = 0; i < names.size(); ++i) given_.emplace_back(names.at(i).as_text().value_or(""));
  }

  void begin(bool file_is_empty) {
    columns_ = given_;
    header_is_due_ = header_ && file_is_empty;
  }

  void write(ValueRef value, std::string& out) {
    if (value.is(HEDDLE_LIST)) return write_list(value, out);
    if (!value.is(HEDDLE_MAP)) throw Error(HEDDLE_INVALID, "WriteCsv takes objects and lists, and this is neither: " + shown(value));
    write_object(value, out);
  }

 private:
  static std::string shown(ValueRef value) { return std::string(value.json().substr(0, 80)); }

  void write_list(ValueRef value, std::string& out) {
    if (!columns_.empty() && value.size() != columns_.size())
      throw Error(HEDDLE_INVALID, "a list of " + std::to_string(value.size()) + " for " + std::to_string(columns_.size()) + " columns");
    write_header(out);
    const size_t begin = out.size();
    for (size_t i = 0; i < value.size(); ++i) {
      if (i) out += delimiter_;
      write_field(value.at(i), out);
    }
    end_record(begin, out);
  }

  void write_object(ValueRef value, std::string& out) {
    if (columns_.empty()) {  // the first object says what the columns are
      if (value.size() == 0) throw Error(HEDDLE_INVALID, "an empty object cannot say what the columns are");
      for (size_t i = 0; i < value.size(); ++i) {
        std::string_view key;
        value.at(i, &key);
        columns_.emplace_back(key);
      }
    }
    std::vector<ValueRef> fields(columns_.size());
    for (size_t i = 0; i < value.size(); ++i) {
      std::string_view key;
      const ValueRef field = value.at(i, &key);
      // Objects mostly come with their keys in the order of the columns.
      const auto column =
          i < columns_.size() && columns_[i] == key ? columns_.begin() + static_cast<ptrdiff_t>(i) : std::ranges::find(columns_, key);
      if (column != columns_.end())
        fields[static_cast<size_t>(column - columns_.begin())] = field;
      else if (!ignore_extra_)
        throw Error(HEDDLE_INVALID, "\"" + std::string(key) + "\" is none of the columns");
    }
    write_header(out);
    const size_t begin = out.size();
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i) out += delimiter_;
      if (fields[i]) write_field(fields[i], out);
    }
    end_record(begin, out);
  }

  // A record of one empty field would be a blank line, which readers pass over.
  void end_record(size_t begin, std::string& out) const {
    if (out.size() == begin) out.append("\"\"");
    out.append(line_end_);
  }

  void write_header(std::string& out) {
    if (!header_is_due_ || columns_.empty()) return;
    header_is_due_ = false;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i) out += delimiter_;
      write_text(columns_[i], out);
    }
    out.append(line_end_);
  }

  void write_field(ValueRef field, std::string& out) const {
    if (field.is_null()) return;
    if (!field.is(HEDDLE_STRING)) return write_text(field.json(), out);
    // An empty text is told from null by its quotes.
    const std::string_view text = *field.as_text();
    if (text.empty())
      out.append("\"\"");
    else
      write_text(text, out);
  }

  void write_text(std::string_view text, std::string& out) const {
    const bool plain = std::ranges::none_of(text, [&](char c) { return c == delimiter_ || c == '"' || c == '\n' || c == '\r'; });
    if (plain) {
      out.append(text);
      return;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }

  char delimiter_;
  bool header_;
  bool ignore_extra_;
  std::string_view line_end_;
  std::vector<std::string> given_;    // "columns"
  std::vector<std::string> columns_;  // of the open file
  bool header_is_due_ = false;
};

HEDDLE_NODE(
    Sink<CsvFormat>, "WriteCsv",
    R"("summary":"Writes every object, or list, as one CSV record (RFC 4180).",)"
    R"("params":{"type":"object","properties":{)" NODE_FILE_SINK
    R"(,"columns":{"type":"array","items":{"type":"string"},"minItems":1,"description":"The columns, in order. Default: the keys of the first object."},)"
    R"("header":{"type":"boolean","default":true,"description":"Begin with the names of the columns, unless records are added to a file that has some."},)"
    R"("delimiter":{"type":"string","minLength":1,"maxLength":1,"default":",","description":"One ASCII character between fields."},)"
    R"("extra":{"enum":["error","ignore"],"default":"error","description":"What to do with an object that has a key which is none of the columns."},)"
    R"("line_end":{"enum":["lf","crlf"],"default":"lf","description":"What ends a record."})"
    R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SINK_SHAPE);

}  // namespace
}  // namespace node_file
