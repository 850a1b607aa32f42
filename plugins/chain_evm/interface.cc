#include "interface.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "abi_codec.h"
#include "amount.h"
#include "hex.h"
#include "keccak.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Kind = Declaration::Kind;

constexpr size_t kSelector = 4, kMostKnown = 1000, kMostShownBytes = 1024;

#define ACTIVITY                                                                                                                 \
  "(bytes32 activityId, bytes32 workflowInstanceId, address activityType, bytes inputData, bytes initData, bytes resultData, "   \
  "uint256 createdAt, uint256 expiresAt, address requester, address assignedWorker, uint256 assignedAt, uint256 lastHeartbeat, " \
  "uint8 progress, bool isAssigned, bool isCompleted, bool success)"

// What deployed contracts have: the first four, and the layout of an activity. The rest is ours, and so are all errors: whoever's contract
// differs says so in the param "interface".
constexpr std::array kKnown = {
    "function pollActivity(string queueName, uint16 partitionId) view returns (" ACTIVITY " activity, bool hasActivity)",
    "function claimActivity(bytes32 activityId) returns (bool)",
    "function isWorkerActive(address worker) view returns (bool)",
    "function getProtocolVersion() view returns (string)",
    "function heartbeatActivity(bytes32 activityId, uint8 progress)",
    "function completeActivity(bytes32 activityId, bytes resultData)",
    "function failActivity(bytes32 activityId, string reason)",
    "function getActivity(bytes32 activityId) view returns (" ACTIVITY ")",
    "function getWorkerActivities(address worker) view returns (bytes32[])",
    "function resumeWorkflow(bytes32 workflowInstanceId)",
    "function leaseSeconds() view returns (uint256)",
    "event ActivityEnqueued(bytes32 indexed activityId, string queueName, uint16 partitionId)",
    "event ActivityClaimed(bytes32 indexed activityId, address indexed worker)",
    "event ActivityCompleted(bytes32 indexed activityId, address indexed worker)",
    "event ActivityFailed(bytes32 indexed activityId, address indexed worker, string reason)",
    "event ActivityHeartbeat(bytes32 indexed activityId, address indexed worker, uint8 progress)",
    "error NoSuchActivity(bytes32 activityId)",
    "error AlreadyCompleted(bytes32 activityId)",
    "error AlreadyClaimed(bytes32 activityId, address assignedWorker)",
    "error AlreadyVoted(bytes32 activityId, address worker)",
    "error Expired(bytes32 activityId, uint256 expiresAt)",
    "error NotActive(address worker)",
    "error NotYours(bytes32 activityId, address assignedWorker)",
    "error LeaseEnded(bytes32 activityId, uint256 leaseUntil)",
    "error BadProgress(uint8 progress)",
    "error NoSuchWorkflow(bytes32 workflowInstanceId)",
    "error WorkflowOver(bytes32 workflowInstanceId)",
    "error StillRunning(bytes32 workflowInstanceId, bytes32 activityId)",
};

// What the compiler itself reverts with (docs.soliditylang.org, "Panic via assert and Error via require").
const char* panic_of(const Amount& code) {
  if (code == 0x01) return "an assertion of the contract failed";
  if (code == 0x11) return "a number of the contract became too large or too small";
  if (code == 0x12) return "the contract divided by zero";
  if (code == 0x21) return "the contract took a number for an enum that has no such value";
  if (code == 0x22) return "the contract found an array in its storage that is wrongly encoded";
  if (code == 0x31) return "the contract took an element out of an empty array";
  if (code == 0x32) return "the contract reached beyond the end of an array";
  if (code == 0x41) return "the contract asked for too much memory";
  if (code == 0x51) return "the contract called a function that was never set";
  return nullptr;
}

Function function_of(const Declaration& declared, std::string_view name) {
  const std::string signature = declared.signature();
  return {std::string(name), signature, keccak256(signature).substr(0, kSelector), declared.inputs, declared.outputs};
}

// A topic holds such a value itself; of all others it has the hash.
bool fits_topic(const AbiType& type) {
  return !type.is_dynamic() && type.kind != AbiType::Kind::kArray && type.kind != AbiType::Kind::kTuple;
}

