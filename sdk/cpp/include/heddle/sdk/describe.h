// SPDX-License-Identifier: Apache-2.0
//
// describe(): what came, in the words of an error message: "the text \"abc\"", "the number 7", "a list of 3".
#pragma once
#include "value.h"

namespace heddle::sdk {

inline std::string describe(ValueRef v) {
  static constexpr size_t kShown = 40;  // bytes of a text that an error message quotes
  if (!v) return "nothing";
  switch (v.kind()) {
    case HEDDLE_NULL:
      return "null";
    case HEDDLE_BOOL:
      return *v.as_bool() ? "true" : "false";
    case HEDDLE_INT:
    case HEDDLE_FLOAT:
    case HEDDLE_DECIMAL:
      return "the number " + std::string(v.json());
    case HEDDLE_STRING: {
      std::string_view text = *v.as_text();
      if (text.size() <= kShown) return "the text \"" + std::string(text) + '"';
      size_t end = kShown;
      while (end > 0 && (text[end] & 0xC0) == 0x80) --end;  // not inside a character
      return "the text \"" + std::string(text.substr(0, end)) + "…\"";
    }
    case HEDDLE_BYTES:
      return std::to_string(v.size()) + " bytes";
    case HEDDLE_LIST:
      return "a list of " + std::to_string(v.size());
    case HEDDLE_MAP:
      return "an object";
    case HEDDLE_TENSOR:
      return "a tensor";
    default:
      return "a value of unknown kind";
  }
}

}  // namespace heddle::sdk
