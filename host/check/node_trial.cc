#include "check/node_trial.h"

#include "check/plugin_object.h"

namespace heddle {

Verdict with_started_node(const CheckSubject& subject, const NodeTrial& trial) {
  const ObjectParams with = object_params(subject);
  if (!with.params) return with.missing;
  Lanes lanes(2);
  StartedNode node(subject, lanes);
  if (auto created = node.create("check", with.params); !created) return cannot_start(with, subject, created.error().text());
  if (auto active = node.activate(); !active) return cannot_start(with, subject, "activate: " + active.error().text());
  return trial(node, lanes);
}

Verdict missing_calls(const CheckSubject& subject, StartedNode& node, const CallsOutcome& outcome) {
  node.leave_behind();
  const std::string count = outcome.missing == 1 ? "a call was" : std::to_string(outcome.missing) + " calls were";
  if (subject.type->max_in_flight == 0)
    return failed(count + " not completed when process returned, and the type declares no \"max_in_flight\"", "complete every call before process returns, or declare how many may be pending");
  return failed(count + " not completed within the " + std::to_string(subject.type->timeout_ms) + " ms that the type asks for", "complete in time, with HEDDLE_DEADLINE if need be, or ask for more in \"timeout_ms\"");
}

std::vector<Value> ordinary_inputs() {
  std::vector<Value> inputs;
  for (const char* text : {"1", "0", "-3", "2.5", "\"a\"", "\"\"", "true", "null", "[]", "[1,2,3]", "{}", R"({"value":1})", R"({"id":"a","key":"k","value":2,"text":"b","items":[1,2]})"})
    inputs.push_back(*Value::parse(text));
  return inputs;
}

std::vector<Value> odd_inputs() {
  std::vector<Value> inputs;
  for (const char* text : {"null", "false", "1e400", "-0.0", "123456789012345678901234567890", "9223372036854775807", R"("\u0000")", R"("\uD83E\uDD80")", "[[[[[[]]]]]]", R"({"":{}})",
                           R"({"value":"x","key":[],"items":{}})", R"({"value":null})", R"([{"a":1},null,"x"])"})
    inputs.push_back(*Value::parse(text));
  inputs.push_back(Value::bytes(std::string_view("\x00\xff\x80", 3)));
  return inputs;
}

}  // namespace heddle