template <class Known>
Known* find_named(std::vector<Known>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const Known& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// `one` in place of `known`; null: one more.
template <class Known>
void put(std::vector<Known>& all, Known* known, Known one) {
  if (known) {
    *known = std::move(one);
    return;
  }
  if (all.size() >= kMostKnown) throw Error(HEDDLE_INVALID, "\"interface\" knows more than 1000 names");
  all.push_back(std::move(one));
}

// What "completeActivity" stands for may be overridden under that name, and only so; `known`: what has the name now. `overridden`: the name
// is one of "interface" itself, not of "more".
template <class Known>
void check_override(const Known* known, const Known& one, bool overridden) {
  const std::string start = "\"interface\": ";
  if (!overridden && known) throw Error(HEDDLE_INVALID, start + one.name + " is known already: declare it as \"" + one.name + "\": …");
  if (overridden && !known)
    throw Error(HEDDLE_INVALID, start + "nothing of that kind is known as \"" + one.name + "\": put " + one.signature + " into \"more\"");
  if (known && known->inputs.size() != one.inputs.size())
    throw Error(HEDDLE_INVALID, start + one.signature + " cannot stand for " + known->signature + ": it has another number of parameters");
}

// The arguments of a custom error, or of Error and Panic.
Value args_of(const AbiTypes& types, std::string_view data) { return decode_tuple(types, data.substr(kSelector)); }

// The parameters of what is declared otherwise mean what they mean in `known`, and are called so.
void name_as(const AbiTypes& known, AbiTypes& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) inputs[i].name = known[i].name;
}

AbiTypes one_type(AbiType::Kind kind, size_t size) {
  AbiTypes types(1);
  types[0].kind = kind;
  types[0].size = size;
  return types;
}

std::string shown(std::string_view data) { return to_hex(data.substr(0, kMostShownBytes)) + (data.size() > kMostShownBytes ? "…" : ""); }

}  // namespace

std::string Function::encode_call(ValueRef args) const {
  try {
    return selector + encode(inputs, args);
  } catch (const Error& why) {
    throw Error(why.status(), "the arguments of " + signature + ": " + why.what());
  }
}

Value Function::decode_result(std::string_view data) const {
  if (outputs.empty()) return Value::null();
  if (data.empty()) throw Error(HEDDLE_INVALID, signature + " gave nothing: is there a contract with that function at the address?");
  try {
    if (outputs.size() > 1) return decode_tuple(outputs, data);
    return Value::share(decode(outputs, data).at(0));
  } catch (const Error& why) {
    throw Error(why.status(), std::string("what ") + signature + " gave is not " + text_of(outputs) + ": " + why.what());
  }
}

Value Event::decode(std::span<const std::string> topics, std::string_view data) const {
  AbiTypes plain;
  for (const AbiType& input : inputs)
    if (!input.is_indexed) plain.push_back(input);
  try {
    if (topics.empty() || topics[0] != topic0 || topics.size() - 1 != inputs.size() - plain.size())
      throw Error(HEDDLE_INVALID, "its topics are others");
    const Value rest = chain_evm::decode(plain, data);
    std::vector<std::string> keys;
    std::vector<Value> values;
    for (size_t i = 0, topic = 1, at = 0; i < inputs.size(); ++i) {
      keys.push_back(inputs[i].name.empty() ? std::to_string(i) : inputs[i].name);
      if (!inputs[i].is_indexed) {
        values.push_back(Value::share(rest.at(at++)));
      } else if (fits_topic(inputs[i])) {
        values.push_back(Value::share(chain_evm::decode({inputs[i]}, topics[topic++]).at(0)));
      } else {
        values.push_back(Value::string(to_hex(topics[topic++])));
      }
    }
    std::vector<Value::Entry> entries;
    for (size_t i = 0; i < keys.size(); ++i) entries.push_back({keys[i], std::move(values[i])});
    return Value::map(entries);
  } catch (const Error& why) {
    throw Error(why.status(), std::string("this is no event ") + signature + ": " + why.what());
  }
}

Interface::Interface(ValueRef overrides) {
  for (const char* const text : kKnown) add(text, {});
  if (!overrides || overrides.is_null()) return;
  if (!overrides.is(HEDDLE_MAP)) throw Error(HEDDLE_INVALID, "\"interface\" must be an object of declarations");
  for (size_t i = 0; i < overrides.size(); ++i) {
    std::string_view name;
    const ValueRef value = overrides.at(i, &name);
    if (name == "more") continue;
    if (!value.is(HEDDLE_STRING)) throw Error(HEDDLE_INVALID, "\"interface\": \"" + std::string(name) + "\" must be a text: a declaration");
    add(*value.as_text(), name);
  }
  const ValueRef more = overrides.find("more");
  if (!more) return;
  if (!more.is(HEDDLE_LIST)) throw Error(HEDDLE_INVALID, "\"interface\": \"more\" must be a list of declarations");
  for (size_t i = 0; i < more.size(); ++i) {
    if (!more.at(i).is(HEDDLE_STRING)) throw Error(HEDDLE_INVALID, "\"interface\": \"more\" must be a list of texts: declarations");
    add(*more.at(i).as_text(), {});
  }
}

