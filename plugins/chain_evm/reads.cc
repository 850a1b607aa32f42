#include "reads.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "hex.h"
#include "preparation.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Entries = std::vector<Value::Entry>;

constexpr std::string_view kNobody = "0x0000000000000000000000000000000000000000";

// What no clock of a chain says, but an int64 can: a number that does not fit is as good as for ever.
int64_t seconds(ValueRef map, const char* key) {
  const ValueRef found = map.find(key);
  return found.is(HEDDLE_DECIMAL) ? INT64_MAX : found.as_int().value_or(0);
}

bool truth(ValueRef map, const char* key) { return map.find(key).as_bool().value_or(false); }

bool is_nothing(ValueRef id) {
  const auto bytes = parse_hex(id.as_text().value_or(""));
  return !bytes || std::all_of(bytes->begin(), bytes->end(), [](char c) { return c == 0; });
}

Value member(ValueRef map, const char* key) {
  const ValueRef found = map.find(key);
  if (!found) throw Error(HEDDLE_INVALID, std::string("there is no \"") + key + '"');
  return Value::share(found);
}

// From the layout of the contract to what the host knows. Throws heddle::sdk::Error, where "interface" names the members otherwise.
Entries read_activity(ValueRef a, const std::string& queue, uint64_t lease_s) {
  const bool is_assigned = truth(a, "isAssigned"), is_completed = truth(a, "isCompleted");
  const std::string_view state = is_completed ? (truth(a, "success") ? "completed" : "failed") : is_assigned ? "assigned" : "offered";
  const int64_t since = std::max(seconds(a, "assignedAt"), seconds(a, "lastHeartbeat")), lease = static_cast<int64_t>(std::min<uint64_t>(lease_s, INT64_MAX));
  const int64_t until = since > INT64_MAX - lease ? INT64_MAX : since + lease;
  Entries entries = {{"activity", member(a, "activityId")},
                     {"workflow", member(a, "workflowInstanceId")},
                     {"kind", member(a, "activityType")},
                     {"state", Value::string(state)},
                     {"input", member(a, "inputData")},
                     {"created_unix", Value::integer(seconds(a, "createdAt"))},
                     {"expires_unix", Value::integer(seconds(a, "expiresAt"))},
                     {"lease_until_unix", Value::integer(is_assigned && lease != 0 ? until : 0)},
                     {"progress", Value::integer(a.find("progress").as_int().value_or(0))}};
  if (!queue.empty()) entries.push_back({"queue", Value::string(queue)});
  if (a.find("assignedWorker").as_text().value_or(kNobody) != kNobody) entries.push_back({"worker", Value::share(a.find("assignedWorker"))});
  return entries;
}

Value list_of(Value one) {
  std::vector<Value> all;
  all.push_back(std::move(one));
  return Value::list(std::move(all));
}

}  // namespace

void Reads::read(ValueRef question, OpPtr op) {
  const std::string_view ask = question.find("ask").as_text().value_or("");
  if (ask == "worker") return worker(std::move(op));
  if (ask == "offer") return offer(question, std::move(op));
  if (ask == "activity") return activity(question, std::move(op));
  if (ask == "mine") return mine(std::move(op));
  if (ask == "call") return call(question, std::move(op));
  op->fail(invalid("\"ask\" must be one of standing, worker, offer, activity, mine, transaction and call"));
}

void Reads::get(const std::string& contract, std::string_view name, Value args, std::string block, Got got) {
  if (contract.empty()) return got({}, invalid("the contract that has " + std::string(name) + " is not configured: its address belongs in \"contracts\""));
  auto function = std::make_shared<Function>(settings_.interface.function(name));
  const std::string params = "[" + call_object(account_, contract, 0, function->encode_call(args)) + "," + block + "]";
  rpc_.ask("eth_call", params, [this, function, got = std::move(got)](const Answer& answer) {
    if (answer.is_silent()) return got({}, unavailable(answer.why));
    if (answer.error && answer.error->trouble == Trouble::kReverted) {
      Value reason = answer.error->data && !answer.error->data->empty() ? settings_.interface.describe_revert(*answer.error->data) : Value::string(answer.error->message);
      const std::string words(reason.is(HEDDLE_STRING) ? *reason.as_text() : reason.json());
      return got({}, Failure{.status = HEDDLE_INVALID, .code = "reverted", .why = function->name + " reverts: " + words, .more = {{"reason", std::move(reason)}}});
    }
    if (answer.error) return got({}, unavailable(rpc_.origin(answer.endpoint) + ": " + answer.error->message));
    const auto bytes = parse_hex(answer.result.as_text().value_or(""));
    if (bytes && bytes->empty() && !function->outputs.empty()) return got({}, invalid("there is no contract at this address that has " + function->signature));
    Value result;
    std::optional<Failure> wrong;
    heddle::sdk::detail::guard([&] { result = function->decode_result(bytes.value_or("")); },
                               [&](heddle_status, std::string_view why) { wrong = invalid("what " + function->name + " gives is not what the interface says: " + std::string(why)); });
    got(std::move(result), std::move(wrong));
  });
}

