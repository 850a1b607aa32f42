#include <heddle/sdk/chain.h>

#include <algorithm>
#include <optional>

#include "my_plugin_ledger.h"

namespace sdk = heddle::sdk;

HEDDLE_PLUGIN("my_plugin", "0.1.0", "Apache-2.0", "A ledger in a file", R"("package":"heddle-plugin-my-plugin")");

namespace {

using plugin::Activity;
using plugin::Entry;
using plugin::number_in;
using plugin::text_in;
using sdk::Refusal;
using sdk::Value;
using sdk::ValueRef;
using Entries = std::vector<Value::Entry>;

Refusal invalid(std::string why) { return Refusal(HEDDLE_INVALID, "invalid", std::move(why)); }

Value bytes_of(std::string_view text) { return Value::bytes(std::as_bytes(std::span(text))); }

// BYTES; or a text, or JSON, which is all that a manifest has.
Value bytes_in(ValueRef map, std::string_view key) {
  const ValueRef found = map.find(key);
  if (found.is(HEDDLE_BYTES)) return Value::share(found);
  return bytes_of(found.is(HEDDLE_STRING) ? text_in(map, key) : found.json());
}

void add_text(Entries& entries, std::string_view key, std::string_view text) {
  if (!text.empty()) entries.push_back({key, Value::string(text)});
}
void add_number(Entries& entries, std::string_view key, int64_t number) {
  if (number != 0) entries.push_back({key, Value::integer(number)});
}

// The answers to what heddle/chain.h lets a host ask, out of a ledger whose every entry is final at once.
class MyType {
 public:
  explicit MyType(const sdk::Config& config)
      : ledger_(config.get<std::string>("path"), config.get<std::string>("account", "")), lease_s_(config.get<int64_t>("lease_s", 60)) {}

  void open() { ledger_.open(); }
  void close() noexcept { ledger_.close(); }
  int news() const noexcept { return ledger_.news(); }
  void take_news() noexcept { ledger_.take_news(); }

  Value read(ValueRef question) {
    ledger_.catch_up();
    const std::string_view ask = text_in(question, "ask");
    if (ask == "standing") return standing();
    if (ask == "worker") return Value::map({{"active", Value::boolean(!ledger_.account().empty())}, {"version", Value::string("1.0.0")}});
    if (ask == "offer") return offer(text_in(question, "queue"), number_in(question, "partition"));
    if (ask == "activity") return activity(text_in(question, "activity"));
    if (ask == "mine") return mine();
    if (ask == "transaction") return transaction(text_in(question, "key"));
    if (ask == "call") return call(question);
    throw invalid("\"ask\" is one of standing, worker, offer, activity, mine, transaction and call");
  }

  // Whatever "until" says: an entry that is there is final.
  std::optional<Value> submit(std::string_view key, ValueRef intent) {
    const uint64_t block = ledger_.submit(key, deed_of(intent), number_in(intent, "not_after_unix"));
    ++submitted_;
    return receipt(block);
  }

  Value events(ValueRef filter) {
    ledger_.catch_up();
    const auto& entries = ledger_.entries();
    const int64_t most = std::max<int64_t>(filter.find("most").as_int().value_or(1000), 1);
    uint64_t block = begin_of(filter);
    std::vector<Value> found;
    for (; block < entries.size() && found.size() < static_cast<size_t>(most); ++block)
      if (entries[block].refused.empty() && block > 0 && is_wanted(filter.find("events"), text_in(entries[block].said, "do"))) found.push_back(event(block));
    return Value::map({{"events", Value::list(std::move(found))}, {"cursor", Value::integer(static_cast<int64_t>(block))}, {"head", Value::integer(static_cast<int64_t>(entries.size()) - 1)}});
  }

  // None of them is open.
  Value transactions(ValueRef filter) {
    ledger_.catch_up();
    const int64_t before = filter.find("before").as_int().value_or(INT64_MAX);
    size_t left = static_cast<size_t>(std::max<int64_t>(filter.find("most").as_int().value_or(100), 0));
    std::vector<uint64_t> blocks;
    if (!filter.find("open").as_bool().value_or(false))
      for (const auto& [key, block] : ledger_.keys())
        if (static_cast<int64_t>(ledger_.entries()[block].number) < before) blocks.push_back(block);
    std::sort(blocks.rbegin(), blocks.rend());
    std::vector<Value> all;
    for (auto at = blocks.begin(); at != blocks.end() && left-- > 0; ++at) all.push_back(shown(*at));
    return Value::list(std::move(all));
  }

