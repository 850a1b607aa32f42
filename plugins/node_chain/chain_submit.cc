// ChainSubmit: one transaction for each item, named by a key of the item: the same key is the same transaction, for ever.
#include <span>
#include <vector>

#include "asking.h"
#include "failure.h"
#include "written.h"

namespace node_chain {
namespace {

using namespace heddle::sdk;

class ChainSubmit {
 public:
  explicit ChainSubmit(const Config& config)
      : link_(config),
        asking_(link_, config.get<bool>("with_item", false) ? "transaction" : ""),
        key_pointer_(config.get<std::string>("key_pointer", "")),
        says_key_(config.find("key_pointer")),
        function_(config.get<std::string>("function")),
        until_(config.get<std::string>("until", "final")),
        to_("to", config.find("to")),
        args_("args", config.find("args")),
        value_("value", config.find("value")),
        not_after_("not_after_unix", config.find("not_after_unix")) {}

  void activate() {
    link_.open();
    const std::string of_manifest = link_.idempotency_key();
    if (of_manifest.empty() && !says_key_)
      throw Error(HEDDLE_INVALID, "\"idempotency_key\" of the node is missing: a JSON Pointer to what each item's transaction is named by, so that no item has two");
    if (!of_manifest.empty() && says_key_ && of_manifest != key_pointer_) throw Error(HEDDLE_INVALID, "\"key_pointer\" and the node's \"idempotency_key\" are not the same: say one of them");
    if (!says_key_) key_pointer_ = of_manifest;
  }
  void deactivate() { link_.close(); }

  void process(std::span<Call> calls) {
    for (Call& call : calls) {
      std::string key;
      Value wanted;
      detail::guard(
          [&] {
            key = key_of(call.input());
            wanted = intent(call.input());
          },
          [&](heddle_status status, std::string_view why) { call.fail(status, why, details_of_bad_item()); });
      if (wanted) asking_.submit(std::move(call), key, wanted);
    }
  }
  void cancel(CallId id) { asking_.cancel(id); }

 private:
  static constexpr size_t kMostKey = 200;  // of chain.h

  std::string key_of(ValueRef item) const {
    const ValueRef found = item.pointer(key_pointer_);
    if (!found) throw Error(HEDDLE_INVALID, "the item has no key at \"" + key_pointer_ + "\"");
    if (!found.is(HEDDLE_STRING) && !found.is(HEDDLE_INT)) throw Error(HEDDLE_INVALID, "a key is a text or an integer, and at \"" + key_pointer_ + "\" is " + describe(found));
    std::string key(found.is(HEDDLE_STRING) ? *found.as_text() : found.json());
    if (key.empty() || key.size() > kMostKey) throw Error(HEDDLE_INVALID, "a key has 1 to 200 bytes, and at \"" + key_pointer_ + "\" is " + describe(found));
    return key;
  }

  Value intent(ValueRef item) const {
    std::vector<Value::Entry> i = {{"do", Value::string("call")}, {"to", to_.of(item)}, {"function", Value::string(function_)}};
    i.push_back({"args", args_ ? args_.of(item) : Value::list(std::vector<Value>())});
    if (value_) i.push_back({"value", value_.of(item)});
    if (not_after_) i.push_back({"not_after_unix", not_after_.of(item)});
    i.push_back({"until", Value::string(until_)});
    return Value::map(std::span(i));
  }

  Link link_;
  Asking asking_;
  std::string key_pointer_;  // written by activate only
  const bool says_key_;
  const std::string function_, until_;
  const Written to_, args_, value_, not_after_;
};

HEDDLE_NODE(ChainSubmit, "ChainSubmit",
            R"("summary":"Sends one transaction for each item, however often the item comes.",)"
            R"("params":{"type":"object","properties":{)" NODE_CHAIN_PARAMS
            R"("key_pointer":{"type":"string","description":"JSON Pointer to the key of an item, if the node has no idempotency_key: the same key is the same transaction, in all runs and for ever. A text of 1 to 200 bytes, or an integer."},)"
            R"("to":{"type":["string","object"],"description":"The contract's address, or {\"$\": POINTER} into the item."},)"
            R"("function":{"type":"string","minLength":1,"description":"Its name, where the chain knows it, or all of it: function transfer(address to, uint256 amount) returns (bool)."},)"
            R"("args":{"type":"array","description":"What it is given. {\"$\": POINTER}, anywhere in it, is what the item has there."},)"
            R"("value":{"type":["integer","string","number","object"],"description":"What is paid with it, in the smallest unit, or {\"$\": POINTER}."},)"
            R"("not_after_unix":{"type":["integer","object"],"description":"If it is in no block by then, it is no longer wanted, or {\"$\": POINTER}."},)"
            R"("until":{"enum":["stored","included","final"],"default":"final","description":"When the item goes on: when nothing can lose the transaction any more, when it is in a block, or when that block is as deep as the chain's params say."},)"
            R"("with_item":{"type":"boolean","default":false,"description":"What comes out is {\"item\", \"transaction\"}."})"
            R"(},"required":["to","function"],"additionalProperties":false},)"
            R"("concurrency":"parallel","lane":"io","max_in_flight":1024,"idempotent":true,"create_is_pure":true)");

}  // namespace
}  // namespace node_chain
