// ChainEvents: what happens on a chain, as items, in its order; and what is found never to have happened.
#include <span>
#include <vector>

#include "follower.h"

namespace node_chain {
namespace {

using namespace heddle::sdk;

Value read_filter(const Config& config) {
  std::vector<Value::Entry> filter;
  for (const char* name : {"events", "final"})
    if (const ValueRef found = config.find(name)) filter.push_back({name, Value::share(found)});
  filter.push_back({"most", Value::integer(config.get<int64_t>("page", 1000))});
  return Value::map(std::span(filter));
}

// "latest", a block's number, or {"unix": seconds}.
Value read_beginning(ValueRef from) {
  std::vector<Value::Entry> beginning;
  if (from.is(HEDDLE_INT)) beginning.push_back({"from_block", Value::share(from)});
  if (const ValueRef unix = from.find("unix")) beginning.push_back({"from_unix", Value::share(unix)});
  return Value::map(std::span(beginning));
}

class ChainEvents {
 public:
  explicit ChainEvents(const Config& config)
      : link_(config),
        follower_(std::make_shared<Follower>(link_, config.host(),
                                             Following{.filter = read_filter(config), .beginning = read_beginning(config.find("from")), .to_the_end = !config.get<bool>("follow", true)})) {}

  void activate() { link_.open(); }
  void deactivate() {
    link_.close();
    follower_->stop();
  }

  void process(Call& call) { follower_->begin(std::move(call)); }
  void resume(CallId, uint32_t) { follower_->wake(); }
  void cancel(CallId) { follower_->wake(); }

  Value save() const { return follower_->place(); }
  void restore(ValueRef saved) { follower_->go_to(saved); }

 private:
  Link link_;
  const std::shared_ptr<Follower> follower_;
};

HEDDLE_NODE(ChainEvents, "ChainEvents",
            R"("summary":"Gives what happens on a chain, in its order, and takes back what a reorganisation undoes.",)"
            R"("params":{"type":"object","properties":{)" NODE_CHAIN_PARAMS
            R"("events":{"type":"array","minItems":1,"items":{"type":"string","minLength":1},"description":"The events that are wanted: names that the chain knows. Absent: all of them."},)"
            R"("from":{"anyOf":[{"const":"latest"},{"type":"integer","minimum":0},{"type":"object","properties":{"unix":{"type":"integer","minimum":0,"description":"Seconds since 1970."}},"required":["unix"],"additionalProperties":false}],"default":"latest","description":"Where it begins, if no place is kept: with the next block, with this one, or with the first one that is not older than that."},)"
            R"("final":{"type":"boolean","default":false,"description":"Only what cannot be undone any more. Without it, {\"event\": \"removed\"} says which block never was."},)"
            R"("follow":{"type":"boolean","default":true,"description":"It goes on until it is stopped; false: it ends where nothing more has happened yet."},)"
            R"("page":{"type":"integer","minimum":1,"maximum":100000,"default":1000,"description":"About so many events are asked for at once."})"
            R"(},"additionalProperties":false},)"
            R"("inputs":[],"lane":"io","max_in_flight":1,"create_is_pure":true)");

}  // namespace
}  // namespace node_chain
