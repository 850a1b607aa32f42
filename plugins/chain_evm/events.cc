#include "events.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <map>
#include <utility>

#include "hex.h"
#include "refusal.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr size_t kMostEvents = 100'000, kMostCursor = 2 * Heads::kMost;
constexpr uint64_t kAgainMs = 200;
constexpr int kMostRounds = 25;

Value integer(uint64_t number) { return Value::integer(static_cast<int64_t>(number)); }
std::string tag(uint64_t block) { return '"' + to_quantity(Amount(block)) + '"'; }

uint64_t quantity(ValueRef map, const char* key) {
  const Amount number = parse_quantity(map.find(key).as_text().value_or(""));
  if (number > INT64_MAX) throw Error(HEDDLE_INVALID, std::string("\"") + key + "\" is too large");
  return static_cast<uint64_t>(number);
}

std::string hash_in(ValueRef map, const char* key) {
  auto hash = parse_hex(map.find(key).as_text().value_or(""), kHashSize);
  if (!hash) throw Error(HEDDLE_INVALID, std::string("\"") + key + "\" is no hash");
  return *std::move(hash);
}

}  // namespace

uint64_t Events::now_ms() { return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()); }

uint64_t Events::end_of(const Pull& pull) const {
  const Block* const newest = watch_.heads().newest();
  if (!newest) return 0;
  if (!pull.is_final) return newest->number + 1;
  return watch_.final_block() == UINT64_MAX ? 0 : std::min(watch_.final_block(), newest->number) + 1;
}

// --- The question -----------------------------------------------------------------------------------------------------------------

Events::PullPtr Events::begin(ValueRef filter, OpPtr op) const {
  const auto number = [&](const char* key, int64_t otherwise) { return static_cast<uint64_t>(std::max<int64_t>(filter.find(key).as_int().value_or(otherwise), 0)); };
  auto pull = std::make_shared<Pull>(Pull{.op = std::move(op), .topics = {}, .addresses = {}});
  pull->is_final = filter.find("final").as_bool().value_or(false);
  pull->most = std::clamp<size_t>(number("most", 1000), 1, kMostEvents);
  pull->until_ms = now_ms() + std::min<uint64_t>(number("wait_ms", 0), 3'600'000);
  const Block* const newest = watch_.heads().newest();
  if (!newest && !filter.find("after") && !filter.find("from_block")) throw Refusal(HEDDLE_UNAVAILABLE, "unavailable", "no node has said yet what the newest block is");
  const ValueRef wanted = filter.find("events");
  std::vector<const Event*> events;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const std::string name(wanted.at(i).as_text().value_or(""));
    events.push_back(settings_.interface.event(name));
    if (!events.back()) throw Error(HEDDLE_INVALID, "there is no event \"" + name + "\": \"interface\" declares what is not known");
  }
  if (!wanted)
    for (const Event& event : settings_.interface.events()) events.push_back(&event);
  for (const Event* const event : events) (pull->topics += pull->topics.empty() ? "\"" : ",\"") += to_hex(event->topic0) + '"';
  for (const std::string& contract : {settings_.contracts.task_queue, settings_.contracts.control_plane, settings_.contracts.workflow_engine})
    if (!contract.empty()) (pull->addresses += pull->addresses.empty() ? "\"" : ",\"") += to_hex(contract) + '"';
  if (const ValueRef cursor = filter.find("after"); cursor && !cursor.is_null()) {
    read_cursor(cursor, *pull);
  } else if (filter.find("from_block")) {
    pull->next = number("from_block", 0);
  } else if (filter.find("from_unix")) {
    pull->from_unix = number("from_unix", 0);
  } else {
    const uint64_t end = end_of(*pull);
    pull->next = end > 0 ? end - 1 : newest->number;
  }
  return pull;
}

void Events::read_cursor(ValueRef cursor, Pull& pull) const {
  const auto next = cursor.find("next").as_int();
  const ValueRef blocks = cursor.find("blocks");
  if (!next || *next < 0 || blocks.size() > kMostCursor) throw Error(HEDDLE_INVALID, "\"after\" is no cursor of ours");
  pull.next = static_cast<uint64_t>(*next);
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto hash = parse_hex(blocks.at(i).at(1).as_text().value_or(""), kHashSize);
    const auto at = blocks.at(i).at(0).as_int();
    if (!hash || !at || *at < 0) throw Error(HEDDLE_INVALID, "\"after\" is no cursor of ours");
    pull.blocks.push_back({.number = static_cast<uint64_t>(*at), .hash = *hash, .had_events = blocks.at(i).at(2).as_bool().value_or(false)});
  }
}

