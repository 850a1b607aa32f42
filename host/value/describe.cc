#include "value/object.h"
#include "value/value.h"

namespace heddle {
namespace {

constexpr size_t kShownBytes = 40;

// At most kShownBytes of `text`, cut between characters.
std::string shortened(std::string_view text) {
  if (text.size() <= kShownBytes) return std::string(text);
  size_t end = kShownBytes;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

std::string counted(size_t count, const char* one, const char* many) { return std::to_string(count) + " " + (count == 1 ? one : many); }

}  // namespace

std::string describe(const Value& v) {
  if (!v) return "no value";
  switch (v.kind()) {
    case HEDDLE_NULL:
      return "nothing";
    case HEDDLE_BOOL:
      return "the boolean " + v.json();
    case HEDDLE_INT:
    case HEDDLE_FLOAT:
    case HEDDLE_DECIMAL:
      return "the number " + shortened(v.json());
    case HEDDLE_STRING:
      return "the text \"" + shortened(v.as_text().value_or("")) + "\"";
    case HEDDLE_BYTES:
      return counted(v.size(), "byte", "bytes");
    case HEDDLE_LIST:
      return v.size() == 0 ? "an empty list" : "a list of " + std::to_string(v.size());
    case HEDDLE_MAP:
      return v.size() == 0 ? "an empty object" : "an object with " + counted(v.size(), "member", "members");
    case HEDDLE_TENSOR:
      return "a tensor";
    default:
      return "a value of an unknown kind";
  }
}

}  // namespace heddle
