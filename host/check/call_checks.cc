// What calls of a node come to: one thread.
#include <functional>

#include "check/check_runs.h"
#include "check/node_trial.h"
#include "plugin/process_state.h"

namespace heddle {
namespace {

constexpr size_t kDeep = 1'000;
constexpr size_t kHugeText = size_t{16} << 20;
constexpr size_t kHugeCount = 100'000;

Value nested(bool in_maps) {
  std::string text;
  for (size_t i = 0; i < kDeep; ++i) text += in_maps ? "{\"value\":" : "[";
  text += "1";
  text.append(kDeep, in_maps ? '}' : ']');
  return *Value::parse(text);
}

Verdict answers_all(const CheckSubject& subject, const std::vector<Value>& inputs) {
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    const CallsOutcome outcome = node.calls().call(inputs, {.is_timed = false});
    if (outcome.missing) return missing_calls(subject, node, outcome);
    return passed(outcome.failed ? std::to_string(outcome.failed) + " of " + std::to_string(outcome.calls) + " answered by a failure: " + outcome.first_failure : "");
  });
}

}  // namespace

Verdict check_completes_once(const CheckSubject& subject) {
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    NodeCalls& calls = node.calls();
    subject.at("process");
    CallsOutcome outcome = subject.type->inputs.empty() ? calls.call_source() : calls.call(ordinary_inputs(), {});
    if (!outcome.missing) {
      subject.at("finish");
      outcome.add(calls.finish());
    }
    if (outcome.missing) return missing_calls(subject, node, outcome);
    if (const std::string rule = node.fault_about("complete"); !rule.empty())
      return failed("it " + rule, "complete each call once, and touch it no more after that (heddle/op.h)");
    return passed(std::to_string(outcome.calls) + " calls, " + std::to_string(outcome.failed) + " failed, " + std::to_string(outcome.emitted) + " values");
  });
}

Verdict check_emits_on_its_ports(const CheckSubject& subject) {
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    NodeCalls& calls = node.calls();
    CallsOutcome outcome = subject.type->inputs.empty() ? calls.call_source() : calls.call(ordinary_inputs(), {});
    if (!outcome.missing) outcome.add(calls.finish());
    if (outcome.missing) return missing_calls(subject, node, outcome);
    if (const std::string rule = node.fault_about("port"); !rule.empty()) return failed("it " + rule, "declare the port in \"outputs\" of the type's note, or emit on one that is there");
    return passed();
  });
}

Verdict check_after_error(const CheckSubject& subject) {
  if (subject.type->inputs.empty()) return not_applicable("it is a source");
  return with_started_node(subject, [&](StartedNode& node, Lanes&) {
    NodeCalls& calls = node.calls();
    Value liked;
    for (int round = 0; round < 2; ++round) {  // what it accepts at first may follow from its state
      liked = {};
      for (const Value& input : ordinary_inputs()) {
        const CallsOutcome outcome = calls.call({input}, {});
        if (outcome.missing) return missing_calls(subject, node, outcome);
        if (!outcome.failed && !liked) liked = input;
      }
    }
    CallsOutcome odd = calls.call(odd_inputs(), {});
    if (odd.missing) return missing_calls(subject, node, odd);
    if (!liked) return not_applicable("no input is known that it accepts");
    const CallsOutcome after = calls.call({liked}, {});
    if (after.missing) return missing_calls(subject, node, after);
    if (after.failed) return failed("it accepted " + liked.json() + " at first, and not after others had failed: " + after.first_failure, "leave the object as it was when a call fails");
    return passed(std::to_string(odd.failed) + " failures before");
  });
}

Verdict check_state_in_calls(const CheckSubject& subject) {
  const ProcessState before;
  const Verdict verdict = with_started_node(subject, [&](StartedNode& node, Lanes&) {
    if (subject.type->inputs.empty()) return not_applicable("it is a source");
    const CallsOutcome outcome = node.calls().call(ordinary_inputs(), {});
    return outcome.missing ? missing_calls(subject, node, outcome) : passed();
  });
  const std::string changed = before.restore();
  if (changed.empty()) return verdict;
  return failed("it has changed " + changed, "leave alone what belongs to the whole process, or put it back before the function returns");
}

Verdict check_deep_values(const CheckSubject& subject) {
  if (subject.type->inputs.empty()) return not_applicable("it is a source");
  return answers_all(subject, {nested(false), nested(true)});
}

Verdict check_huge_values(const CheckSubject& subject) {
  if (subject.type->inputs.empty()) return not_applicable("it is a source");
  std::vector<std::pair<std::string, Value>> members;
  for (size_t i = 0; i < kHugeCount; ++i) members.emplace_back("k" + std::to_string(i), Value::integer(static_cast<int64_t>(i)));
  return answers_all(subject, {*Value::string(std::string(kHugeText, 'x')), Value::list(std::vector<Value>(kHugeCount, Value::integer(1))), *Value::map(std::move(members)),
                               *Value::decimal(std::string(2'000, '9'))});
}

}  // namespace heddle
