#include "message.h"

#include <heddle/sdk.h>

#include <algorithm>
#include <cmath>

#include "coding.h"

namespace sidecar_rest {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

std::string text_of(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

// Of what is written for people, the beginning is enough.
std::string words_of(ValueRef map, std::string_view key) {
  constexpr size_t kMost = 4'096;
  std::string_view text = map.find(key).as_text().value_or("");
  if (text.size() <= kMost) return std::string(text);
  size_t end = kMost;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end));
}

std::optional<std::string> text_in(ValueRef map, std::string_view key) {
  const auto text = map.find(key).as_text();
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

// Seconds of the wall clock at which `deadline_ns` of the monotonic one comes.
int64_t unix_of(uint64_t deadline_ns, uint64_t unix_now_ns, uint64_t now_ns) {
  if (deadline_ns == 0) return 0;
  const uint64_t left = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
  return static_cast<int64_t>((unix_now_ns + left + 999'999'999) / 1'000'000'000);
}

Value input_of(ValueRef input) {
  std::vector<Value::Entry> members = {{"name", Value::string(text_of(input, "name"))}};
  if (const auto type = input.find("media_type").as_text()) members.push_back({"media_type", Value::string(*type)});
  if (const auto ref = input.find("ref").as_text()) members.push_back({"ref", Value::string(*ref)});
  else if (const auto bytes = input.find("bytes").as_bytes()) members.push_back({"inline_bytes", Value::string(to_base64(*bytes))});
  else if (const ValueRef value = input.find("value")) members.push_back({"inline_json", Value::string(value.json())});
  return Value::map(std::span(members));
}

Said read(ValueRef body) {
  Said said;
  said.is_object = true;
  said.activity = text_in(body, "activity_id");
  said.run = text_in(body, "run_id");
  said.status = text_in(body, "status");
  said.error = words_of(body, "error");
  said.message = words_of(body, "message");
  said.checkpoint = text_of(body, "checkpoint_ref");
  said.ref = text_of(body, "result_ref");
  said.skipped = body.find("skipped").as_bool().value_or(false);
  if (const auto percent = body.find("progress").as_float()) said.percent = std::clamp<int64_t>(std::llround(std::clamp(*percent, 0.0, 100.0)), 0, 100);
  if (const auto result = body.find("result_inline").as_text(); result && !result->empty()) {
    const auto bytes = from_base64(*result);
    said.is_garbled = !bytes;
    if (bytes) said.result = Value::bytes(std::as_bytes(std::span(*bytes)));
  }
  said.slots = body.find("slots").as_int();
  if (const ValueRef tags = body.find("tags"); tags.is(HEDDLE_LIST)) {
    said.tags.emplace();
    for (size_t i = 0; i < std::min<size_t>(tags.size(), 1000); ++i)
      if (const auto tag = tags.at(i).as_text()) said.tags->emplace_back(*tag);
  }
  return said;
}

}  // namespace

std::string assign_body(const heddle_assignment& a, uint64_t unix_now_ns, uint64_t now_ns) {
  const auto text = [](heddle_str s) { return Value::string(heddle::sdk::detail::to_view(s)); };
  std::vector<Value> inputs;
  const ValueRef given(a.inputs);
  for (size_t i = 0; i < given.size(); ++i) inputs.push_back(input_of(given.at(i)));
  if (a.checkpoint.len > 0) inputs.push_back(Value::map({{"name", Value::string("checkpoint")}, {"ref", text(a.checkpoint)}}));
  const Value body = Value::map({{"activity_id", text(a.activity)},
                                 {"workflow_instance_id", text(a.workflow)},
                                 {"run_id", text(a.run)},
                                 {"task_kind", text(a.kind)},
                                 {"task_version", text(a.version)},
                                 {"inputs", Value::list(std::move(inputs))},
                                 {"upload_prefix", text(a.upload_prefix)},
                                 {"soft_deadline_unix", Value::integer(unix_of(a.deadline_ns, unix_now_ns, now_ns))},
                                 {"heartbeat_interval_s", Value::integer((int64_t{a.heartbeat_ms} + 999) / 1000)}});
  return std::string(body.json());
}

Said said_in(const std::string& body) {
  Said said;
  // What is no JSON is no reason to fail here: it depends on what was asked.
  heddle::sdk::detail::guard(
      [&] {
        const Value value = Value::parse(body);
        if (value.is(HEDDLE_MAP)) said = read(value);
      },
      [](heddle_status, std::string_view) {});
  return said;
}

}  // namespace sidecar_rest
