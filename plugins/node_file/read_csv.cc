#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "csv_records.h"
#include "params.h"
#include "source.h"

namespace node_file {
namespace {

using namespace heddle::sdk;

enum class Type { kString, kNumber, kInteger, kBoolean };

struct Column {
  std::string name;
  Type type = Type::kString;
};

Type type_named(std::string_view name) {
  if (name == "string") return Type::kString;
  if (name == "number") return Type::kNumber;
  if (name == "integer") return Type::kInteger;
  if (name == "boolean") return Type::kBoolean;
  throw Error(HEDDLE_INVALID, "a column's type is \"string\", \"number\", \"integer\" or \"boolean\", not \"" + std::string(name) + "\"");
}

// Whether `text` is a number in JSON's grammar, which make_decimal reads exactly; "+1", "1.", ".5", "1 000" are none.
bool is_number(std::string_view text, bool whole) {
  size_t i = text.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t from = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9') ++i;
    return i - from;
  };
  const bool zero_first = i < text.size() && text[i] == '0';
  const size_t before = digits();
  if (before == 0 || (zero_first && before > 1)) return false;
  if (whole) return i == text.size();
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

// Empty: `text` is none of that type.
Value convert(const CsvRecords::Field& field, Type type) {
  const std::string& text = field.text;
  switch (type) {
    case Type::kString:
      return utf8_fault(text) == text.npos ? Value::string(text) : Value();
    case Type::kNumber:
    case Type::kInteger:
      if (text.empty()) return Value::null();
      return is_number(text, type == Type::kInteger) ? Value::decimal(text) : Value();
    case Type::kBoolean:
      break;
  }
  if (text.empty()) return Value::null();
  if (text == "true" || text == "TRUE" || text == "True" || text == "1") return Value::boolean(true);
  if (text == "false" || text == "FALSE" || text == "False" || text == "0") return Value::boolean(false);
  return {};
}

const char* what_was_wanted(Type type) {
  switch (type) {
    case Type::kString:
      return "not UTF-8";
    case Type::kNumber:
      return "not a number";
    case Type::kInteger:
      return "not an integer";
    case Type::kBoolean:
      break;
  }
  return "not a truth value (true, false, 1, 0)";
}

class CsvReader {
 public:
  explicit CsvReader(const Config& config)
      : path_(config.get<std::string>("path")),
        max_record_(max_line_bytes(config)),
        delimiter_(delimiter_of(config)),
        header_(config.get<bool>("header", true)) {
    if (const ValueRef names = config.find("columns")) {
      if (header_) throw Error(HEDDLE_INVALID, "the param \"columns\" is for files without a header: say \"header\": false too");
      for (size_t i = 0; i < names.size(); ++i) given_.push_back({std::string(names.at(i).as_text().value_or("")), Type::kString});
      check_names(given_);
    }
    const ValueRef types = config.find("types");
    for (size_t i = 0; i < types.size(); ++i) {
      std::string_view name;
      const ValueRef type = types.at(i, &name);
      types_.push_back({std::string(name), type_named(type.as_text().value_or(""))});
    }
    if (!types_.empty() && !header_ && given_.empty())
      throw Error(HEDDLE_INVALID, "the param \"types\" needs names of columns: a header, or \"columns\"");
    if (!given_.empty()) set_types(given_);
  }

  void open() {
    records_ = std::make_unique<CsvRecords>(path_, delimiter_, max_record_);
    columns_ = given_;
    if (header_) read_header();
  }
  void close() { records_.reset(); }

  bool next(Emission& out) {
    switch (records_->next()) {
      case CsvRecords::Outcome::kEnd:
        return false;
      case CsvRecords::Outcome::kFault:
        out = bad_item(records_->fault(), records_->text(), records_->text_bytes());
        return true;
      case CsvRecords::Outcome::kRecord:
        break;
    }
    Fault fault;
    if (Value value = columns_.empty() ? list_of(fault) : object_of(fault))
      out = {kOut, std::move(value)};
    else
      out = bad_item(fault, records_->text(), records_->text_bytes());
    return true;
  }

