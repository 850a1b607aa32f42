#include "submissions.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using Entries = std::vector<Value::Entry>;

constexpr size_t kMostKey = 200;

Value integer(uint64_t number) { return Value::integer(static_cast<int64_t>(number)); }
Value hex(std::string_view bytes) { return Value::string(to_hex(bytes)); }

// Nothing: it is damaged.
std::optional<Record> whole(ValueRef kept) {
  std::optional<Record> record;
  heddle::sdk::detail::guard([&] { record = read_record(kept); }, [](heddle_status, std::string_view) {});
  return record;
}

// Of anything else the journal could not be read again.
bool is_text(const std::string& key) {
  bool is_utf8 = false;
  heddle::sdk::detail::guard([&] { is_utf8 = static_cast<bool>(Value::string(key)); }, [](heddle_status, std::string_view) {});
  return is_utf8;
}

std::optional<Stage> read_until(ValueRef intent) {
  const ValueRef until = intent.find("until");
  const std::string_view text = until ? until.as_text().value_or("") : "final";
  if (text == "stored") return Stage::kStored;
  if (text == "included") return Stage::kIncluded;
  if (text == "final") return Stage::kFinal;
  return std::nullopt;
}

Value reason_of(const Record& record) {
  Value reason;
  if (!record.receipt.reason.empty()) heddle::sdk::detail::guard([&] { reason = Value::parse(record.receipt.reason); }, [](heddle_status, std::string_view) {});
  return reason;
}

std::string in_words(const Value& reason) { return !reason ? "" : ": " + std::string(reason.is(HEDDLE_STRING) ? *reason.as_text() : reason.json()); }

// How it ended, where it did not end well.
std::optional<Failure> failure_of(const Record& record) {
  Failure failure{.status = HEDDLE_INVALID};
  const Value reason = reason_of(record);
  switch (record.stage) {
    case Stage::kReverted:
      failure.code = "reverted";
      failure.why = "the transaction was reverted, in block " + std::to_string(record.receipt.block) + in_words(reason);
      break;
    case Stage::kRefused:
      failure.code = "refused";
      failure.why = "no node takes the transaction" + in_words(reason);
      break;
    case Stage::kReplaced:
      failure.status = HEDDLE_DEADLINE;
      failure.code = "too-late";
      failure.why = "the transaction was not in a block in time, and its number has gone to one that does nothing";
      break;
    default: return std::nullopt;
  }
  if (reason) failure.more.emplace_back("reason", reason);
  if (const Attempt* const counts = record.current()) failure.more.emplace_back("transaction", hex(counts->hash));
  return failure;
}

void add_receipt(const Record& record, Entries& entries) {
  if (record.receipt.block_hash.empty()) return;
  entries.push_back({"block", integer(record.receipt.block)});
  entries.push_back({"block_hash", hex(record.receipt.block_hash)});
  entries.push_back({"fee", to_value(record.receipt.paid)});
}

// True if whoever waits until then has waited long enough. Of one that failed only the end counts: it may be undone before.
bool is_reached(const Record& record, Stage until) {
  if (is_over(record.stage) || until == Stage::kStored) return true;
  return until == Stage::kIncluded && record.stage == Stage::kIncluded && record.receipt.succeeded && !(record.current() && record.current()->does_nothing);
}

void answer(const Record& record, Op& op) {
  if (const auto failure = failure_of(record)) return op.fail(*failure);
  op.ok(show_brief(record));
}

}  // namespace

Value show_brief(const Record& record) {
  const std::string_view stage = record.stage == Stage::kIncluded ? "included" : record.stage == Stage::kFinal ? "final" : "stored";
  Entries entries = {{"key", Value::string(record.intent.key)}, {"stage", Value::string(stage)}, {"number", integer(record.number)}, {"attempts", integer(record.attempts.size())}};
  if (const Attempt* const counts = record.current()) entries.push_back({"transaction", hex(counts->hash)});
  add_receipt(record, entries);
  return Value::map(entries);
}

