#include "preparation.h"

#include <memory>
#include <utility>
#include <vector>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

// What each of the known intents calls, and the members of the intent that are its arguments.
struct Known {
  std::string_view what;
  const char* function;
  std::string Contracts::*contract;
  const char* contract_name;
  std::vector<const char*> arguments;
};
const std::vector<Known>& known() {
  static const std::vector<Known> all = {
      {"claim", "claimActivity", &Contracts::task_queue, "task_queue", {"activity"}},
      {"heartbeat", "heartbeatActivity", &Contracts::task_queue, "task_queue", {"activity", "percent"}},
      {"complete", "completeActivity", &Contracts::task_queue, "task_queue", {"activity", "result"}},
      {"fail", "failActivity", &Contracts::task_queue, "task_queue", {"activity", "reason"}},
      {"resume", "resumeWorkflow", &Contracts::workflow_engine, "workflow_engine", {"workflow"}},
  };
  return all;
}

void read_call(const Interface& interface, ValueRef wanted, Intent& intent) {
  intent.to = parse_address(wanted.find("to").as_text().value_or(""));
  if (const ValueRef value = wanted.find("value")) intent.value = read_amount(value);
  const ValueRef function = wanted.find("function");
  if (!function) return;  // nothing but the value goes there
  const ValueRef args = wanted.find("args");
  intent.data = interface.function(function.as_text().value_or("")).encode_call(args ? args : ValueRef(Value::list(std::vector<Value>())));
}

}  // namespace

std::string call_object(std::string_view from, std::string_view to, const Amount& value, std::string_view data) {
  std::string text = R"({"to":")" + to_hex(to) + '"';
  if (!from.empty()) text += R"(,"from":")" + to_hex(from) + '"';
  if (value != 0) text += R"(,"value":")" + to_quantity(value) + '"';
  if (!data.empty()) text += R"(,"data":")" + to_hex(data) + '"';
  return text += '}';
}

Intent Preparation::read(const std::string& key, ValueRef wanted) const {
  Intent intent{.key = key, .what = std::string(wanted.find("do").as_text().value_or("")), .to = {}};
  intent.not_after_unix = wanted.find("not_after_unix").as_int().value_or(0);
  const ValueRef gas = wanted.find("gas");
  intent.gas = gas ? static_cast<uint64_t>(std::max<int64_t>(gas.as_int().value_or(0), 0)) : settings_.gas;
  bool is_known = intent.what == "call";
  if (is_known) read_call(settings_.interface, wanted, intent);
  for (const Known& one : known()) {
    if (one.what != intent.what) continue;
    is_known = true;
    intent.to = settings_.contracts.*one.contract;
    if (intent.to.empty()) throw Error(HEDDLE_INVALID, "\"" + intent.what + "\" needs the address of the contract: \"contracts\": {\"" + one.contract_name + "\": …} is not configured");
    std::vector<Value> args;
    for (const char* const name : one.arguments) {
      if (!wanted.find(name)) throw Error(HEDDLE_INVALID, "the intent has no \"" + std::string(name) + "\"");
      args.push_back(Value::share(wanted.find(name)));
    }
    intent.data = settings_.interface.function(one.function).encode_call(Value::list(std::move(args)));
  }
  if (!is_known) throw Error(HEDDLE_INVALID, "\"do\" must be one of claim, heartbeat, complete, fail, resume and call");
  if (intent.data.size() > kMostData) throw Error(HEDDLE_INVALID, "the data of the transaction are " + std::to_string(intent.data.size()) + " bytes, and at most 262144 are taken");
  return intent;
}

// An estimate of the gas tells as well whether it would revert, and with what: one question does for both. Where the gas is given, a call tells.
void Preparation::prepare(Intent intent, Prepared prepared) {
  auto work = std::make_shared<Work>(Work{.intent = std::move(intent), .prepared = std::move(prepared)});
  if (work->intent.gas != 0 && !settings_.simulates) return work->prepared(std::move(work->intent), std::nullopt);
  ask(work, Rpc::kAny);
}

void Preparation::ask(const WorkPtr& work, size_t endpoint) {
  const Intent& intent = work->intent;
  const std::string object = call_object(account_, intent.to, intent.value, intent.data);
  const auto answered = [this, work, endpoint](const Answer& answer) { heard(work, answer, endpoint); };
  if (intent.gas != 0) return rpc_.ask("eth_call", "[" + object + R"(,"latest"])", answered, endpoint);
  rpc_.ask("eth_estimateGas", "[" + object + R"(,"latest"])", answered, endpoint);
}

void Preparation::heard(const WorkPtr& work, const Answer& answer, size_t endpoint) {
  Intent& intent = work->intent;
  const auto failed = [&](Failure why) { work->prepared(std::move(intent), std::move(why)); };
  if (answer.is_silent()) return failed(unavailable(answer.why));
  if (answer.is_good()) {
    if (intent.gas != 0) return work->prepared(std::move(intent), std::nullopt);
    try {
      const Amount gas = parse_quantity(answer.result.as_text().value_or("")) * (100 + settings_.gas_margin_percent) / 100;
      if (gas == 0 || gas > INT64_MAX) throw Error(HEDDLE_INVALID, "it is no amount of gas");
      intent.gas = static_cast<uint64_t>(gas);
    } catch (const Error& why) {
      return failed(unavailable(rpc_.origin(answer.endpoint) + " answers an estimate of gas that cannot be read: " + why.what()));
    }
    return work->prepared(std::move(intent), std::nullopt);
  }
  switch (answer.error->trouble) {
    case Trouble::kReverted:
      // One that is behind may not know what it depends on: the one that is followed has the last word.
      if (endpoint == Rpc::kAny && answer.endpoint != watch_.followed()) return ask(work, watch_.followed());
      return reverted(work, *answer.error);
    case Trouble::kNoBalance: return failed({.status = HEDDLE_UNAVAILABLE, .code = "balance", .why = "the account has not enough: " + answer.error->message});
    default: return failed(unavailable(rpc_.origin(answer.endpoint) + ": " + answer.error->message));
  }
}

void Preparation::reverted(const WorkPtr& work, const NodeError& error) {
  const auto failed = [work](Value reason) {
    std::string why = "it would revert: " + std::string(reason.is(HEDDLE_STRING) ? *reason.as_text() : reason.json());
    work->prepared(std::move(work->intent), Failure{.status = HEDDLE_INVALID, .code = "refused", .why = std::move(why), .more = {{"reason", std::move(reason)}}});
  };
  if (error.data) return failed(error.data->empty() ? Value::string(error.message) : settings_.interface.describe_revert(*error.data));
  // Some nodes give the data of a call only.
  const Intent& intent = work->intent;
  rpc_.ask(
      "eth_call", "[" + call_object(account_, intent.to, intent.value, intent.data) + R"(,"latest"])",
      [this, failed, message = error.message](const Answer& answer) {
        const bool is_told = answer.error && answer.error->data && !answer.error->data->empty();
        failed(is_told ? settings_.interface.describe_revert(*answer.error->data) : Value::string(message));
      },
      watch_.followed());
}

}  // namespace chain_evm