void Reads::worker(OpPtr op) {
  if (account_.empty()) return op->fail({.status = HEDDLE_INVALID, .code = "no-key", .why = "there is no account: \"key\" is not configured"});
  get(settings_.contracts.control_plane, "isWorkerActive", list_of(Value::string(to_hex(account_))), R"("latest")", [this, op](const Value& active, std::optional<Failure> failure) {
    if (failure) return op->fail(*failure);
    get(settings_.contracts.control_plane, "getProtocolVersion", Value::list(std::vector<Value>()), R"("latest")", [op, active](const Value& version, std::optional<Failure> without) {
      if (without) return op->fail(*without);
      op->ok(Value::map({{"active", active}, {"version", version}}));
    });
  });
}

void Reads::with_lease(const OpPtr& op, std::function<void(uint64_t lease_s)> then) {
  if (lease_s_) return then(*lease_s_);
  get(settings_.contracts.task_queue, "leaseSeconds", Value::list(std::vector<Value>()), R"("latest")", [this, op, then = std::move(then)](const Value& seconds, std::optional<Failure> failure) {
    // A contract without this function has no lease. A node that does not answer says nothing, and whoever thought that there is none would let it end.
    if (failure && failure->code == "unavailable") return op->fail(*failure);
    lease_s_ = failure ? 0 : static_cast<uint64_t>(std::max<int64_t>(seconds.as_int().value_or(0), 0));
    then(*lease_s_);
  });
}

void Reads::offer(ValueRef question, OpPtr op) {
  const std::string queue(question.find("queue").as_text().value_or(""));
  Value args = Value::list({Value::string(queue), Value::integer(question.find("partition").as_int().value_or(0))});
  get(settings_.contracts.task_queue, "pollActivity", std::move(args), R"("latest")", [this, op, queue](const Value& found, std::optional<Failure> failure) {
    if (failure) return op->fail(*failure);
    if (!truth(found, "hasActivity")) return op->ok(Value::null());
    show(Value::share(found.find("activity")), queue, op);
  });
}

void Reads::activity(ValueRef question, OpPtr op) {
  get(settings_.contracts.task_queue, "getActivity", list_of(Value::share(question.find("activity"))), R"("latest")", [this, op](const Value& found, std::optional<Failure> failure) {
    if (failure && failure->code == "reverted") return op->ok(Value::null());
    if (failure) return op->fail(*failure);
    if (is_nothing(found.find("activityId"))) return op->ok(Value::null());
    show(found, {}, op);
  });
}

void Reads::show(Value activity, const std::string& queue, OpPtr op) {
  with_lease(op, [activity = std::move(activity), queue, op](uint64_t lease_s) {
    const auto told = [&] {
      Entries entries = read_activity(activity, queue, lease_s);
      op->ok(Value::map(entries));
    };
    heddle::sdk::detail::guard(told, [&](heddle_status, std::string_view why) { op->fail(invalid("what the contract gives is no activity as the interface should have it: " + std::string(why))); });
  });
}

void Reads::mine(OpPtr op) {
  if (account_.empty()) return op->fail({.status = HEDDLE_INVALID, .code = "no-key", .why = "there is no account: \"key\" is not configured"});
  get(settings_.contracts.task_queue, "getWorkerActivities", list_of(Value::string(to_hex(account_))), R"("latest")", [op](const Value& found, std::optional<Failure> failure) {
    if (failure) return op->fail(*failure);
    op->ok(found);
  });
}

void Reads::call(ValueRef question, OpPtr op) {
  const ValueRef block = question.find("block"), args = question.find("args");
  std::string at = R"("latest")";
  if (block.is(HEDDLE_INT)) at = '"' + to_quantity(read_amount(block)) + '"';
  const std::string to = parse_address(question.find("to").as_text().value_or(""));
  get(to, question.find("function").as_text().value_or(""), args ? Value::share(args) : Value::list(std::vector<Value>()), at, [op](const Value& found, std::optional<Failure> failure) {
    if (failure) return op->fail(*failure);
    op->ok(found);
  });
}

}  // namespace chain_evm