Value show_whole(const Record& record) {
  std::vector<Value> attempts;
  for (const Attempt& attempt : record.attempts) {
    Entries entries = {{"transaction", hex(attempt.hash)}, {"fee", to_value(attempt.fee.cap)}, {"at_unix", Value::integer(attempt.at_unix)}};
    if (!attempt.error.empty()) entries.push_back({"error", Value::string(attempt.error)});
    attempts.push_back(Value::map(entries));
  }
  Entries entries = {{"key", Value::string(record.intent.key)}, {"stage", Value::string(name_of(record.stage))}, {"number", integer(record.number)}, {"do", Value::string(record.intent.what)},
                     {"attempts", Value::list(std::move(attempts))}, {"stored_unix", Value::integer(record.stored_unix)}};
  if (const Attempt* const counts = record.current()) entries.push_back({"transaction", hex(counts->hash)});
  add_receipt(record, entries);
  if (Value reason = reason_of(record)) entries.push_back({"reason", std::move(reason)});
  return Value::map(entries);
}

namespace {
void show_kept(Op& op, ValueRef kept) {
  if (const auto record = whole(kept)) return op.ok(show_whole(*record));
  op.fail(unavailable("the journal has a damaged record"));
}
}  // namespace

void Submissions::restored(const Record& record) {
  if (!record.intent.key.empty()) open_[record.intent.key].number = record.number;
}

void Submissions::submit(const std::string& key, ValueRef intent, OpPtr op) {
  const auto until = read_until(intent);
  if (key.empty() || key.size() > kMostKey) return op->fail(invalid("the key of a transaction has 1 to 200 bytes, and this one has " + std::to_string(key.size())));
  if (!is_text(key)) return op->fail(invalid("the key of a transaction must be UTF-8"));
  if (!until) return op->fail(invalid("\"until\" must be stored, included or final"));
  const auto known = open_.find(key);
  if (known != open_.end()) {
    const Record* const record = known->second.number ? sender_.lane().at(*known->second.number) : nullptr;
    if (record && sender_.lane().is_stored(record->number) && is_reached(*record, *until)) return answer(*record, *op);
    auto& waiters = known->second.waiters;
    std::erase_if(waiters, [](const Waiter& waiter) { return waiter.op->is_over(); });  // who asks again and again has given up before
    waiters.push_back({std::move(op), *until});
    return;
  }
  if (open_.size() >= settings_.most_open) return op->fail({.status = HEDDLE_EXHAUSTED, .code = "full", .why = std::to_string(open_.size()) + " transactions are open already"});
  open_[key].waiters.push_back({std::move(op), *until});
  look_up(key, Value::share(intent));
}

void Submissions::look_up(const std::string& key, Value intent) {
  journal_.find_key(key, [this, key, intent = std::move(intent)](const Value& kept, const std::string& why) {
    if (!why.empty()) return failed(key, unavailable(why));
    if (!kept) return prepare(key, intent);
    if (const ValueRef refused = kept.find("refused")) return found(key, refused);
    const auto number = kept.find("number").as_int();
    if (!number) return failed(key, unavailable("the journal has something under this key that is no number"));
    journal_.find_number(static_cast<uint64_t>(*number), [this, key](const Value& record, const std::string& unread) {
      if (!unread.empty()) return failed(key, unavailable(unread));
      if (!record) return failed(key, invalid("the key was taken by another account, or its record is gone"));
      found(key, record);
    });
  });
}

// It is over: what is open is known from the start.
void Submissions::found(const std::string& key, ValueRef kept) {
  const auto read = whole(kept);
  if (!read) return failed(key, unavailable("the journal has a damaged record under this key"));
  const Record& record = *read;
  if (record.intent.key != key) return failed(key, invalid("the key was taken by another account"));
  for (const Waiter& waiter : open_[key].waiters) answer(record, *waiter.op);
  open_.erase(key);
}

void Submissions::prepare(const std::string& key, ValueRef wanted) {
  Intent intent;
  std::optional<Failure> wrong;
  heddle::sdk::detail::guard([&] { intent = preparation_.read(key, wanted); }, [&](heddle_status, std::string_view why) { wrong = invalid(std::string(why)); });
  if (wrong) return failed(key, *wrong);
  if (intent.not_after_unix != 0 && intent.not_after_unix < sender_.now_unix()) return failed(key, {.status = HEDDLE_DEADLINE, .code = "too-late", .why = "its time had passed when it was asked for"});
  preparation_.prepare(std::move(intent), [this, key](Intent ready, std::optional<Failure> failure) {
    if (!failure) failure = sender_.take(std::move(ready));
    if (failure) failed(key, *failure);
  });
}

