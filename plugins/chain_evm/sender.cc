#include "sender.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "hex.h"
#include "receipts.h"

namespace chain_evm {
namespace {

using heddle::sdk::ValueRef;

constexpr uint64_t kTickMs = 100;
constexpr size_t kMostBacklog = 2000;      // transactions that wait for one node
constexpr uint64_t kNothingGas = 21'000;

std::string tag(uint64_t block) { return '"' + to_quantity(Amount(block)) + '"'; }

Heard::What heard_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::kKnown: return Heard::What::kTaken;
    case Trouble::kNumberUsed: return Heard::What::kNumberUsed;
    case Trouble::kUnderpriced: return Heard::What::kUnderpriced;
    case Trouble::kFeeTooLow: return Heard::What::kFeeTooLow;
    case Trouble::kNoBalance: return Heard::What::kNoBalance;
    case Trouble::kNever: return Heard::What::kNever;
    default: return Heard::What::kNotNow;
  }
}

}  // namespace

Sender::Sender(const Settings& settings, Network& network, Rpc& rpc, Watch& watch, Journal& journal, Preparation& preparation, Signer& signer, Ears ears, heddle::sdk::Log log)
    : settings_(settings),
      network_(network),
      rpc_(rpc),
      watch_(watch),
      journal_(journal),
      preparation_(preparation),
      signer_(signer),
      ears_(std::move(ears)),
      log_(log),
      lane_(*this, Fees(settings.fees), [&] {
        LaneParams params = settings.lane;
        params.account = signer.address();
        return params;
      }()) {}

void Sender::start(uint64_t next) {
  lane_.start(next);
  tick();
}

void Sender::tick() {
  network_.after(kTickMs, [this] { tick(); });  // first: what the lane throws does not end it
  lane_.tick();
}

void Sender::looked_at(const Watch::Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block) {
  if (removed_from) lane_.reorganised(*removed_from);
  if (reading.view.market.base == 0 && reading.balance == 0 && reading.view.used == 0 && !watch_.reading()) return;  // only the removal is known
  lane_.head(reading.view);
  if (final_block != UINT64_MAX) lane_.settle(final_block);
  const Amount promised = lane_.promised();
  room_ = reading.balance > promised ? Amount(reading.balance - promised) : Amount(0);
  if (lane_.unmined() == 0) {
    alarms_.erase("balance");
    alarms_.erase("ceiling");
    alarms_.erase("journal");
  }
}

std::optional<Failure> Sender::take(Intent intent, std::optional<uint64_t> instead_of) {
  const auto& reading = watch_.reading();
  const auto fee = reading ? Fees(settings_.fees).fresh(reading->view.market) : std::nullopt;
  if (fee && room_) {
    const Amount needs = most_cost(*fee, intent.gas, intent.value);
    if (needs > *room_)
      return Failure{.status = HEDDLE_UNAVAILABLE,
                     .code = "balance",
                     .why = "the account " + to_hex(signer_.address()) + " has not enough: it may cost " + to_decimal(needs) + " wei, and there are " + to_decimal(*room_) + " that are not promised",
                     .more = {{"needs", to_value(needs)}, {"has", to_value(*room_)}}};
    *room_ -= needs;
  }
  lane_.accept(std::move(intent), instead_of);
  return std::nullopt;
}

// --- What the Lane wants done -----------------------------------------------------------------------------------------------------

void Sender::sign(const Wanted& wanted) {
  Transaction transaction{.chain_id = watch_.chain_id(),
                          .nonce = wanted.number,
                          .max_priority_fee = wanted.fee.tip,
                          .max_fee = wanted.fee.cap,
                          .gas = wanted.intent ? wanted.intent->gas : kNothingGas,
                          .to = wanted.intent ? wanted.intent->to : signer_.address(),
                          .value = wanted.intent ? wanted.intent->value : Amount(0),
                          .data = wanted.intent ? wanted.intent->data : std::string()};
  signer_.sign(transaction, [this, transaction](Signer::Outcome outcome) {
    network_.post([this, transaction, outcome = std::move(outcome)] {
      if (const Refusal* const why = std::get_if<Refusal>(&outcome)) return lane_.not_made(why->status(), why->what());
      std::string raw = transaction.raw(std::get<Signature>(outcome));
      std::string hash = transaction_hash(raw);
      lane_.made(std::move(raw), std::move(hash));
    });
  });
}