void Events::pull(ValueRef filter, OpPtr op) {
  const PullPtr pull = begin(filter, op);
  if (pull->from_unix) return find_time(pull, 0, watch_.heads().newest()->number + 1);
  go_on(pull);
}

// By halves, over the times of blocks: the first one that is not earlier, in [below, above].
void Events::find_time(const PullPtr& pull, uint64_t below, uint64_t above) {
  if (below >= above) {
    pull->next = below;
    return go_on(pull);
  }
  const uint64_t middle = below + (above - below) / 2;
  const auto go = [this, pull, below, above, middle](bool is_earlier) { find_time(pull, is_earlier ? middle + 1 : below, is_earlier ? above : middle); };
  if (const Block* const known = watch_.heads().at(middle)) return go(known->unix < static_cast<int64_t>(*pull->from_unix));
  rpc_.ask(
      "eth_getBlockByNumber", "[" + tag(middle) + ",false]",
      [pull, go](const Answer& answer) {
        // What a node has no more is earlier than what it has; whatever else it says tells nothing.
        const bool is_missing = answer.error ? answer.error->trouble == Trouble::kMissing : answer.result.is_null();
        if (is_missing) return go(true);
        const auto block = read_block(answer.result);
        if (!block) return pull->op->fail(unavailable(answer.is_good() ? "what a node says is no block" : answer.text()));
        go(block->unix < static_cast<int64_t>(*pull->from_unix));
      },
      watch_.followed());
}

// --- What was read before, and may be gone ----------------------------------------------------------------------------------------

void Events::go_on(const PullPtr& pull) {
  if (pull->op->is_over()) return;
  if (!watch_.heads().newest()) return wait(pull);
  check(pull, pull->blocks.size());
}

// From the newest one back to the first that is still there.
void Events::check(const PullPtr& pull, size_t from) {
  while (from > 0) {
    const Read& read = pull->blocks[from - 1];
    const Block* const now = watch_.heads().at(read.number);
    if (!now && read.number >= watch_.heads().oldest() && read.number > watch_.heads().newest()->number) return wait(pull);  // this node is behind
    if (!now) break;
    if (now->hash == read.hash) return rewind(pull, from);
    --from;
  }
  if (from == 0) return rewind(pull, 0);
  rpc_.ask(
      "eth_getBlockByNumber", "[" + tag(pull->blocks[from - 1].number) + ",false]",
      [this, pull, from](const Answer& answer) {
        if (!answer.is_good()) return pull->op->fail(unavailable(answer.text()));
        // A node may have no old blocks: that says nothing of what was in them.
        const auto block = read_block(answer.result);
        if (!block) return pull->op->fail(unavailable("the node lacks the block " + std::to_string(pull->blocks[from - 1].number) + ", whose events were given"));
        if (block->hash == pull->blocks[from - 1].hash) return rewind(pull, from);
        check(pull, from - 1);
      },
      watch_.followed());
}

// The blocks of the cursor from `from` on never were.
void Events::rewind(const PullPtr& pull, size_t from) {
  auto& blocks = pull->blocks;
  if (from < blocks.size()) {
    for (size_t i = blocks.size(); i-- > from;)
      if (blocks[i].had_events)
        pull->found.push_back(Value::map({{"event", Value::string("removed")}, {"block", integer(blocks[i].number)}, {"block_hash", Value::string(to_hex(blocks[i].hash))}}));
    pull->next = blocks[from].number;
    blocks.resize(from);
  }
  read(pull);
}

// --- Reading ----------------------------------------------------------------------------------------------------------------------

void Events::read(const PullPtr& pull) {
  if (pull->op->is_over()) return;
  const uint64_t end = end_of(*pull);
  if (pull->found.size() >= pull->most || pull->next >= end) return pull->found.empty() ? wait(pull) : answer(pull);
  ask(pull, std::min(end, pull->next + std::max<uint64_t>(range_, 1)) - 1);
}

