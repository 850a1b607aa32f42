#include "csv_records.h"

#include <algorithm>

namespace node_file {
namespace {
constexpr size_t kShown = size_t{4} << 10;
}

CsvRecords::CsvRecords(std::string path, char delimiter, size_t max_record_bytes)
    : lines_(std::move(path), max_record_bytes), delimiter_(delimiter), max_record_(max_record_bytes) {}

CsvRecords::Outcome CsvRecords::next() {
  Line line;
  do {
    if (!lines_.next(line)) return Outcome::kEnd;
  } while (line.text.empty() && !line.too_long);
  first_line_ = line.number;
  bytes_ = 0;
  used_ = 0;
  text_.clear();
  text_bytes_ = 0;
  state_ = State::kFieldStart;
  for (;;) {
    if (text_.size() < kShown) text_.append(line.text.substr(0, kShown - text_.size()));
    text_bytes_ += line.length;
    bytes_ += line.length + line.end.size();
    if (line.too_long || bytes_ > max_record_ + line.end.size()) {
      fail(first_line_, 0, "the record has more than " + std::to_string(max_record_) + " bytes");
      return Outcome::kFault;
    }
    if (!take(line)) return Outcome::kFault;
    if (state_ != State::kQuoted) break;
    Field& open = fields_[used_ - 1];
    open.text.append(line.end);
    if (text_.size() < kShown) text_.append(line.end);
    text_bytes_ += line.end.size();
    if (!lines_.next(line)) {
      fail(open.line, open.column, "the quote that opens here is never closed");
      return Outcome::kFault;
    }
  }
  fields_.resize(used_);
  return Outcome::kRecord;
}

CsvRecords::Field& CsvRecords::add_field(uint64_t line, uint64_t column) {
  if (used_ == fields_.size()) fields_.emplace_back();
  Field& field = fields_[used_++];
  field.text.clear();
  field.quoted = false;
  field.line = line;
  field.column = column;
  return field;
}

bool CsvRecords::fail(uint64_t line, uint64_t column, std::string why) {
  fault_ = {line, column, std::move(why)};
  return false;
}

bool CsvRecords::take(const Line& line) {
  const std::string_view text = line.text;
  Field* field = state_ == State::kQuoted ? &fields_[used_ - 1] : &add_field(line.number, 1);
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    switch (state_) {
      case State::kFieldStart:
      case State::kPlain:
        if (c == delimiter_) {
          field = &add_field(line.number, i + 2);
          state_ = State::kFieldStart;
        } else if (c == '"' && state_ == State::kFieldStart) {
          field->quoted = true;
          state_ = State::kQuoted;
        } else if (c == '"') {
          return fail(line.number, i + 1, "a quote inside a field that does not begin with one");
        } else {
          size_t end = i + 1;
          while (end < text.size() && text[end] != delimiter_ && text[end] != '"') ++end;
          field->text.append(text.substr(i, end - i));
          i = end - 1;
          state_ = State::kPlain;
        }
        break;
      case State::kQuoted:
        if (c == '"') {
          state_ = State::kQuoteInQuoted;
        } else {
          const size_t end = std::min(text.find('"', i), text.size());
          field->text.append(text.substr(i, end - i));
          i = end - 1;
        }
        break;
      case State::kQuoteInQuoted:
        if (c == '"') {
          field->text += '"';
          state_ = State::kQuoted;
        } else if (c == delimiter_) {
          field = &add_field(line.number, i + 2);
          state_ = State::kFieldStart;
        } else {
          return fail(line.number, i + 1, "text after the closing quote of a field");
        }
        break;
    }
  }
  return true;
}

}  // namespace node_file