void Sender::commit(uint64_t commit, std::vector<Put> puts) {
  journal_.commit(puts, [this, commit](Committed how, const std::string& why) { lane_.committed(commit, how, why); });
}

// To all that are well. The first that takes it is enough; what says no is listened to when all have answered.
void Sender::send(uint64_t number, const Attempt& attempt) {
  struct Sending {
    size_t left = 0, never = 0, all = 0;
    bool is_told = false, may_have = false;
    Heard best;
  };
  auto sending = std::make_shared<Sending>();
  std::vector<size_t> to;
  for (size_t i = 0; i < rpc_.size(); ++i)
    if (watch_.endpoints()[i].is_well && rpc_.backlog(i) < kMostBacklog) to.push_back(i);
  if (to.empty()) to.push_back(watch_.followed());
  sending->left = sending->all = to.size();
  const std::string params = "[\"" + to_hex(attempt.raw) + "\"]";
  for (const size_t endpoint : to) {
    const auto answered = [this, sending, number, hash = attempt.hash](const Answer& answer) {
      --sending->left;
      if (sending->is_told) return;
      const Heard heard{.what = answer.is_good() ? Heard::What::kTaken : answer.error ? heard_of(answer.error->trouble) : Heard::What::kNotNow,
                        .why = answer.is_good() ? std::string() : rpc_.origin(answer.endpoint) + ": " + answer.text()};
      if (heard.what == Heard::What::kNever) ++sending->never;
      // It may have come from what stands before the node, after the node has taken it.
      if (heard.what == Heard::What::kNotNow) sending->may_have = true;
      // In the order of Heard::What: the one that says most. That it will never be taken counts only where all say so.
      if (sending->best.why.empty() || heard.what < sending->best.what) sending->best = heard;
      if (sending->left > 0 && heard.what != Heard::What::kTaken) return;
      sending->is_told = true;
      if (sending->best.what == Heard::What::kNever && sending->never < sending->all) sending->best.what = Heard::What::kNotNow;
      sending->best.may_have = sending->may_have;
      lane_.sent(number, hash, heard.what == Heard::What::kTaken ? heard : sending->best);
    };
    rpc_.send("eth_sendRawTransaction", params, answered, endpoint);
  }
}

void Sender::look(uint64_t number, std::vector<std::string> hashes) {
  std::vector<Call> calls;
  for (const std::string& hash : hashes) calls.push_back({"eth_getTransactionReceipt", "[\"" + to_hex(hash) + "\"]"});
  const auto answered = [this, number, hashes = std::move(hashes)](const std::vector<Answer>& answers) { read_receipts(number, hashes, answers); };
  rpc_.ask_together(std::move(calls), answered, watch_.followed());
}

void Sender::read_receipts(uint64_t number, const std::vector<std::string>& hashes, const std::vector<Answer>& answers) {
  bool all_known = true;
  for (size_t i = 0; i < answers.size(); ++i) {
    ToldReceipt read = read_receipt(answers[i].result, hashes[i]);
    all_known = all_known && read.told != Told::kUnclear;
    if (read.told == Told::kUnclear && answers[i].is_good()) alarm("receipt", rpc_.origin(answers[i].endpoint) + " answers for a transaction of number " + std::to_string(number) + " of the account with what is no receipt of it");
    if (read.told != Told::kThere) continue;
    if (!can_stand(read.receipt, watch_.heads())) return lane_.not_looked(number);  // the next look tells
    if (read.receipt.succeeded) return lane_.looked(number, read.receipt);
    return explain(number, std::move(read.receipt));
  }
  if (!all_known) return lane_.not_looked(number);
  lane_.looked(number, std::nullopt);
}