void Submissions::failed(const std::string& key, const Failure& why) {
  const auto open = open_.find(key);
  if (open == open_.end()) return;
  const std::vector<Waiter> waiters = std::move(open->second.waiters);
  open_.erase(open);
  for (const Waiter& waiter : waiters) waiter.op->fail(why);
}

void Submissions::became(const Record& record) {
  const auto open = open_.find(record.intent.key);
  if (open == open_.end()) return;
  if (record.stage == Stage::kConflict) return;  // its intent has another number by now
  open->second.number = record.number;
  auto& waiters = open->second.waiters;
  std::erase_if(waiters, [&](const Waiter& waiter) {
    if (!is_reached(record, waiter.until)) return false;
    answer(record, *waiter.op);
    return true;
  });
  if (is_over(record.stage)) open_.erase(open);
}

void Submissions::find(const std::string& key, OpPtr op) {
  const auto open = open_.find(key);
  if (open != open_.end()) {
    const Record* const record = open->second.number ? sender_.lane().at(*open->second.number) : nullptr;
    return op->ok(record ? show_whole(*record) : Value::null());
  }
  journal_.find_key(key, [this, op](const Value& kept, const std::string& why) {
    if (!why.empty()) return op->fail(unavailable(why));
    if (!kept) return op->ok(Value::null());
    if (const ValueRef refused = kept.find("refused")) return show_kept(*op, refused);
    journal_.find_number(static_cast<uint64_t>(kept.find("number").as_int().value_or(0)), [op](const Value& record, const std::string& unread) {
      if (!unread.empty()) return op->fail(unavailable(unread));
      record ? show_kept(*op, record) : op->ok(Value::null());
    });
  });
}

// --- Lists ------------------------------------------------------------------------------------------------------------------------

struct Submissions::Listing {
  OpPtr op;
  size_t most;
  uint64_t before, from = 0;
  std::vector<Value> found, page;  // the newest first; the page in order
};

void Submissions::list(ValueRef filter, OpPtr op) {
  const auto number = [&](const char* key, int64_t otherwise) { return static_cast<uint64_t>(std::max<int64_t>(filter.find(key).as_int().value_or(otherwise), 0)); };
  auto listing = std::make_shared<Listing>(
      Listing{.op = std::move(op), .most = std::min<uint64_t>(number("most", 100), 10'000), .before = std::min(number("before", INT64_MAX), sender_.lane().next()), .found = {}, .page = {}});
  if (!filter.find("open").as_bool().value_or(false)) return list_kept(listing);
  sender_.lane().each([&](const Record& record) {
    if (record.number < listing->before) listing->found.push_back(show_whole(record));
  });
  std::reverse(listing->found.begin(), listing->found.end());
  if (listing->found.size() > listing->most) listing->found.resize(listing->most);
  listing->op->ok(Value::list(std::move(listing->found)));
}

// Pages of the journal, backwards: as many numbers as are still wanted.
void Submissions::list_kept(const std::shared_ptr<Listing>& listing) {
  const size_t wanted = listing->most - std::min(listing->most, listing->found.size());
  if (wanted == 0 || listing->before == 0 || listing->op->is_over()) return listing->op->ok(Value::list(std::move(listing->found)));
  listing->from = listing->before - std::min<uint64_t>(listing->before, std::max<uint64_t>(wanted, 64));
  auto go_on = std::make_shared<std::function<void(uint64_t)>>();
  const std::weak_ptr<std::function<void(uint64_t)>> again = go_on;
  *go_on = [this, listing, again](uint64_t from) {
    const auto self = again.lock();
    journal_.scan(from, listing->before, [this, listing, self](std::vector<Value> records, uint64_t next, const std::string& why) {
      if (!why.empty()) return listing->op->fail(unavailable(why));
      for (const Value& kept : records) {
        const auto record = whole(kept);
        const Record* const open = record ? sender_.lane().at(record->number) : nullptr;
        if (record) listing->page.push_back(show_whole(open ? *open : *record));
      }
      if (next < listing->before) return (*self)(next);
      while (!listing->page.empty() && listing->found.size() < listing->most) {
        listing->found.push_back(std::move(listing->page.back()));
        listing->page.pop_back();
      }
      listing->page.clear();
      listing->before = listing->from;
      list_kept(listing);
    });
  };
  (*go_on)(listing->from);
}

}  // namespace chain_evm
