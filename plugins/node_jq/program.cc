#include "program.h"

#include <algorithm>
#include <climits>
#include <new>
#include <utility>

extern "C" {
#include <jq.h>
#include <jv.h>
}

namespace node_jq {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

struct Program::State {};  // a jq_state under a name of ours

void Program::Close::operator()(State* state) const {
  auto* jq = reinterpret_cast<jq_state*>(state);
  jq_teardown(&jq);
}

namespace {

// Owns one libjq value.
class Jv {
 public:
  explicit Jv(jv value) : value_(value) {}
  Jv(Jv&& other) noexcept : value_(std::exchange(other.value_, jv_invalid())) {}
  ~Jv() { jv_free(value_); }
  jv get() const { return value_; }
  jv copy() const { return jv_copy(value_); }
  jv release() { return std::exchange(value_, jv_invalid()); }
  bool valid() const { return jv_is_valid(value_); }
  bool is_text() const { return jv_get_kind(value_) == JV_KIND_STRING; }
  // Of a text, which lives as long as this object.
  std::string_view text() const { return {jv_string_value(value_), static_cast<size_t>(jv_string_length_bytes(copy()))}; }

 private:
  jv value_;
};

// The message as it is if it is a text, else its JSON text.
std::string message_text(const Jv& message) {
  if (message.is_text()) return std::string(message.text());
  return std::string(Jv(jv_dump_string(message.copy(), 0)).text());
}

// What a halted program leaves behind, taken out. libjq 1.6 frees the message at every later start, again and again: so it is made to free
// it once, and then to forget it by another halt without one.
Jv halt_message(jq_state* jq) {
  Jv message(jq_get_error_message(jq));
  jq_start(jq, jv_null(), 0);
  jq_halt(jq, jv_invalid(), jv_invalid());
  return message;
}

jq_state* jq_of(void* state) { return static_cast<jq_state*>(state); }

void remove(std::string& text, std::string_view piece) {
  if (const size_t at = text.find(piece); at != text.npos) text.erase(at, piece.size());
}

// libjq's word for "input" and "inputs" at their end.
std::string in_words(std::string message) {
  return message == "break" ? "there is no further input: a program gets one item at a time, and \"input\" would be the next" : message;
}

// Called for every error of a compilation: keeps the first, without what speaks of jq's command line. The last one only counts them.
void keep_first(void* first, jv raw) {
  const Jv message(raw);
  auto& kept = *static_cast<std::string*>(first);
  if (!kept.empty()) return;
  kept = message_text(message);
  remove(kept, "jq: error: ");
  remove(kept, " (Unix shell quoting issues?)");
  remove(kept, " at <top-level>");
  while (!kept.empty() && (kept.back() == ' ' || kept.back() == '\n')) kept.pop_back();
}

Jv parse(std::string_view json) {
  if (json.size() > INT_MAX) throw Error(HEDDLE_EXHAUSTED, "jq takes no text of more than 2 GiB");
  Jv parsed(jv_parse_sized(json.data(), static_cast<int>(json.size())));
  if (parsed.valid()) return parsed;
  std::string why = message_text(Jv(jv_invalid_get_msg(parsed.release())));
  why.resize(std::min(why.size(), why.find(" (while parsing")));  // it would repeat the whole input
  throw Error(HEDDLE_INVALID, "jq cannot read the input: " + why);
}

}  // namespace

Program::Program(std::string_view what, const std::string& text, std::string_view vars_json) : state_(reinterpret_cast<State*>(jq_init())) {
  if (!state_) throw std::bad_alloc();
  auto* jq = jq_of(state_.get());
  // libjq 1.6 leaves both as it finds them in memory.
  jq_set_input_cb(jq, nullptr, nullptr);
  jq_set_debug_cb(jq, nullptr, nullptr);
  if (text.find('\0') != text.npos) throw Error(HEDDLE_INVALID, std::string(what) + " has a NUL byte");
  // Modules are looked for nowhere; without these attributes libjq 1.6 aborts on "import".
  jq_set_attr(jq, jv_string("JQ_LIBRARY_PATH"), jv_array());
  jq_set_attr(jq, jv_string("JQ_ORIGIN"), jv_string("/nonexistent"));
  jq_set_attr(jq, jv_string("PROGRAM_ORIGIN"), jv_string("/nonexistent"));
  std::string first;
  jq_set_error_cb(jq, &keep_first, &first);
  const bool compiled = jq_compile_args(jq, text.c_str(), parse(vars_json).release()) != 0;
  jq_set_error_cb(jq, nullptr, nullptr);
  if (!compiled) throw Error(HEDDLE_INVALID, std::string(what) + " is no jq program: " + first);
}

template <class Take>
void Program::each(ValueRef input, Take take) {
  auto* jq = jq_of(state_.get());
  jq_start(jq, parse(input.json()).release(), 0);
  for (;;) {
    Jv output(jq_next(jq));
    if (output.valid()) {
      if (!take(output)) return;
      continue;
    }
    if (jq_halted(jq)) {
      const Jv message = halt_message(jq);
      if (message.valid() && jv_get_kind(message.get()) != JV_KIND_NULL) throw Error(HEDDLE_INVALID, "jq: " + message_text(message));
      return;
    }
    if (jv_invalid_has_msg(output.copy()))
      throw Error(HEDDLE_INVALID, "jq: " + in_words(message_text(Jv(jv_invalid_get_msg(output.release())))));
    return;
  }
}

void Program::run(ValueRef input, const std::function<bool(std::string_view)>& take) {
  each(input, [&](Jv& output) { return take(Jv(jv_dump_string(output.release(), 0)).text()); });
}

bool Program::holds_for(ValueRef input) {
  bool holds = false;
  each(input, [&](Jv& output) {
    const jv_kind kind = jv_get_kind(output.get());
    holds = kind != JV_KIND_NULL && kind != JV_KIND_FALSE;
    return !holds;
  });
  return holds;
}

}  // namespace node_jq