// Why it reverted: by a call on the block before, which is near enough for a person.
void Sender::explain(uint64_t number, Receipt receipt) {
  const Record* const record = lane_.at(number);
  if (!record) return;
  const Intent& intent = record->intent;
  const std::string params = "[" + call_object(signer_.address(), intent.to, intent.value, intent.data) + "," + tag(receipt.block - std::min<uint64_t>(receipt.block, 1)) + "]";
  rpc_.ask(
      "eth_call", params,
      [this, number, receipt = std::move(receipt)](const Answer& answer) mutable {
        const bool is_told = answer.error && answer.error->data && !answer.error->data->empty();
        if (is_told) receipt.reason = std::string(settings_.interface.describe_revert(*answer.error->data).json());
        // Its block may have been undone meanwhile: what is in none of ours would never be looked at again.
        if (!can_stand(receipt, watch_.heads())) return lane_.not_looked(number);
        lane_.looked(number, receipt);
      },
      watch_.followed());
}

void Sender::became(const Record& record) { ears_.became(record); }

void Sender::failed(const std::string& key, heddle_status status, const char* code, const std::string& why) { ears_.failed(key, {.status = status, .code = code, .why = why}); }

void Sender::alarm(const std::string& what, const std::string& why) {
  auto& known = alarms_[what];
  if (known == why) return;
  known = why;
  log_.warn(why);
}

std::vector<std::string> Sender::alarms() const {
  std::vector<std::string> all;
  for (const auto& [what, why] : alarms_) all.push_back(why);
  return all;
}

uint64_t Sender::now_ms() const { return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count()); }
int64_t Sender::now_unix() const { return static_cast<int64_t>(std::time(nullptr)); }

void Sender::again(const Record& record) { prepare_again(record.number); }

void Sender::prepare_again(uint64_t number) {
  const Record* const record = lane_.at(number);
  if (!record) return;
  Intent intent = record->intent;
  if (settings_.gas == 0 && settings_.simulates) intent.gas = 0;
  preparation_.prepare(std::move(intent), [this, number](Intent ready, std::optional<Failure> failure) {
    if (!failure) failure = take(std::move(ready), number);
    if (!failure) return;
    if (failure->code != "refused") return network_.after(1000, [this, number] { prepare_again(number); });
    std::string reason = failure->more.empty() ? json_string(failure->why) : std::string(failure->more[0].second.json());
    lane_.refuse(number, std::move(reason));
  });
}

// --- Who has used a number --------------------------------------------------------------------------------------------------------

// By halves: in the block `above` the number is used, in `below` it is not.
struct Sender::Search {
  uint64_t number, above, below = 0, step = 1;
  bool is_closing = false;  // `below` is known
};

void Sender::trace(const Record& record) {
  const uint64_t final_block = watch_.final_block();
  if (final_block == UINT64_MAX) return network_.post([this, number = record.number] { lane_.traced(number, {}); });
  auto begun = std::make_shared<Search>(Search{.number = record.number, .above = final_block});
  rpc_.ask(
      "eth_getTransactionCount", "[\"" + to_hex(signer_.address()) + "\"," + tag(final_block) + "]",
      [this, begun](const Answer& answer) {
        Amount used = 0;
        heddle::sdk::detail::guard([&] { used = parse_quantity(answer.result.as_text().value_or("")); }, [](heddle_status, std::string_view) {});
        if (used <= begun->number) return lane_.traced(begun->number, {});  // not for good yet
        search(begun);
      },
      watch_.followed());
}