 private:
  static void check_names(const std::vector<Column>& columns) {
    for (size_t i = 0; i < columns.size(); ++i)
      for (size_t k = 0; k < i; ++k)
        if (columns[i].name == columns[k].name) throw Error(HEDDLE_INVALID, "two columns are named \"" + columns[i].name + "\"");
  }

  void set_types(std::vector<Column>& columns) const {
    for (const Column& typed : types_) {
      const auto column = std::ranges::find(columns, typed.name, &Column::name);
      if (column == columns.end())
        throw Error(HEDDLE_INVALID, "\"types\" names the column \"" + typed.name + "\", which \"" + path_ + "\" does not have");
      column->type = typed.type;
    }
  }

  // An empty file has no header and no records.
  void read_header() {
    const auto outcome = records_->next();
    if (outcome == CsvRecords::Outcome::kEnd) return;
    if (outcome == CsvRecords::Outcome::kFault) {
      const Fault& fault = records_->fault();
      throw Error(HEDDLE_INVALID, "the header of \"" + path_ + "\" cannot be read: line " + std::to_string(fault.line) + ", column " +
                                      std::to_string(fault.column) + ": " + fault.why);
    }
    for (const auto& field : records_->fields()) {
      if (utf8_fault(field.text) != std::string::npos) throw Error(HEDDLE_INVALID, "the header of \"" + path_ + "\" is not UTF-8");
      columns_.push_back({field.text, Type::kString});
    }
    check_names(columns_);
    set_types(columns_);
  }

  Value list_of(Fault& fault) const {
    std::vector<Value> values;
    for (const auto& field : records_->fields()) {
      values.push_back(convert(field, Type::kString));
      if (!values.back()) return fault = {field.line, field.column, what_was_wanted(Type::kString)}, Value();
    }
    return Value::list(std::move(values));
  }

  Value object_of(Fault& fault) {
    const auto& fields = records_->fields();
    if (fields.size() != columns_.size()) {
      const auto& at = fields[std::min(columns_.size(), fields.size() - 1)];
      fault = {at.line, at.column,
               "the record has " + std::to_string(fields.size()) + " fields, not " + std::to_string(columns_.size()) + " like the columns"};
      return {};
    }
    entries_.clear();
    for (size_t i = 0; i < columns_.size(); ++i) {
      Value value = convert(fields[i], columns_[i].type);
      if (!value) {
        fault = {fields[i].line, fields[i].column, "column \"" + columns_[i].name + "\" is " + what_was_wanted(columns_[i].type)};
        return {};
      }
      entries_.push_back({columns_[i].name, std::move(value)});
    }
    return Value::map(entries_);
  }

  std::string path_;
  size_t max_record_;
  char delimiter_;
  bool header_;
  std::vector<Column> given_;    // "columns"
  std::vector<Column> types_;    // "types"
  std::vector<Column> columns_;  // of the open file
  std::vector<Value::Entry> entries_;
  std::unique_ptr<CsvRecords> records_;
};

HEDDLE_NODE(
    Source<CsvReader>, "ReadCsv",
    R"("summary":"Reads a CSV file (RFC 4180), one object a record; gzip is seen and unpacked.",)"
    R"("params":{"type":"object","properties":{)" NODE_FILE_PATH "," NODE_FILE_MAX_LINE
    R"(,"header":{"type":"boolean","default":true,"description":"The first record names the columns. Without a header and without \"columns\" every record )"
    R"(is a list."},)"
    R"("columns":{"type":"array","items":{"type":"string"},"minItems":1,"description":"The names of the columns of a file without a header."},)"
    R"("delimiter":{"type":"string","minLength":1,"maxLength":1,"default":",","description":"One ASCII character between fields."},)"
    R"("types":{"type":"object","additionalProperties":{"enum":["string","number","integer","boolean"]},"default":{},"description":"By column: )"
    R"(what its texts become. Numbers stay exact; an empty field becomes null. A column not named here is a string."})"
    R"(},"required":["path"],"additionalProperties":false},)" NODE_FILE_SOURCE_SHAPE);

}  // namespace
}  // namespace node_file
