#include "manifest/diagnostic.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "log.h"
#include "manifest/excerpt.h"
#include "manifest/utf8.h"

namespace heddle {
namespace {

constexpr std::string_view kBom = "\xEF\xBB\xBF";

struct Paint {
  std::string_view strong, error, warning, note, place, hint, off;
};
constexpr Paint kPlain{};
constexpr Paint kColors{"\033[1m", "\033[1;31m", "\033[1;35m", "\033[1;36m", "\033[1;32m", "\033[36m", "\033[0m"};

std::string_view name_of(Severity s) { return s == Severity::kError ? "error" : s == Severity::kWarning ? "warning" : "note"; }

std::string_view color_of(const Paint& paint, Severity s) {
  return s == Severity::kError ? paint.error : s == Severity::kWarning ? paint.warning : paint.note;
}

std::string shown(std::string_view text) { return printable(log::redacted(text)); }

bool lies_in(Span inner, Span outer) {
  if (inner.offset == Span::kNone || outer.offset == Span::kNone) return false;
  return inner.offset >= outer.offset && inner.offset + inner.length <= outer.offset + outer.length;
}

std::vector<const Diagnostic*> by_place(const std::vector<Diagnostic>& all) {
  std::vector<const Diagnostic*> out;
  out.reserve(all.size());
  for (const Diagnostic& d : all) out.push_back(&d);
  // kNone + 1 is 0: what has no place comes first.
  std::stable_sort(out.begin(), out.end(), [](auto* a, auto* b) { return a->span.offset + 1 < b->span.offset + 1; });
  return out;
}

}  // namespace

void Diagnostics::add(Diagnostic d) {
  size_t& count = d.severity == Severity::kError ? errors_ : lesser_;
  if (count++ < kMax) all_.push_back(std::move(d));
}

void Diagnostics::doubt(Span span) {
  if (span.offset != Span::kNone && doubts_.size() < kMax) doubts_.push_back(span);
}

bool Diagnostics::is_doubtful(Span span) const {
  if (span.offset == Span::kNone || (errors_ == 0 && doubts_.empty())) return false;
  return std::any_of(doubts_.begin(), doubts_.end(), [&](Span doubt) { return lies_in(doubt, span) || lies_in(span, doubt); }) ||
         std::any_of(all_.begin(), all_.end(), [&](const Diagnostic& d) {
           return d.severity == Severity::kError && (lies_in(d.span, span) || lies_in(span, d.span));
         });
}

bool Diagnostics::is_unknown(Span span) const {
  return std::any_of(doubts_.begin(), doubts_.end(), [&](Span doubt) { return lies_in(span, doubt); });
}

Diagnostics::Place Diagnostics::place(size_t offset) const {
  if (offset == Span::kNone) return {};
  const std::string_view before = std::string_view(text_).substr(0, offset);
  const size_t last = before.rfind('\n');
  const size_t lines = static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  std::string_view line = last == std::string_view::npos ? before : before.substr(last + 1);
  if (lines == 0 && line.substr(0, kBom.size()) == kBom) line.remove_prefix(kBom.size());
  const auto tails = std::count_if(line.begin(), line.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
  return {lines + 1, line.size() - static_cast<size_t>(tails) + 1};
}

std::string Diagnostics::text(bool color) const {
  const Paint& paint = color ? kColors : kPlain;
  std::string out;
  auto add = [&out](auto... parts) { (out.append(parts), ...); };
  const std::string file = printable(file_);
  for (const Diagnostic* d : by_place(all_)) {
    const Place at = place(d->span.offset);
    add(paint.strong, file, ":");
    if (at.line > 0) add(std::to_string(at.line), ":", std::to_string(at.column), ":");
    add(paint.off, " ", color_of(paint, d->severity), name_of(d->severity), "[", d->code, "]", paint.off, ": ");
    add(paint.strong, d->verbatim ? printable(d->message) : shown(d->message), paint.off, "\n");
    std::string margin = "      ";
    if (at.line > 0) {
      const Excerpt e = excerpt(text_, d->span);
      const std::string number = std::to_string(at.line);
      margin.assign(std::max<size_t>(number.size() + 1, 6), ' ');
      add(margin.substr(number.size()), number, " | ", log::redacted(e.source), "\n");
      add(margin, " | ", paint.place, e.caret, paint.off, "\n");
    }
    if (!d->hint.empty()) add(margin, " = ", paint.hint, "hint: ", shown(d->hint), paint.off, "\n");
  }
  const size_t hidden = errors_ + lesser_ - all_.size();
  if (hidden > 0) add(file, ": and ", std::to_string(hidden), " more, not shown\n");
  return out;
}

std::string Diagnostics::json() const {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  auto member = [&writer](std::string_view key, std::string_view value) {
    writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
    writer.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
  };
  auto number = [&writer](const char* key, size_t value) {
    writer.Key(key);
    if (value > 0)
      writer.Uint64(value);
    else
      writer.Null();
  };
  writer.StartArray();
  for (const Diagnostic* d : by_place(all_)) {
    const Place at = place(d->span.offset);
    writer.StartObject();
    member("severity", name_of(d->severity));
    member("code", d->code);
    member("file", printable(file_));
    number("line", at.line);
    number("column", at.column);
    member("pointer", log::redacted(d->pointer));
    member("message", d->verbatim ? printable(d->message) : shown(d->message));
    member("hint", shown(d->hint));
    writer.EndObject();
  }
  writer.EndArray();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace heddle
