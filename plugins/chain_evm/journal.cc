// intent/KEY                     {"number": n} or {"refused": record}: what the key of a transaction stands for, for ever
// tx/CHAIN/ACCOUNT/NUMBER        the Record (record.h); the number in 16 hex digits, so that they are in order
#include "journal.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Value;
using heddle::sdk::ValueRef;
using heddle::sdk::detail::guard;
using heddle::sdk::detail::to_view;

heddle_bytes bytes_of(const std::string& text) { return {text.data(), text.size()}; }

std::string_view text_of(ValueRef bytes) {
  const auto span = bytes.as_bytes();
  return span ? std::string_view(reinterpret_cast<const char*>(span->data()), span->size()) : std::string_view();
}

Value parsed(ValueRef bytes, std::string& why) {
  Value value;
  guard([&] { value = Value::parse(text_of(bytes)); }, [&](heddle_status, std::string_view) { why = "the journal has something that is no record"; });
  return value;
}

}  // namespace

// Where answers go to: they may come when nobody waits any more.
struct Journal::Door {
  std::mutex mutex;
  Network* network = nullptr;  // guarded by mutex
};

struct Journal::Waiting {
  std::shared_ptr<Door> door;
  Answered then;

  static void answered(void* ctx, heddle_status status, heddle_value* result, heddle_str why) noexcept {
    const std::unique_ptr<Waiting> self(static_cast<Waiting*>(ctx));
    guard(
        [&] {
          auto value = std::make_shared<Value>(Value::adopt(result));
          std::lock_guard lock(self->door->mutex);
          if (self->door->network) self->door->network->post([then = std::move(self->then), status, value, text = std::string(to_view(why))] { then(status, std::move(*value), text); });
        },
        [](heddle_status, std::string_view) {});
  }
};

Journal::Journal(const heddle_host* host, const heddle_journal_service* service, uint64_t chain_id, std::string account)
    : host_(host), service_(service), prefix_("tx/" + std::to_string(chain_id) + "/" + to_hex(account) + "/"), door_(std::make_shared<Door>()) {}

Journal::~Journal() { connect(nullptr); }

void Journal::connect(Network* network) {
  std::lock_guard lock(door_->mutex);
  door_->network = network;
}

Journal::Waiting* Journal::waiting(Answered then) { return new Waiting{.door = door_, .then = std::move(then)}; }

std::string Journal::number_key(uint64_t number) const {
  std::array<char, 17> digits{};
  std::snprintf(digits.data(), digits.size(), "%016" PRIx64, number);
  return prefix_ + digits.data();
}

void Journal::commit(const std::vector<Put>& puts, std::function<void(Committed how, const std::string& why)> then) {
  std::vector<std::string> keys;
  std::vector<heddle_write> writes;
  keys.reserve(puts.size() * 2);
  for (const Put& put : puts) {
    const bool is_erased = put.record.empty();
    keys.push_back(number_key(put.number));
    writes.push_back({is_erased ? HEDDLE_ERASE : HEDDLE_PUT, bytes_of(keys.back()), is_erased ? heddle_bytes{} : bytes_of(put.record), 0});
    if (put.key.empty()) continue;
    keys.push_back("intent/" + put.key);
    writes.push_back({HEDDLE_PUT, bytes_of(keys.back()), bytes_of(put.intent), 0});
  }
  Waiting* const ctx = waiting([then = std::move(then)](heddle_status status, const Value&, const std::string& why) {
    then(status == HEDDLE_OK ? Committed::kYes : status == HEDDLE_EXHAUSTED ? Committed::kNoRoom : status == HEDDLE_INVALID ? Committed::kRefused : Committed::kBroken, why);
  });
  service_->commit(host_, writes.data(), static_cast<uint32_t>(writes.size()), &Waiting::answered, ctx);
}

void Journal::get(const std::string& key, Found found) {
  Waiting* const ctx = waiting([found = std::move(found)](heddle_status status, const Value& result, const std::string& why) {
    if (status == HEDDLE_NOT_FOUND) return found({}, {});
    if (status != HEDDLE_OK) return found({}, why.empty() ? "the journal cannot be read" : why);
    std::string wrong;
    Value kept = parsed(result.at(0), wrong);
    found(std::move(kept), wrong);
  });
  const heddle_bytes bytes = bytes_of(key);
  service_->get(host_, &bytes, &Waiting::answered, ctx);
}

void Journal::find_key(const std::string& key, Found found) { get("intent/" + key, std::move(found)); }
void Journal::find_number(uint64_t number, Found found) { get(number_key(number), std::move(found)); }

void Journal::scan(uint64_t from, uint64_t until, Page page) {
  const std::string first = number_key(from), last = until == UINT64_MAX ? prefix_ + "g" : number_key(until);
  Waiting* const ctx = waiting([page = std::move(page), from](heddle_status status, const Value& result, const std::string& why) {
    if (status != HEDDLE_OK) return page({}, from, why.empty() ? "the journal cannot be read" : why);
    const ValueRef rows = result.find("rows");
    std::vector<Value> records;
    std::string wrong;
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < rows.size(); ++i) {
      records.push_back(parsed(rows.at(i).at(1), wrong));
      const std::string_view key = text_of(rows.at(i).at(0));
      if (i + 1 == rows.size() && result.find("more").as_bool().value_or(false)) next = std::strtoull(std::string(key.substr(key.size() - 16)).c_str(), nullptr, 16) + 1;
    }
    page(std::move(records), next, wrong);
  });
  const heddle_range range{.struct_size = sizeof range, .limit = 0, .from = bytes_of(first), .until = bytes_of(last), .max_bytes = 0};
  service_->scan(host_, &range, &Waiting::answered, ctx);
}

void Journal::erase(const std::vector<std::pair<uint64_t, std::string>>& numbers_and_keys) {
  std::vector<std::string> keys;
  std::vector<heddle_write> writes;
  keys.reserve(numbers_and_keys.size() * 2);
  for (const auto& [number, key] : numbers_and_keys) {
    keys.push_back(number_key(number));
    if (!key.empty()) keys.push_back("intent/" + key);
  }
  for (const std::string& key : keys) writes.push_back({HEDDLE_ERASE, bytes_of(key), {}, 0});
  service_->commit(host_, writes.data(), static_cast<uint32_t>(writes.size()), &Waiting::answered, waiting([](heddle_status, const Value&, const std::string&) {}));
}

}  // namespace chain_evm
