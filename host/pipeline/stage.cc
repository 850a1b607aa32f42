#include "pipeline/stage.h"

#include <algorithm>

#include "clock.h"
#include "value/json_value.h"

namespace heddle {
namespace {

// Items are collected for no longer than this before they are handed over.
constexpr uint64_t kCollectNs = 50'000;

// What leaves a node by its error port: the members of a dead letter, and the original item.
Value error_value(const DeadLetter& letter) {
  const Error& error = letter.error;
  const auto text = [](std::string_view s) {
    auto made = Value::string(s);
    return made ? *std::move(made) : Value::null();  // a plugin's reason need not be UTF-8
  };
  std::vector<Value> history, causes;
  for (const Attempt& a : letter.attempts) {
    history.push_back(*Value::map({{"number", Value::integer(a.number)},
                                   {"error", text(a.error)},
                                   {"took_ms", Value::integer(static_cast<int64_t>(a.took_ns / 1'000'000))}}));
  }
  for (const Error* cause = error.cause.get(); cause; cause = cause->cause.get()) causes.push_back(text(cause->message));
  std::vector<std::pair<std::string, Value>> members = {{"node", text(letter.node)},
                                                        {"code", text(error.code)},
                                                        {"class", text(name_of(error.error_class))},
                                                        {"message", text(error.message)},
                                                        {"causes", Value::list(std::move(causes))},
                                                        {"sequence", Value::integer(static_cast<int64_t>(letter.sequence))},
                                                        {"attempts", Value::list(std::move(history))},
                                                        {"item", letter.item ? letter.item : Value::null()}};
  if (!error.details.empty()) members.emplace_back("details", json_or_text(error.details));
  return *Value::map(std::move(members));
}

// What came out of a port for failures (node.h), as the failure it stands for.
DeadLetter letter_of(Value failure) {
  const auto number = [&](std::string_view key) { return static_cast<uint64_t>(std::max<int64_t>(0, failure.find(key).as_int().value_or(0))); };
  DeadLetter letter;
  letter.line = number("line");
  std::string where;
  if (letter.line) where = "line " + std::to_string(letter.line) + (number("column") ? ", column " + std::to_string(number("column")) : "") + ": ";
  const Value why = failure.find("error"), was = failure.find("text");
  letter.error = Error("unreadable", where + std::string(why.as_text().value_or("the node gave no reason")));
  if (const auto text = was.as_text()) {
    letter.text = *text;
    letter.text_bytes = std::max<uint64_t>(number("text_bytes"), letter.text.size());
  }
  letter.item = std::move(failure);
  return letter;
}

std::vector<uint32_t> edges_of(const RunNode& node, const std::vector<EdgeQueue*>& queues) {
  return queues.empty() ? std::vector<uint32_t>() : node.in_edges;
}

}  // namespace

Stage::Stage(RunCore& core, const PipelineStage& plan, std::vector<RunNode> nodes, std::vector<EdgeQueue*> inputs)
    : core_(core), plan_(plan), nodes_(std::move(nodes)),
      merge_(nodes_[0].node->settings.merge, inputs, core.edges, edges_of(nodes_[0], inputs)) {
  for (EdgeQueue* queue : inputs) queue->consumer = this;
  for (RunNode& node : nodes_) {
    const auto feed = [&](PortRoute& route) {
      if (!route.queue) return;
      route.queue->producer = this;
      route.backlog = backlogs_.size();
      const bool ordered = core_.pipeline.nodes[route.queue->edge().to].settings.merge.mode == MergeMode::kBySequence;
      backlogs_.push_back({route.queue, ordered, {}, 0});
      feeds_ordered_ = feeds_ordered_ || ordered;
      hand_over_ = std::min<size_t>(hand_over_, route.queue->edge().queue_items);
    };
    for (auto& port : node.routes) std::for_each(port.begin(), port.end(), feed);
    std::for_each(node.error_routes.begin(), node.error_routes.end(), feed);
    gives_results_ = gives_results_ || node.node->is_output;
  }
}

void Stage::drop_objects() {
  for (RunNode& node : nodes_) node.handle.reset();
}

void Stage::route(const PortRoute& route, ItemList& items, bool last) {
  EdgeBooks::add(core_.edges[route.edge].in, items.size());
  if (!route.queue) {
    for (RawItem item : items) {
      if (!last) Value::share(item.value).release();
      item.edge = route.edge;
      item.port = route.to_port;
      hand_on(route.target, item);
    }
    return;
  }
  Backlog& backlog = backlogs_[route.backlog];
  if (!last) {
    for (const RawItem& item : items) Value::share(item.value).release();
  }
  backlog.items.append(items);
  backlog_size_ += items.size();
}

void Stage::deliver(uint32_t position, uint32_t port, ItemList& items) {
  if (items.empty()) return;
  RunNode& node = nodes_[position];
  const std::vector<PortRoute>& routes = node.routes[port];
  const bool failures = node.node->carries_failures(port);
  if (failures && routes.empty()) return fail_emitted(position, items);
  EdgeBooks::add(core_.nodes[node.index].emitted, items.size());
  const bool out = node.node->is_output && !failures && (routes.empty() || node.node->settings.is_output_node);
  for (size_t i = 0; i < routes.size(); ++i) route(routes[i], items, !out && i + 1 == routes.size());
  if (out) {
    core_.put_out(node.exits[port], items);
  } else if (routes.empty()) {
    EdgeBooks::add(core_.exits[node.exits[port]].in, items.size());  // a port that nobody listens to
    for (RawItem& item : items) item.drop();
  }
  items.clear();
}

// What came out of a port for failures that nobody listens to: each is a failed item.
void Stage::fail_emitted(uint32_t position, ItemList& items) {
  NodeBooks& books = core_.nodes[nodes_[position].index];
  EdgeBooks::add(books.failed, items.size());
  EdgeBooks::add(books.failures, items.size());
  for (RawItem& item : items) {
    DeadLetter letter = letter_of(Value::adopt(item.value));
    item.value = nullptr;
    letter.sequence = item.sequence;
    fail_to(position, item, std::move(letter));
  }
  items.clear();
}

bool Stage::flush_much() {
  if (gives_results_ && core_.output_is_full()) return false;
  if (backlog_size_ == 0) return true;
  if (blocked_ || backlog_size_ >= hand_over_) return flush();
  const uint64_t now = now_ns();
  if (collecting_since_ == 0) collecting_since_ = now;
  return now - collecting_since_ < kCollectNs || flush();
}

bool Stage::flush() {
  collecting_since_ = 0;
  const bool room = !gives_results_ || !core_.output_is_full();
  if (backlog_size_ == 0) {
    tell_passed();
    return room;
  }
  for (Backlog& backlog : backlogs_) {
    if (backlog.items.empty()) continue;
    const size_t taken = backlog.queue->push(backlog.items, backlog.sent);
    backlog.sent += taken;
    backlog_size_ -= taken;
    if (backlog.sent >= backlog.items.size()) {
      backlog.items.clear();
      backlog.sent = 0;
    }
  }
  blocked_ = backlog_size_ > 0;
  if (!blocked_) tell_passed();
  return !blocked_ && room;
}

void Stage::fail_item(uint32_t position, const RawItem& envelope, Value original, Error error, std::vector<Attempt> attempts, bool is_partial) {
  EdgeBooks::add(core_.nodes[nodes_[position].index].failed, 1);
  DeadLetter letter;
  letter.error = std::move(error);
  letter.sequence = envelope.sequence;
  letter.attempts = std::move(attempts);
  letter.is_partial = is_partial;
  letter.item = std::move(original);
  fail_to(position, envelope, std::move(letter));
}

// The way of a failed item: the error port, or the dead letters. Counts nothing of the node.
void Stage::fail_to(uint32_t position, const RawItem& envelope, DeadLetter letter) {
  RunNode& node = nodes_[position];
  letter.node = node.node->settings.id;
  if (node.error_routes.empty()) {
    if (!letter.text.empty()) letter.item = Value();  // what could not be read is kept as what it was
    return core_.put_away(std::move(letter));
  }
  for (const PortRoute& way : node.error_routes) {
    if (way.gives_original && (letter.is_partial || !letter.item)) {  // it would come twice, or not at all
      core_.put_away(letter);
      continue;
    }
    ItemList items{envelope};
    items[0].value = (way.gives_original ? letter.item : error_value(letter)).release();
    route(way, items, true);
  }
}

void Stage::forgive_cancelled(std::vector<CallFailure>& failures) const {
  if (!core_.stopping()) return;
  std::erase_if(failures, [](const CallFailure& f) { return f.error.error_class == ErrorClass::kCancelled; });
}

void Stage::end_outputs() {
  for (Backlog& backlog : backlogs_) backlog.queue->end();
}

void Stage::advance_outputs(uint64_t sequence) {
  if (!feeds_ordered_) return;
  passed_ = std::max(passed_, sequence);
  flush();
}

// Not before what it speaks of is in the queues.
void Stage::tell_passed() {
  if (passed_ <= told_passed_) return;
  told_passed_ = passed_;
  for (Backlog& backlog : backlogs_) {
    if (backlog.ordered) backlog.queue->advance(passed_);
  }
}

void Stage::discard_backlog() {
  for (Backlog& backlog : backlogs_) {
    for (size_t i = backlog.sent; i < backlog.items.size(); ++i) backlog.items[i].drop();
    EdgeBooks::add_shared(backlog.queue->books().dropped, backlog.items.size() - backlog.sent);
    backlog.items.clear();
    backlog.sent = 0;
  }
  backlog_size_ = 0;
}

}  // namespace heddle