 private:
  // What is said in the ledger for an intent: texts and numbers only, so that it is one line.
  Entries deed_of(ValueRef intent) const {
    const std::string_view deed = text_in(intent, "do");
    if (deed == "call") return called(intent);
    Entries said;
    add_text(said, "do", deed);
    add_text(said, "activity", text_in(intent, "activity"));
    if (deed == "claim" || deed == "heartbeat") add_number(said, "lease_until_unix", lease_s_ == 0 ? 0 : plugin::unix_now() + lease_s_);
    if (deed == "heartbeat") add_number(said, "percent", number_in(intent, "percent"));
    else if (deed == "complete") said.push_back({"result", bytes_in(intent, "result")});
    else if (deed == "fail") add_text(said, "reason", text_in(intent, "reason"));
    else if (deed == "resume") add_text(said, "workflow", text_in(intent, "workflow"));
    else if (deed != "claim") throw invalid("\"do\" is one of claim, heartbeat, complete, fail, resume and call");
    return said;
  }

  // The one function that writes: offer({"activity", "queue", "kind", "input", …}).
  static Entries called(ValueRef intent) {
    if (text_in(intent, "function") != "offer") throw invalid("the ledger has the function \"offer\", and no money to be moved");
    const ValueRef what = intent.find("args").at(0);
    Entries said;
    add_text(said, "do", "offer");
    for (const char* const key : {"activity", "workflow", "queue", "kind"}) add_text(said, key, text_in(what, key));
    for (const char* const key : {"partition", "priority", "expires_unix"}) add_number(said, key, number_in(what, key));
    said.push_back({"input", bytes_in(what, "input")});
    return said;
  }

  Value standing() const {
    const auto& entries = ledger_.entries();
    const auto refused = std::count_if(entries.begin(), entries.end(), [](const Entry& entry) { return !entry.refused.empty(); });
    std::vector<Value> alarms, endpoints;
    if (refused > 0) {
      const auto last = std::find_if(entries.rbegin(), entries.rend(), [](const Entry& entry) { return !entry.refused.empty(); });
      alarms.push_back(Value::string(std::to_string(refused) + " entries of " + ledger_.path() + " change nothing; the last, in line " + std::to_string(entries.rend() - last) + ": " + last->refused));
    }
    const auto head = static_cast<int64_t>(entries.size()) - 1;
    endpoints.push_back(Value::map({{"address", Value::string(ledger_.path())}, {"block", Value::integer(head)}, {"well", Value::boolean(true)}}));
    const auto count = static_cast<int64_t>(submitted_);
    return Value::map({{"chain", Value::string("my_plugin")},
                       {"account", Value::string(ledger_.account())},
                       {"block", Value::integer(head)},
                       {"block_unix", Value::integer(plugin::unix_now())},  // nothing is written where nobody wants anything: its time goes on all the same
                       {"balance", Value::integer(0)},
                       {"pending", Value::integer(0)},
                       {"gaps", Value::integer(0)},
                       {"bumps", Value::integer(0)},
                       {"sent", Value::integer(count)},
                       {"final", Value::integer(count)},
                       {"alarms", Value::list(std::move(alarms))},
                       {"endpoints", Value::list(std::move(endpoints))}});
  }

  // The highest priority first, and of the same the one that was offered first.
  Value offer(std::string_view queue, int64_t partition) const {
    const Activity* next = nullptr;
    std::string_view id;
    const int64_t now = plugin::unix_now();
    for (const auto& [name, one] : ledger_.activities()) {
      if (one.queue != queue || one.partition != partition || !one.is_open(now)) continue;
      if (next && (one.priority != next->priority ? one.priority < next->priority : one.block > next->block)) continue;
      next = &one;
      id = name;
    }
    return next ? activity(id) : Value::null();
  }

  Value activity(std::string_view id) const {
    const auto found = ledger_.activities().find(id);
    if (found == ledger_.activities().end()) return Value::null();
    const Activity& a = found->second;
    Entries entries;
    for (const auto& [key, text] : {std::pair("activity", id), std::pair("workflow", std::string_view(a.workflow)), std::pair("kind", std::string_view(a.kind)), std::pair("queue", std::string_view(a.queue)),
                                    std::pair("state", std::string_view(a.state))})
      entries.push_back({key, Value::string(text)});
    add_text(entries, "worker", a.worker);
    entries.push_back({"input", bytes_of(a.input)});
    for (const auto& [key, number] : {std::pair("created_unix", a.created_unix), std::pair("expires_unix", a.expires_unix), std::pair("lease_until_unix", a.lease_until_unix), std::pair("progress", a.percent)})
      entries.push_back({key, Value::integer(number)});
    return Value::map(entries);
  }

  Value mine() const {
    std::vector<Value> ids;
    for (const auto& [id, one] : ledger_.activities())
      if (one.state == "assigned" && one.worker == ledger_.account()) ids.push_back(Value::string(id));
    return Value::list(std::move(ids));
  }

  Value transaction(std::string_view key) const {
    const auto found = ledger_.keys().find(key);
    return found == ledger_.keys().end() ? Value::null() : shown(found->second);
  }

  // The one function that reads: entry(line).
  Value call(ValueRef question) const {
    if (text_in(question, "function") != "entry") throw invalid("the ledger has the function \"entry\", of a block's number");
    const int64_t block = question.find("args").at(0).as_int().value_or(-1);
    if (block < 0 || static_cast<uint64_t>(block) >= ledger_.entries().size()) throw Refusal(HEDDLE_INVALID, "reverted", "there is no such entry");
    return ledger_.entries()[static_cast<size_t>(block)].said;
  }

