// Interface: the functions, events and errors of the contracts that we know by name.
#pragma once
#include <heddle/sdk/value.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "declaration.h"

namespace chain_evm {

struct Function {
  std::string name;       // as the Interface knows it; the contract may call it otherwise
  std::string signature;  // as the contract has it
  std::string selector;   // 4 bytes
  AbiTypes inputs, outputs;

  // `args`: LIST, or MAP by the names of the inputs. The data of a transaction or a call. Throws heddle::sdk::Error (INVALID).
  std::string encode_call(heddle::sdk::ValueRef args) const;
  // NULL without outputs; the value itself if there is one; else MAP where all have names, or LIST. Throws heddle::sdk::Error (INVALID).
  heddle::sdk::Value decode_result(std::string_view data) const;
};

struct Event {
  std::string name, signature;
  std::string topic0;  // 32 bytes
  AbiTypes inputs;

  // MAP by the names of the inputs (those without one: "0", "1", … by their place). An indexed string, bytes, array or tuple is its hash,
  // STRING. `topics`: 32 bytes each, with the first. Throws heddle::sdk::Error (INVALID).
  heddle::sdk::Value decode(std::span<const std::string> topics, std::string_view data) const;
};

struct CustomError {
  std::string name, selector;
  AbiTypes inputs;
};

// Immutable: any thread.
class Interface {
 public:
  // What is known from the field, see interface.cc.
  Interface() : Interface(heddle::sdk::ValueRef()) {}
  // `overrides`: the param "interface", MAP or absent: {"completeActivity": "function finish(bytes32 id, bytes result)", "ActivityClaimed":
  // "event Taken(bytes32 indexed id, address indexed who)", "more": ["error NotYours(address worker)", …]}. What stands in it is used in
  // place of the default of that name; it has as many parameters, in the same order, and they keep the names of the default. "more" adds
  // functions, events and errors under their own names. Throws heddle::sdk::Error (INVALID).
  explicit Interface(heddle::sdk::ValueRef overrides);

  // By its name, its signature, or declared in full ("function f(uint256 a) returns (bool)"). Throws heddle::sdk::Error (INVALID).
  Function function(std::string_view text) const;
  // Null: there is none of that name, or topic (32 bytes).
  const Event* event(std::string_view name) const;
  const Event* event_of(std::string_view topic0) const;
  const std::vector<Event>& events() const { return events_; }

  // What a call that reverted gave back: MAP {"name", "args"} of a known error; STRING of Error(string), of Panic(uint256) in words, and of
  // everything else.
  heddle::sdk::Value describe_revert(std::string_view data) const;

 private:
  void add(std::string_view text, std::string_view name);
  void add_function(const Declaration& declared, std::string_view name);
  void add_event(const Declaration& declared, std::string_view name);
  std::vector<Function> functions_;
  std::vector<Event> events_;
  std::vector<CustomError> errors_;
};

}  // namespace chain_evm
