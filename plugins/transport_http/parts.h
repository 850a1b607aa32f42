// Parts: the parts of an answer, cut out of its bytes as its content type says: see heddle/transport.h.
#pragma once
#include <heddle/sdk/value.h>

#include <functional>
#include <string>
#include <string_view>

namespace transport_http {

// One thread.
class Parts {
 public:
  using Deliver = std::function<bool(heddle::sdk::Value)>;  // false: enough
  // No part larger than `most_bytes` is kept.
  Parts(std::string_view content_type, size_t most_bytes, Deliver deliver);

  // False: a part is too large, or it is enough. Throws heddle::sdk::Error for what is no text.
  bool take(std::string_view bytes);
  // The answer has come to its end: a last line needs no line end, an event that is not complete is none.
  bool end();
  bool is_too_large() const { return too_large_; }

 private:
  enum class Kind { kLines, kEvents, kBytes };
  bool take_line(std::string_view line);
  bool add_field(std::string_view line);
  bool dispatch();

  const Kind kind_;
  const size_t most_;
  const Deliver deliver_;
  std::string line_;  // begun
  bool after_cr_ = false, first_ = true, too_large_ = false;
  // Of the event that has begun:
  std::string name_, id_, data_;
  bool has_id_ = false, has_data_ = false;
};

}  // namespace transport_http