void Interface::add(std::string_view text, std::string_view name) {
  const Declaration declared = parse_declaration(text);
  if (declared.kind == Kind::kFunction) return add_function(declared, name);
  if (declared.kind == Kind::kEvent) return add_event(declared, name);
  if (!name.empty()) throw Error(HEDDLE_INVALID, "\"interface\": errors have their own names: put \"" + declared.name + "\" into \"more\"");
  put(errors_, static_cast<CustomError*>(nullptr), {declared.name, keccak256(declared.signature()).substr(0, kSelector), declared.inputs});
}

void Interface::add_function(const Declaration& declared, std::string_view name) {
  Function function = function_of(declared, name.empty() ? declared.name : name);
  Function* const known = find_named(functions_, function.name);
  check_override(known, function, !name.empty());
  if (known) name_as(known->inputs, function.inputs);
  put(functions_, known, std::move(function));
}

void Interface::add_event(const Declaration& declared, std::string_view name) {
  const auto indexed = std::count_if(declared.inputs.begin(), declared.inputs.end(), [](const AbiType& input) { return input.is_indexed; });
  if (declared.is_anonymous)
    throw Error(HEDDLE_INVALID, "\"interface\": the event " + declared.name + " is anonymous: nothing on the chain says that it is one");
  if (indexed > 3) throw Error(HEDDLE_INVALID, "\"interface\": the event " + declared.name + " has more than three indexed parameters");
  const std::string signature = declared.signature();
  Event event{std::string(name.empty() ? declared.name : name), signature, keccak256(signature), declared.inputs};
  Event* const known = find_named(events_, event.name);
  check_override(known, event, !name.empty());
  if (known) name_as(known->inputs, event.inputs);
  put(events_, known, std::move(event));
}

Function Interface::function(std::string_view text) const {
  const bool is_declared = text.find('(') != text.npos;
  const auto is_meant = [&](const Function& one) { return is_declared ? one.signature == text : one.name == text; };
  const auto found = std::find_if(functions_.begin(), functions_.end(), is_meant);
  if (found != functions_.end()) return *found;
  if (!is_declared)
    throw Error(HEDDLE_INVALID, "\"" + std::string(text.substr(0, 100)) +
                                    "\" is no known function: declare it, as in \"function f(uint256 a) returns (bool)\"");
  const Declaration declared = parse_declaration(text);
  if (declared.kind != Kind::kFunction)
    throw Error(HEDDLE_INVALID, "\"" + declared.name + "\" is declared as an event or an error, and a function is needed");
  return function_of(declared, declared.name);
}

const Event* Interface::event(std::string_view name) const {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Event& one) { return one.name == name; });
  return found == events_.end() ? nullptr : &*found;
}

const Event* Interface::event_of(std::string_view topic0) const {
  const auto found = std::find_if(events_.begin(), events_.end(), [&](const Event& one) { return one.topic0 == topic0; });
  return found == events_.end() ? nullptr : &*found;
}

Value Interface::describe_revert(std::string_view data) const {
  static const std::string kError = keccak256("Error(string)").substr(0, kSelector),
                           kPanic = keccak256("Panic(uint256)").substr(0, kSelector);
  if (data.empty()) return Value::string("the contract reverted without a reason");
  const std::string_view selector = data.substr(0, kSelector);
  try {
    if (selector == kError) return Value::share(args_of(one_type(AbiType::Kind::kString, 0), data).at(0));
    if (selector == kPanic) {
      const Amount code = read_amount(args_of(one_type(AbiType::Kind::kUint, 256), data).at(0));
      const char* const words = panic_of(code);
      return Value::string((words ? std::string(words) + " (panic " : "the contract panicked (") + to_quantity(code) + ")");
    }
    const auto known = std::find_if(errors_.begin(), errors_.end(), [&](const CustomError& one) { return one.selector == selector; });
    if (known != errors_.end()) return Value::map({{"name", Value::string(known->name)}, {"args", args_of(known->inputs, data)}});
  } catch (const Error&) {
    // What follows is not what the first bytes say: a contract may give back anything.
  }
  return Value::string("the contract reverted with " + shown(data));
}

}  // namespace chain_evm
