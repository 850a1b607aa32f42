#include "json_text.h"

#include <charconv>

namespace node_file {
namespace {

thread_local std::string* reason = nullptr;

void keep_reason(const heddle_host*, heddle_status, heddle_str why, const heddle_value*) noexcept {
  if (reason) reason->assign(why.ptr, why.len);
}

// "line 1, column 7: expected a value": the column becomes a number of its own.
void split_position(Fault& fault) {
  constexpr std::string_view kBefore = "line 1, column ";
  if (!fault.why.starts_with(kBefore)) return;
  const char* const end = fault.why.data() + fault.why.size();
  const auto number = std::from_chars(fault.why.data() + kBefore.size(), end, fault.column);
  const std::string_view rest(number.ptr, static_cast<size_t>(end - number.ptr));
  if (rest.starts_with(": ")) fault.why = std::string(rest.substr(2));
}

}  // namespace

heddle::sdk::Value parse_json(heddle::sdk::Host host, std::string_view text, Fault& fault) {
  static const auto* const values = host.service<heddle_value_service>(HEDDLE_VALUE);
  // A maker gives its reason to `fail` of the table that it is handed: ours is the node's own, with another place for the reason.
  heddle_host table = *host.get();
  table.struct_size = sizeof table;
  table.fail = &keep_reason;
  fault.why = "not JSON";
  reason = &fault.why;
  heddle::sdk::Value value = heddle::sdk::Value::adopt(values->make_json(&table, {text.data(), text.size()}));
  reason = nullptr;
  if (!value) split_position(fault);
  return value;
}

}  // namespace node_file
