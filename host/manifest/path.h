// Where a value stands in the document, kept on the stack while reading: no text is made until somebody asks for the JSON Pointer.
#pragma once
#include <string>
#include <string_view>

namespace heddle {

// Appends `key` as a reference token of a JSON Pointer, with its slash.
inline void append_token(std::string& pointer, std::string_view key) {
  pointer += '/';
  for (char c : key) {
    if (c == '~')
      pointer += "~0";
    else if (c == '/')
      pointer += "~1";
    else
      pointer += c;
  }
}

class Path {
 public:
  Path() = default;  // the whole document
  // `up` and `key` are borrowed: they must outlive the path.
  Path(const Path& up, std::string_view key) : up_(&up), key_(key) {}
  Path(const Path& up, size_t index) : up_(&up), index_(index), is_index_(true) {}

  std::string pointer() const {
    if (!up_) return {};
    std::string out = up_->pointer();
    if (is_index_) return out += '/' + std::to_string(index_);
    append_token(out, key_);
    return out;
  }

 private:
  const Path* up_ = nullptr;
  std::string_view key_;
  size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace heddle
