#include "record.h"

#include <algorithm>
#include <array>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::Value;
using heddle::sdk::ValueRef;

constexpr std::array<std::string_view, 8> kStages = {"stored", "sent", "included", "final", "reverted", "replaced", "refused", "conflict"};

[[noreturn]] void damaged(std::string_view what) { throw Error(HEDDLE_INVALID, "the journal has a damaged record: " + std::string(what)); }

std::string text_in(ValueRef map, std::string_view key) { return std::string(map.find(key).as_text().value_or("")); }

std::string bytes_in(ValueRef map, std::string_view key) {
  const ValueRef found = map.find(key);
  if (!found) return {};
  auto bytes = parse_hex(found.as_text().value_or("-"));
  if (!bytes) damaged(key);
  return *std::move(bytes);
}

int64_t number_in(ValueRef map, std::string_view key) { return map.find(key).as_int().value_or(0); }

uint64_t count_in(ValueRef map, std::string_view key) {
  const int64_t number = number_in(map, key);
  if (number < 0) damaged(key);
  return static_cast<uint64_t>(number);
}

Amount amount_in(ValueRef map, std::string_view key) {
  const ValueRef found = map.find(key);
  return found ? read_amount(found) : Amount(0);
}

// `"key":value` with a comma before all but the first.
class Members {
 public:
  void raw(std::string_view key, std::string_view json) { ((text_ += text_.empty() ? "{\"" : ",\"") += key) += "\":", text_ += json; }
  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) raw(key, json_string(value));
  }
  void bytes(std::string_view key, std::string_view value) {
    if (!value.empty()) raw(key, '"' + to_hex(value) + '"');
  }
  void number(std::string_view key, int64_t value) {
    if (value != 0) raw(key, std::to_string(value));
  }
  void number(std::string_view key, uint64_t value) { number(key, static_cast<int64_t>(value)); }
  void amount(std::string_view key, const Amount& value) {
    if (value != 0) raw(key, '"' + to_decimal(value) + '"');
  }
  void yes(std::string_view key, bool value) {
    if (value) raw(key, "true");
  }
  std::string end() { return text_.empty() ? "{}" : text_ + '}'; }

 private:
  std::string text_;
};

std::string text_of(const Intent& intent, bool in_full) {
  Members m;
  m.text("key", intent.key);
  m.text("do", intent.what);
  m.bytes("to", intent.to);
  m.amount("value", intent.value);
  if (in_full) m.bytes("data", intent.data);
  m.number("gas", intent.gas);
  m.number("not_after", intent.not_after_unix);
  return m.end();
}

std::string text_of(const Attempt& attempt, bool in_full) {
  Members m;
  m.bytes("hash", attempt.hash);
  if (in_full) m.bytes("raw", attempt.raw);
  m.amount("tip", attempt.fee.tip);
  m.amount("cap", attempt.fee.cap);
  m.yes("does_nothing", attempt.does_nothing);
  m.number("at", attempt.at_unix);
  m.text("error", attempt.error);
  return m.end();
}

std::string text_of(const Receipt& receipt) {
  Members m;
  m.bytes("hash", receipt.hash);
  m.bytes("block_hash", receipt.block_hash);
  m.number("block", receipt.block);
  m.yes("failed", !receipt.succeeded);
  m.amount("paid", receipt.paid);
  if (!receipt.reason.empty()) m.raw("reason", receipt.reason);
  return m.end();
}

Attempt read_attempt(ValueRef value) {
  Attempt attempt{.hash = bytes_in(value, "hash"),
                  .raw = bytes_in(value, "raw"),
                  .fee = {.tip = amount_in(value, "tip"), .cap = amount_in(value, "cap")},
                  .does_nothing = value.find("does_nothing").as_bool().value_or(false),
                  .at_unix = number_in(value, "at"),
                  .error = text_in(value, "error")};
  if (attempt.hash.size() != kHashSize) damaged("hash");
  return attempt;
}

}  // namespace

std::string json_string(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      ((out += "\\u00") += kDigits[c >> 4]) += kDigits[c & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

const Attempt* Record::attempt(std::string_view hash) const {
  const auto found = std::find_if(attempts.begin(), attempts.end(), [&](const Attempt& a) { return a.hash == hash; });
  return found == attempts.end() ? nullptr : &*found;
}

const Attempt* Record::current() const {
  if (const Attempt* const counts = attempt(receipt.hash)) return counts;
  return attempts.empty() ? nullptr : &attempts.back();
}

std::string_view name_of(Stage stage) { return kStages[static_cast<size_t>(stage)]; }

std::string to_text(const Record& record) {
  const bool in_full = !is_over(record.stage);
  const auto sent = std::find_if(record.attempts.rbegin(), record.attempts.rend(), [](const Attempt& a) { return !a.raw.empty(); });
  std::string attempts;
  for (const Attempt& attempt : record.attempts) (attempts += attempts.empty() ? "[" : ",") += text_of(attempt, in_full && sent != record.attempts.rend() && &attempt == &*sent);
  Members m;
  m.raw("number", std::to_string(record.number));
  m.raw("intent", text_of(record.intent, in_full));
  m.raw("attempts", attempts.empty() ? "[]" : attempts + ']');
  m.text("stage", name_of(record.stage));
  m.raw("receipt", text_of(record.receipt));
  m.number("stored", record.stored_unix);
  m.number("over", record.over_unix);
  return m.end();
}

Record read_record(ValueRef value) {
  const ValueRef intent = value.find("intent"), receipt = value.find("receipt"), attempts = value.find("attempts");
  if (!value.find("number").is(HEDDLE_INT) || !intent.is(HEDDLE_MAP)) damaged("number");
  const auto stage = std::find(kStages.begin(), kStages.end(), text_in(value, "stage"));
  if (stage == kStages.end()) damaged("stage");
  Record record{.number = count_in(value, "number"),
                .intent = {.key = text_in(intent, "key"),
                           .what = text_in(intent, "do"),
                           .to = bytes_in(intent, "to"),
                           .value = amount_in(intent, "value"),
                           .data = bytes_in(intent, "data"),
                           .gas = count_in(intent, "gas"),
                           .not_after_unix = number_in(intent, "not_after")},
                .stage = static_cast<Stage>(stage - kStages.begin()),
                .receipt = {.hash = bytes_in(receipt, "hash"),
                            .block_hash = bytes_in(receipt, "block_hash"),
                            .block = count_in(receipt, "block"),
                            .succeeded = !receipt.find("failed").as_bool().value_or(false),
                            .paid = amount_in(receipt, "paid"),
                            .reason = std::string(receipt.find("reason").json())},
                .stored_unix = number_in(value, "stored"),
                .over_unix = number_in(value, "over")};
  for (size_t i = 0; i < attempts.size(); ++i) record.attempts.push_back(read_attempt(attempts.at(i)));
  return record;
}

}  // namespace chain_evm
