#include "plugin/journal_table.h"

#include <deque>
#include <utility>
#include <vector>

#include "plugin/host_table.h"
#include "value/json_value.h"

namespace heddle {
namespace {

std::string_view view(heddle_bytes b) { return b.ptr ? std::string_view(static_cast<const char*>(b.ptr), b.len) : std::string_view(); }
heddle_bytes raw(std::string_view s) { return {s.data(), s.size()}; }

// As a store answers: its failures are of few kinds.
heddle_status status_of(const Error& why) {
  if (why.code == "conflict") return HEDDLE_CONFLICT;
  if (why.code == "not-found") return HEDDLE_NOT_FOUND;
  if (why.code == "invalid") return HEDDLE_INVALID;
  if (why.code == "exhausted") return HEDDLE_EXHAUSTED;
  return HEDDLE_UNAVAILABLE;
}

void answer(heddle_journal_answered answered, void* ctx, Result<Value> outcome) {
  if (outcome) return answered(ctx, HEDDLE_OK, std::move(outcome)->release(), {});
  const std::string why = outcome.error().text();
  answered(ctx, status_of(outcome.error()), nullptr, {why.data(), why.size()});
}

}  // namespace

std::string JournalTable::end() const {
  std::string end = prefix_;
  ++end.back();
  return end;
}

Value JournalTable::without_prefix(const Value& page) const {
  const Value rows = page.find("rows");
  std::vector<Value> shown;
  shown.reserve(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Value row = rows.at(i), key = row.at(0);
    shown.push_back(Value::list({Value::bytes(key.as_bytes().value_or(std::string_view()).substr(prefix_.size())), row.at(1), row.at(2)}));
  }
  return json_object({{"rows", Value::list(std::move(shown))}, {"more", page.find("more")}});
}

// The host's side of heddle.journal/1.
struct JournalFunctions {
  static JournalTable& of(const heddle_host* h) { return *static_cast<JournalTable*>(HostTable::context(h, &JournalTable::service())); }
  static bool is_durable(const heddle_host* h) noexcept { return of(h).is_durable_; }
  static void commit(const heddle_host* h, const heddle_write* writes, uint32_t n, heddle_journal_answered answered, void* ctx) noexcept {
    JournalTable& journal = of(h);
    std::deque<std::string> keys;
    std::vector<heddle_write> all(writes, writes + n);
    for (heddle_write& w : all) w.key = raw(keys.emplace_back(journal.prefix_ + std::string(view(w.key))));
    journal.store_.commit(all, [answered, ctx](Result<Value> outcome) { answer(answered, ctx, std::move(outcome)); });
  }
  static void get(const heddle_host* h, const heddle_bytes* key, heddle_journal_answered answered, void* ctx) noexcept {
    JournalTable& journal = of(h);
    journal.store_.get(journal.prefix_ + std::string(view(*key)), [answered, ctx](Result<Value> outcome) { answer(answered, ctx, std::move(outcome)); });
  }
  static void scan(const heddle_host* h, const heddle_range* range, heddle_journal_answered answered, void* ctx) noexcept {
    const JournalTable& journal = of(h);
    const std::string from = journal.prefix_ + std::string(view(range->from));
    const std::string until = range->until.len ? journal.prefix_ + std::string(view(range->until)) : journal.end();
    journal.store_.scan({.from = from, .until = until, .limit = range->limit, .max_bytes = range->max_bytes}, [answered, ctx, &journal](Result<Value> outcome) {
      answer(answered, ctx, outcome ? Result<Value>(journal.without_prefix(*outcome)) : std::move(outcome));
    });
  }
};

const heddle_journal_service& JournalTable::service() {
  static constexpr heddle_journal_service kService = {sizeof(heddle_journal_service), JournalFunctions::is_durable, JournalFunctions::commit, JournalFunctions::get, JournalFunctions::scan};
  return kService;
}

}  // namespace heddle