  // A cursor is the first block that has not been told of.
  uint64_t begin_of(ValueRef filter) const {
    const auto& entries = ledger_.entries();
    const ValueRef cursor = filter.find("after"), block = filter.find("from_block"), time = filter.find("from_unix");
    if (cursor || block) {
      const auto number = (cursor ? cursor : block).as_int();
      if (!number || *number < 0) throw invalid(cursor ? "\"after\" is no cursor of this ledger" : "\"from_block\" is a number");
      return std::min<uint64_t>(static_cast<uint64_t>(*number), entries.size());
    }
    if (!time) return entries.size();
    const int64_t from = time.as_int().value_or(0);
    return static_cast<uint64_t>(std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return number_in(e.said, "at_unix") >= from; }) - entries.begin());
  }

  static bool is_wanted(ValueRef names, std::string_view name) {
    bool is_named = !names;
    for (size_t i = 0; i < names.size(); ++i) is_named = is_named || names.at(i).as_text().value_or("") == name;
    return is_named;
  }

  // The event of an entry has the name of what was done, and its members as args.
  Value event(uint64_t block) const {
    static constexpr std::pair<std::string_view, std::string_view> kWork[] = {
        {"offer", "offered"}, {"claim", "claimed"}, {"heartbeat", "heartbeat"}, {"complete", "completed"}, {"fail", "failed"}};
    const Entry& entry = ledger_.entries()[block];
    const ValueRef said = entry.said;
    Entries members;
    add_text(members, "event", text_in(said, "do"));
    members.push_back({"block", Value::integer(static_cast<int64_t>(block))});
    add_text(members, "block_hash", entry.hash);
    add_number(members, "block_unix", number_in(said, "at_unix"));
    add_text(members, "transaction", entry.hash);
    members.push_back({"index", Value::integer(0)});
    add_text(members, "contract", "ledger");
    members.push_back({"args", entry.said});
    for (const auto& [deed, work] : kWork)
      if (text_in(said, "do") == deed) add_text(members, "work", work);
    add_text(members, "activity", text_in(said, "activity"));
    add_text(members, "worker", text_in(said, "do") == "offer" ? "" : text_in(said, "by"));
    add_text(members, "queue", text_in(said, "queue"));
    if (said.find("queue")) {
      members.push_back({"partition", Value::integer(number_in(said, "partition"))});
      members.push_back({"priority", Value::integer(number_in(said, "priority"))});
    }
    return Value::map(members);
  }

  Value receipt(uint64_t block) const {
    const Entry& entry = ledger_.entries()[block];
    return Value::map({{"key", Value::string(text_in(entry.said, "key"))},
                       {"stage", Value::string("final")},
                       {"transaction", Value::string(entry.hash)},
                       {"number", Value::integer(static_cast<int64_t>(entry.number))},
                       {"attempts", Value::integer(1)},
                       {"block", Value::integer(static_cast<int64_t>(block))},
                       {"block_hash", Value::string(entry.hash)},
                       {"fee", Value::integer(0)}});
  }

  // As `transactions` shows it.
  Value shown(uint64_t block) const {
    const Entry& entry = ledger_.entries()[block];
    const int64_t at = number_in(entry.said, "at_unix");
    std::vector<Value> attempts;
    attempts.push_back(Value::map({{"transaction", Value::string(entry.hash)}, {"fee", Value::integer(0)}, {"at_unix", Value::integer(at)}}));
    return Value::map({{"key", Value::string(text_in(entry.said, "key"))},
                       {"stage", Value::string("final")},
                       {"number", Value::integer(static_cast<int64_t>(entry.number))},
                       {"transaction", Value::string(entry.hash)},
                       {"do", Value::string(text_in(entry.said, "do"))},
                       {"attempts", Value::list(std::move(attempts))},
                       {"block", Value::integer(static_cast<int64_t>(block))},
                       {"stored_unix", Value::integer(at)}});
  }

  plugin::Ledger ledger_;
  const int64_t lease_s_;
  uint64_t submitted_ = 0;
};

// The members of the descriptor are listed in heddle/chain.h. The SDK makes the rest of a chain of it: its thread, the waits for events, and the answers that are owed.
HEDDLE_CHAIN(MyType, "MyType", R"("summary":"A ledger in a file: who may write it offers work, and does it",
  "params":{"type":"object","additionalProperties":false,"required":["path"],
    "properties":{"path":{"type":"string","minLength":1,"description":"The file"},
      "account":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,64}$","description":"As whom it is written. Absent: it is only read"},
      "lease_s":{"type":"integer","minimum":0,"maximum":31536000,"default":60,"description":"So long what was claimed is kept for its worker after each sign of life; 0: for ever"}}})");

}  // namespace
