#include "serve/job_store.h"

#include <array>
#include <charconv>
#include <future>

#include "log.h"

namespace heddle {
namespace {

constexpr std::string_view kFirst = "job/", kEnd = "job0";  // '0' follows '/'
constexpr size_t kDigits = 16;
using Key = std::array<char, kFirst.size() + kDigits>;

Key key_of(JobId id) {
  Key key;
  std::copy(kFirst.begin(), kFirst.end(), key.begin());
  for (size_t i = key.size(); i-- > kFirst.size(); id >>= 4) key[i] = "0123456789abcdef"[id & 15];
  return key;
}

std::string_view bytes_of(const Value& v) { return v.as_bytes().value_or(std::string_view()); }

heddle_bytes raw(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

void JobStore::write(std::vector<Change> changes, Done done) {
  std::vector<Key> keys;
  std::vector<heddle_write> writes;
  keys.reserve(changes.size());
  writes.reserve(changes.size());
  for (const Change& c : changes) {
    const Key& key = keys.emplace_back(key_of(c.id));
    writes.push_back({c.record.empty() ? HEDDLE_ERASE : HEDDLE_PUT, raw({key.data(), key.size()}), raw(c.record), 0});
  }
  store_.commit(writes, [this, done = std::move(done)](Result<Value> answer) {
    outcome(answer);
    done(answer ? Result<void>() : std::move(answer).error());
  });
}

// An outage is said once, and its end.
void JobStore::outcome(const Result<Value>& answer) {
  if (failing_.load(std::memory_order_relaxed) == !answer) return;
  if (failing_.exchange(!answer) == !answer) return;
  if (answer) log::write(log::Level::kInfo, "jobs", "the store takes jobs again");
  else log::write(log::Level::kError, "jobs", "the store takes no jobs: " + answer.error().text());
}

// While a page is read here, the store gets the next one ready.
Result<void> JobStore::read(const std::function<Result<void>(JobId id, std::string_view record)>& each) {
  const auto ask = [this](const std::string& from) {
    auto answered = std::make_shared<std::promise<Result<Value>>>();
    auto answer = answered->get_future();
    store_.scan({.from = from, .until = kEnd}, [answered](Result<Value> page) { answered->set_value(std::move(page)); });
    return answer;
  };
  auto next = ask(std::string(kFirst));
  for (bool more = true; more;) {
    const Result<Value> page = next.get();
    if (!page) return page.error();
    const Value rows = page->find("rows");
    more = page->find("more").as_bool().value_or(false);
    if (more && rows.size() == 0) return Error("bad-page", "the store gave an empty page and says that there is more");
    if (more) next = ask(std::string(bytes_of(rows.at(rows.size() - 1).at(0))) + '\0');
    for (size_t i = 0; i < rows.size(); ++i) {
      const Value row = rows.at(i);
      const std::string_view key = bytes_of(row.at(0)), digits = key.substr(std::min(key.size(), kFirst.size()));
      JobId id = 0;
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
      if (digits.size() != kDigits || read.ptr != digits.data() + digits.size()) {
        return Error("bad-record", "the store has a key \"" + std::string(key) + "\" among its jobs, which no job has");
      }
      if (auto taken = each(id, bytes_of(row.at(1))); !taken) return taken;
    }
  }
  return {};
}

}  // namespace heddle