void Sender::search(const SearchPtr& s) {
  if (s->is_closing && s->above - s->below <= 1) return read_used(s);
  if (!s->is_closing && s->above == 0) return read_used(s);
  const uint64_t middle = s->is_closing ? s->below + (s->above - s->below) / 2 : s->above - std::min(s->above, s->step);
  rpc_.ask(
      "eth_getTransactionCount", "[\"" + to_hex(signer_.address()) + "\"," + tag(middle) + "]",
      [this, s, middle](const Answer& answer) {
        Amount used = 0;
        bool is_known = false;
        heddle::sdk::detail::guard(
            [&] {
              used = parse_quantity(answer.result.as_text().value_or(""));
              is_known = true;
            },
            [](heddle_status, std::string_view) {});
        if (!is_known) {
          alarm("trace", "number " + std::to_string(s->number) + " of the account was used by a transaction that no node can name; what should have had it waits");
          return lane_.traced(s->number, {});
        }
        if (used > s->number) {
          s->above = middle;
          s->step *= 2;
        } else {
          s->below = middle;
          s->is_closing = true;
        }
        search(s);
      },
      watch_.followed());
}

void Sender::read_used(const SearchPtr& s) {
  rpc_.ask(
      "eth_getBlockByNumber", "[" + tag(s->above) + ",true]",
      [this, s](const Answer& answer) {
        const ValueRef all = answer.result.find("transactions");
        const Record* const record = lane_.at(s->number);
        Trace found;
        for (size_t i = 0; record && i < all.size(); ++i) {
          const ValueRef one = all.at(i);
          const auto bytes = [&](const char* key) { return parse_hex(one.find(key).as_text().value_or("")).value_or(""); };
          if (bytes("from") != signer_.address() || one.find("nonce").as_text() != to_quantity(Amount(s->number))) continue;
          found.hash = bytes("hash");
          const bool is_same = bytes("to") == record->intent.to && bytes("input") == record->intent.data && one.find("value").as_text() == to_quantity(record->intent.value);
          if (found.hash.size() == kHashSize) found.what = record->attempt(found.hash) ? Trace::What::kOurs : is_same && !record->intent.key.empty() ? Trace::What::kSame : Trace::What::kOther;
        }
        if (found.what == Trace::What::kOther) return confirm(s, found, answer);
        lane_.traced(s->number, found);
      },
      watch_.followed());
}

// What has lost its number is done again under another one: the word of one node is not enough for that. All others that are well must have that block, and nothing of ours.
void Sender::confirm(const SearchPtr& s, const Trace& found, const Answer& said) {
  struct Confirming {
    size_t left = 0;
    bool is_denied = false;
  };
  const auto doubt = [this, number = s->number] {
    alarm("trace", "number " + std::to_string(number) + " of the account was used by another transaction, as one node says and not all others; what should have had it waits");
    lane_.traced(number, {});
  };
  std::vector<size_t> others;
  for (size_t i = 0; i < rpc_.size(); ++i)
    if (i != said.endpoint && watch_.endpoints()[i].is_well) others.push_back(i);
  const Record* const record = lane_.at(s->number);
  const auto block = read_block(said.result);
  if (!record || !block) return lane_.traced(s->number, {});
  if (others.empty()) return rpc_.size() == 1 ? lane_.traced(s->number, found) : doubt();
  auto confirming = std::make_shared<Confirming>(Confirming{.left = others.size()});
  for (const size_t endpoint : others) {
    std::vector<Call> calls = {{"eth_getBlockByNumber", "[" + tag(s->above) + ",false]"}};
    for (const Attempt& attempt : record->attempts) calls.push_back({"eth_getTransactionReceipt", "[\"" + to_hex(attempt.hash) + "\"]"});
    const auto answered = [this, confirming, doubt, found, number = s->number, hash = block->hash](const std::vector<Answer>& answers) {
      std::vector<ValueRef> receipts;
      for (size_t i = 1; i < answers.size(); ++i) receipts.push_back(answers[i].result);
      confirming->is_denied = !has_block_without(answers[0].result, hash, receipts) || confirming->is_denied;
      if (--confirming->left > 0) return;
      confirming->is_denied ? doubt() : lane_.traced(number, found);
    };
    rpc_.ask_together(std::move(calls), answered, endpoint);
  }
}

}  // namespace chain_evm