// A node answers that there are no events in blocks that it has not. So it says first which one it has at the end of the range.
void Events::ask(const PullPtr& pull, uint64_t last) {
  const std::string addresses = pull->addresses.empty() ? "" : R"(,"address":[)" + pull->addresses + "]";
  const std::string params = R"([{"fromBlock":)" + tag(pull->next) + R"(,"toBlock":)" + tag(last) + R"(,"topics":[[)" + pull->topics + "]]" + addresses + "}]";
  rpc_.ask_together({{"eth_getBlockByNumber", "[" + tag(last) + ",false]"}, {"eth_getLogs", params}}, [this, pull, last](const std::vector<Answer>& answers) { heard(pull, last, answers[0], answers[1]); },
                    watch_.followed());
}

void Events::heard(const PullPtr& pull, uint64_t last, const Answer& end, const Answer& logs) {
  const uint64_t blocks = last - pull->next + 1;
  const bool is_too_much = logs.error ? logs.error->trouble == Trouble::kTooMany : logs.why.find("larger than is taken") != logs.why.npos;
  if (is_too_much && blocks > 1) {
    range_ = std::max<uint64_t>(1, blocks / 2);
    return read(pull);
  }
  if (end.is_silent()) return pull->op->fail(unavailable(end.why));
  if (end.error && end.error->trouble != Trouble::kMissing) return pull->op->fail(unavailable(end.text()));
  const auto block = read_block(end.result);
  const Block* const known = watch_.heads().at(last);
  const bool is_there = block && block->number == last && (known ? known->hash == block->hash : last < watch_.heads().oldest());
  if (!is_there) return again(pull);
  if (!logs.result.is(HEDDLE_LIST)) return pull->op->fail(unavailable(logs.is_good() ? "the node answers no list of events" : logs.text()));
  std::optional<std::string> wrong;
  heddle::sdk::detail::guard([&] { take(pull, last, logs.result); }, [&](heddle_status, std::string_view why) { wrong = std::string(why); });
  if (wrong) pull->op->fail(unavailable("what the node says of events cannot be read: " + *wrong));
}

// The chain has changed while it was read, or the node is behind: it is read again, after the next look.
void Events::again(const PullPtr& pull) {
  if (++pull->rounds >= kMostRounds && now_ms() >= pull->until_ms) return pull->op->fail(unavailable("what the node says of events is not of the blocks that it names"));
  network_.after(kAgainMs, [this, pull] { go_on(pull); });
}

void Events::take(const PullPtr& pull, uint64_t last, ValueRef logs) {
  std::map<uint64_t, std::vector<ValueRef>> by_block;
  for (size_t i = 0; i < logs.size(); ++i) {
    const ValueRef log = logs.at(i);
    const uint64_t number = quantity(log, "blockNumber");
    const Block* const block = watch_.heads().at(number);
    if (number < pull->next || number > last || (block && block->hash != hash_in(log, "blockHash"))) return again(pull);
    by_block[number].push_back(log);
  }
  pull->rounds = 0;
  uint64_t end = last;
  for (const auto& [number, of_block] : by_block) {
    for (const ValueRef log : of_block) add_log(*pull, log, number);
    if (!watch_.is_settled(number)) pull->blocks.push_back({.number = number, .hash = hash_in(of_block.front(), "blockHash"), .had_events = true});
    if (pull->found.size() < pull->most) continue;
    end = number;
    break;
  }
  remember(*pull, end);
  pull->next = end + 1;
  range_ = std::min(settings_.most_log_blocks, range_ + std::max<uint64_t>(1, range_ / 4));
  read(pull);
}

// What an event says of an activity, in the words of heddle/chain.h.
void Events::add_work(std::vector<Value::Entry>& entries, const std::string& event, ValueRef args) {
  static constexpr std::pair<std::string_view, std::string_view> kWork[] = {
      {"ActivityEnqueued", "offered"}, {"ActivityClaimed", "claimed"}, {"ActivityHeartbeat", "heartbeat"}, {"ActivityCompleted", "completed"}, {"ActivityFailed", "failed"}};
  static constexpr std::pair<std::string_view, std::string_view> kMembers[] = {
      {"activityId", "activity"}, {"worker", "worker"}, {"queueName", "queue"}, {"partitionId", "partition"}, {"priority", "priority"}};
  const auto known = std::find_if(std::begin(kWork), std::end(kWork), [&](const auto& one) { return one.first == event; });
  if (known == std::end(kWork)) return;
  entries.push_back({"work", Value::string(known->second)});
  for (const auto& [theirs, ours] : kMembers)
    if (const ValueRef said = args.find(theirs)) entries.push_back({ours, Value::share(said)});
}

