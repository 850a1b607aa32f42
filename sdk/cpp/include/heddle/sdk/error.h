// SPDX-License-Identifier: Apache-2.0
//
// Error: how a node says why. Throw it from anywhere in a node; the thunks (thunk.h) turn it into the status and the text of the answer.
#pragma once
#include <heddle/abi.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace heddle::sdk {

class Error : public std::exception {
 public:
  // `status` is negative (HEDDLE_INVALID, …) and decides whether the host may retry; `why` is in the user's words.
  Error(heddle_status status, std::string why) : status_(status), why_(std::move(why)) {}
  heddle_status status() const noexcept { return status_; }
  const char* what() const noexcept override { return why_.c_str(); }

 private:
  heddle_status status_;
  std::string why_;
};

namespace detail {

inline heddle_str to_str(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline std::string_view to_view(heddle_str s) noexcept { return {s.ptr, s.len}; }

// Calls `fn`; what it throws goes to `answer(status, why)`. This is the one place where exceptions stop before the ABI.
template <class Fn, class Answer>
void guard(Fn&& fn, Answer&& answer) noexcept {
  try {
    fn();
  } catch (const Error& e) {
    answer(e.status() < 0 ? e.status() : HEDDLE_INTERNAL, std::string_view(e.what()));
  } catch (const std::bad_alloc&) {
    answer(HEDDLE_EXHAUSTED, std::string_view("out of memory"));
  } catch (const std::invalid_argument& e) {
    answer(HEDDLE_INVALID, std::string_view(e.what()));
  } catch (const std::exception& e) {
    answer(HEDDLE_INTERNAL, std::string_view(e.what()));
  } catch (...) {
    answer(HEDDLE_INTERNAL, std::string_view("something was thrown that is not a std::exception"));
  }
}

}  // namespace detail
}  // namespace heddle::sdk
