// What is said to a worker and what it says: the messages of execution.v1 as JSON.
#pragma once
#include <heddle/sidecar.h>
#include <heddle/sdk/value.h>

#include <optional>
#include <string>
#include <vector>

namespace sidecar_rest {

// The body of an assign. `unix_now_ns` and `now_ns`: the same moment on the wall clock and the monotonic one. Throws heddle::sdk::Error.
std::string assign_body(const heddle_assignment& a, uint64_t unix_now_ns, uint64_t now_ns);

// What a worker says of itself, of a task, or of why not: whatever of it is there, in its own words.
struct Said {
  bool is_object = false;  // else it is no JSON object, and nothing below is there
  std::optional<std::string> activity = {}, run = {}, status = {};
  std::string error = {}, message = {}, checkpoint = {}, ref = {};
  std::optional<int64_t> percent = {};  // 0 to 100
  heddle::sdk::Value result = {};       // BYTES; empty: none
  bool is_garbled = false;              // a result came, and is not base64
  bool skipped = false;
  std::optional<int64_t> slots = {};
  std::optional<std::vector<std::string>> tags = {};
};
Said said_in(const std::string& body);

}  // namespace sidecar_rest