void Events::add_log(Pull& pull, ValueRef log, uint64_t number) const {
  if (log.find("removed").as_bool().value_or(false)) return;
  std::vector<std::string> topics;
  const ValueRef said = log.find("topics");
  for (size_t i = 0; i < said.size(); ++i) topics.push_back(parse_hex(said.at(i).as_text().value_or(""), kHashSize).value_or(""));
  const Event* const event = topics.empty() ? nullptr : settings_.interface.event_of(topics[0]);
  const auto data = parse_hex(log.find("data").as_text().value_or(""));
  if (!event || !data) return;
  Value args;
  heddle::sdk::detail::guard([&] { args = event->decode(topics, *data); }, [](heddle_status, std::string_view) {});
  if (!args) return;  // of another contract, whose event has the same name and other arguments
  std::vector<Value::Entry> entries = {{"event", Value::string(event->name)},
                                       {"block", integer(number)},
                                       {"block_hash", Value::share(log.find("blockHash"))},
                                       {"transaction", Value::share(log.find("transactionHash"))},
                                       {"index", integer(quantity(log, "logIndex"))},
                                       {"contract", Value::share(log.find("address"))}};
  add_work(entries, event->name, args);
  entries.push_back({"args", std::move(args)});
  if (const Block* const block = watch_.heads().at(number)) entries.push_back({"block_unix", Value::integer(block->unix)});
  pull.found.push_back(Value::map(entries));
}

// What may still be undone, of what was read: so that it is noticed.
void Events::remember(Pull& pull, uint64_t last) const {
  for (uint64_t number = std::max(pull.next, watch_.heads().oldest()); number <= last; ++number) {
    const Block* const block = watch_.heads().at(number);
    const bool is_there = std::any_of(pull.blocks.begin(), pull.blocks.end(), [&](const Read& read) { return read.number == number; });
    if (block && !is_there && !watch_.is_settled(number)) pull.blocks.push_back({.number = number, .hash = block->hash, .had_events = false});
  }
  std::sort(pull.blocks.begin(), pull.blocks.end(), [](const Read& a, const Read& b) { return a.number < b.number; });
}

// --- The answer -------------------------------------------------------------------------------------------------------------------

void Events::answer(const PullPtr& pull) {
  auto& blocks = pull->blocks;
  // Of those that cannot be undone the last one stays: it says where everything after it must be linked to.
  while (blocks.size() > 1 && watch_.is_settled(blocks[1].number)) blocks.erase(blocks.begin());
  while (blocks.size() > Heads::kMost) blocks.erase(blocks.begin());
  std::vector<Value> kept;
  for (const Read& read : blocks) kept.push_back(Value::list({integer(read.number), Value::string(to_hex(read.hash)), Value::boolean(read.had_events)}));
  const Block* const newest = watch_.heads().newest();
  pull->op->ok(Value::map({{"events", Value::list(std::move(pull->found))},
                           {"cursor", Value::map({{"next", integer(pull->next)}, {"blocks", Value::list(std::move(kept))}})},
                           {"head", integer(newest ? newest->number : 0)}}));
}

void Events::wait(const PullPtr& pull) {
  const uint64_t now = now_ms();
  if (now >= pull->until_ms) return answer(pull);
  std::erase_if(waiting_, [](const PullPtr& one) { return one->op->is_over(); });
  waiting_.push_back(pull);
  if (std::exchange(pull->has_timer, true)) return;  // if that rings while it reads, it waits no more
  network_.after(pull->until_ms - now, [this, weak = std::weak_ptr<Pull>(pull)] {
    const PullPtr late = weak.lock();
    if (late && std::erase(waiting_, late) > 0 && !late->op->is_over()) answer(late);
  });
}

void Events::looked() {
  for (const PullPtr& pull : std::exchange(waiting_, {})) go_on(pull);
}

}  // namespace chain_evm
