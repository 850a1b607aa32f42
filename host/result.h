// Failure is a value: Result<T> carries a T or an Error. The members are those of std::expected, which GCC 12 lacks in C++20.
#pragma once
#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace heddle {

// What a caller may do about a failure. The names are those that error items and `--json` show.
enum class ErrorClass : uint8_t { kPermanent, kRetryable, kConfig, kCancelled };

constexpr std::string_view name_of(ErrorClass c) {
  switch (c) {
    case ErrorClass::kRetryable: return "retryable";
    case ErrorClass::kConfig: return "config";
    case ErrorClass::kCancelled: return "cancelled";
    case ErrorClass::kPermanent: break;
  }
  return "permanent";
}

// One failure. `message` is written once, where the fact is known, in the user's words; `code` is stable and short ("no-such-port").
struct Error {
  std::string code;
  ErrorClass error_class = ErrorClass::kPermanent;
  std::string message;
  std::string details = {};  // what a plugin says of it beside, as JSON for programs; empty: nothing
  std::shared_ptr<const Error> cause;

  Error() = default;
  Error(std::string code_, std::string message_, ErrorClass class_ = ErrorClass::kPermanent)
      : code(std::move(code_)), error_class(class_), message(std::move(message_)) {}

  Error because(Error why) && {
    cause = std::make_shared<const Error>(std::move(why));
    return std::move(*this);
  }

  // The message and those of its causes, joined by ": ".
  std::string text() const { return cause ? message + ": " + cause->text() : message; }
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { assert(has_value()); return *std::get_if<0>(&content_); }
  const T& value() const& { assert(has_value()); return *std::get_if<0>(&content_); }
  T&& value() && { assert(has_value()); return std::move(*std::get_if<0>(&content_)); }
  Error& error() & { assert(!has_value()); return *std::get_if<1>(&content_); }
  const Error& error() const& { assert(!has_value()); return *std::get_if<1>(&content_); }
  Error&& error() && { assert(!has_value()); return std::move(*std::get_if<1>(&content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> content_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  Error& error() & { assert(error_); return *error_; }
  const Error& error() const& { assert(error_); return *error_; }
  Error&& error() && { assert(error_); return std::move(*error_); }

 private:
  std::optional<Error> error_;
};

}  // namespace heddle
