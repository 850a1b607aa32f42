#include "watch.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <utility>

#include "hex.h"

namespace chain_evm {
namespace {

using heddle::sdk::Error;
using heddle::sdk::ValueRef;

constexpr int kTries = 12;                // to find where two branches part: twice as far back each time
constexpr uint64_t kFinalizedBack = 128;  // blocks that are known at once where the node says what is final; four epochs of Ethereum
constexpr uint32_t kMostFailures = 3;     // in a row; then another node is followed
constexpr int64_t kMostPaceS = 3'600;     // whatever the times of blocks are
constexpr uint64_t kForgivenMs = 60'000;  // so long after the last of them it may be followed again

std::optional<Amount> amount(const Answer& answer) {
  try {
    return parse_quantity(answer.result.as_text().value_or(""));
  } catch (const Error&) {
    return std::nullopt;  // it is none
  }
}

std::optional<uint64_t> quantity(const Answer& answer) {
  const auto number = amount(answer);
  return number && *number <= UINT64_MAX ? std::optional(static_cast<uint64_t>(*number)) : std::nullopt;
}

}  // namespace

Watch::Watch(const Settings& settings, Rpc& rpc, Network& network, std::string account, Looked looked)
    : settings_(settings),
      rpc_(rpc),
      network_(network),
      account_(std::move(account)),
      looked_(std::move(looked)),
      heads_(settings.is_finalized ? kFinalizedBack : settings.confirmations),
      endpoints_(settings.endpoints.size()),
      is_asked_(settings.endpoints.size()),
      chain_id_(settings.chain_id) {}

uint64_t Watch::now_ms() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

void Watch::begin(std::function<void()> asked) {
  asked_ = std::move(asked);
  left_ = endpoints_.size();
  ask_all();
  arm();
}

void Watch::set_busy(bool busy) {
  const bool was_idle = !std::exchange(is_busy_, busy);
  if (busy && was_idle && now_ms() >= last_ms_ + settings_.poll_ms) ask_all();
}

// Ticks every poll_ms, for the state of being busy changes in between.
void Watch::arm() {
  if (std::exchange(is_armed_, true)) return;
  network_.after(settings_.poll_ms, [this] {
    is_armed_ = false;
    arm();
    if (is_busy_ || now_ms() >= last_ms_ + settings_.idle_ms) ask_all();
  });
}

void Watch::ask_all() {
  last_ms_ = now_ms();
  for (size_t i = 0; i < endpoints_.size(); ++i)
    if (!is_asked_[i]) ask(i);
}

void Watch::ask(size_t endpoint) {
  is_asked_[endpoint] = true;
  rpc_.ask_together({{"eth_chainId", "[]"}, {"eth_getBlockByNumber", R"(["latest",false])"}}, [this, endpoint](const std::vector<Answer>& answers) { heard(endpoint, answers[0], answers[1]); }, endpoint);
}

void Watch::heard(size_t endpoint, const Answer& id, const Answer& newest) {
  is_asked_[endpoint] = false;
  EndpointState& state = endpoints_[endpoint];
  const bool is_first = !std::exchange(state.was_asked, true);
  const auto chain = quantity(id);
  const auto block = read_block(newest.result);
  state.error = !id.is_good() ? id.text() : !newest.is_good() ? newest.text() : "";
  if (state.error.empty() && (!chain || !block)) state.error = "what it says is no block";
  if (chain && chain_id_ == 0) chain_id_ = *chain;
  state.is_other_chain = chain && *chain != chain_id_;
  if (state.is_other_chain) state.error = "it is of the chain " + std::to_string(*chain) + ", not of " + std::to_string(chain_id_);
  state.answers = state.error.empty();
  if (state.answers) state.block = block->number;
  judge();
  if (state.answers && endpoint == followed_) follow(block);
  if (is_first) --left_;
  begun();
}

// All have been heard, and the first blocks are known, or cannot be.
void Watch::begun() {
  if (left_ > 0 || (is_following_ && !heads_.newest())) return;
  if (const auto asked = std::exchange(asked_, {})) asked();
}

// Who is well, and who is followed: the same one as long as it is well.
void Watch::judge() {
  const uint64_t now = now_ms();
  const auto answering = static_cast<size_t>(std::count_if(endpoints_.begin(), endpoints_.end(), [](const EndpointState& state) { return state.answers; }));
  const uint64_t best = reached_by_half(answering);
  const auto fails = [&](size_t i) { return endpoints_[i].failures >= kMostFailures && (i == followed_ || now < endpoints_[i].failed_ms + kForgivenMs); };
  std::vector<bool> could(endpoints_.size());
  size_t whole = 0;  // that say all that must be known, or are not known not to
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    could[i] = !is_behind(i, best, answering == 2 && i == followed_ && is_fresh()) && endpoints_[i].answers;
    if (could[i] && !fails(i)) ++whole;
  }
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    EndpointState& state = endpoints_[i];
    // One that says a part is better than none.
    const bool is_well = could[i] && (!fails(i) || whole == 0);
    if (state.answers) state.error = fails(i) ? state.lacks : "";
    if (is_well != state.is_well || !state.was_asked) rpc_.set_well(i, is_well);
    state.is_well = is_well;
  }
  alarm_ = endpoints_[followed_].is_well && fails(followed_) ? "the endpoint " + rpc_.origin(followed_) + " does not say what must be known, and no other is well: " + endpoints_[followed_].lacks : "";
  if (endpoints_[followed_].is_well) return;
  // The highest of those that the others come near.
  const uint64_t near = reached_by_half(endpoints_.size()) + settings_.most_lag;
  const auto height = [&](size_t i) { return endpoints_[i].block > near ? 0 : endpoints_[i].block; };
  for (size_t i = 0; i < endpoints_.size(); ++i)
    if (endpoints_[i].is_well && (!endpoints_[followed_].is_well || height(i) > height(followed_))) followed_ = i;
}

// What the middle one of so many has reached, so that one that names any number is not believed before the others; of two it is the higher one.
uint64_t Watch::reached_by_half(size_t count) const {
  std::vector<uint64_t> all;
  for (const EndpointState& state : endpoints_)
    if (state.answers) all.push_back(state.block);
  if (all.empty()) return 0;
  std::sort(all.begin(), all.end(), std::greater<>());
  return all[std::min(all.size() - 1, (count - 1) / 2)];
}

// For longer than is allowed. Of two nobody knows which is right: the one that is followed stays as long as its own blocks are fresh (`is_excused`).
bool Watch::is_behind(size_t endpoint, uint64_t best, bool is_excused) {
  EndpointState& state = endpoints_[endpoint];
  const uint64_t now = now_ms();
  if (state.block + settings_.most_lag >= best) {
    state.behind_since_ms = 0;
    return false;
  }
  if (state.behind_since_ms == 0) state.behind_since_ms = now;
  return !is_excused && now >= state.behind_since_ms + settings_.lag_ms;
}

// Its newest block is not much older than blocks of this chain are when the next one comes. A node that stands still, or that catches up, has none such.
bool Watch::is_fresh() const {
  const Block* const newest = heads_.newest();
  if (!newest) return false;
  const Block* const oldest = heads_.at(heads_.oldest());
  const int64_t pace = std::clamp<int64_t>((newest->unix - oldest->unix) / static_cast<int64_t>(std::max<uint64_t>(newest->number - oldest->number, 1)), 0, kMostPaceS);
  const int64_t age = static_cast<int64_t>(std::time(nullptr)) - newest->unix;
  return age <= static_cast<int64_t>(settings_.lag_ms / 1000) + 4 * pace;
}

void Watch::failed(size_t endpoint, std::string why) {
  EndpointState& state = endpoints_[endpoint];
  state.lacks = std::move(why);
  state.failed_ms = now_ms();
  ++state.failures;
  judge();
}

void Watch::follow(const std::optional<Block>& newest) {
  if (std::exchange(is_following_, true)) return;
  fetch(heads_.wanted(newest->number), *newest, 0);
}

// The blocks from `from` to the newest, which is here already.
void Watch::fetch(uint64_t from, Block newest, int tries) {
  const auto add = [this, from, newest, tries, endpoint = followed_](const std::vector<Answer>& answers) {
    std::vector<Block> blocks;
    std::string lacks;
    for (const Answer& answer : answers) {
      auto block = read_block(answer.result);
      if (!block && lacks.empty()) lacks = answer.is_good() ? "it lacks a block from " + std::to_string(from) + " on" : answer.text();
      if (block) blocks.push_back(*std::move(block));
    }
    const bool is_whole = lacks.empty();
    blocks.push_back(newest);
    const Heads::Change change = is_whole ? heads_.add(blocks) : Heads::Change{};
    if (change.is_linked) return linked(change);
    // What changed while it was read, the next look tells.
    is_following_ = is_whole && tries < kTries && change.wanted < blocks.front().number;
    if (is_following_) return fetch(change.wanted, newest, tries + 1);
    failed(endpoint, is_whole ? "its blocks do not follow each other" : lacks);
    begun();
  };
  std::vector<Call> calls;
  for (uint64_t number = from; number < newest.number; ++number) calls.push_back({"eth_getBlockByNumber", "[\"" + to_quantity(Amount(number)) + "\",false]"});
  if (calls.empty()) return add({});
  rpc_.ask_together(std::move(calls), add, followed_);
}

void Watch::linked(const Heads::Change& change) {
  begun();
  if (!settings_.is_finalized) {
    const uint64_t depth = settings_.confirmations == 0 ? 0 : settings_.confirmations - 1, newest = heads_.newest()->number;
    final_ = newest >= depth ? newest - depth : UINT64_MAX;
    return read_account(change.removed_from);
  }
  rpc_.ask(
      "eth_getBlockByNumber", R"(["finalized",false])",
      [this, removed = change.removed_from](const Answer& answer) {
        // Only this answer counts, and of it only what the blocks say, too: one node that named too high a number would be right for ever.
        const auto block = read_block(answer.result);
        const Block* const known = block ? heads_.at(block->number) : nullptr;
        if (block && (!known || known->hash == block->hash)) final_ = std::min(block->number, heads_.newest()->number);
        read_account(removed);
      },
      followed_);
}

void Watch::read_account(std::optional<uint64_t> removed_from) {
  if (account_.empty()) {
    endpoints_[followed_].failures = 0;
    return tell(removed_from);
  }
  const std::string of_account = "[\"" + to_hex(account_) + "\",\"latest\"]";
  const auto read = [this, removed_from, endpoint = followed_](const std::vector<Answer>& answers) {
    const auto used = quantity(answers[0]);
    const auto balance = amount(answers[1]);
    auto market = read_market(answers[2].result);
    const auto bad = std::find_if(answers.begin(), answers.end(), [](const Answer& answer) { return !answer.is_good(); });
    const bool is_whole = used && balance && market;
    if (is_whole) endpoints_[endpoint].failures = 0;
    if (!is_whole) failed(endpoint, bad != answers.end() ? bad->text() : "what it says of the account cannot be read");
    if (!market && reading_) market = reading_->view.market;
    if (used && balance && market) reading_ = Reading{.view = {.used = *used, .market = *market}, .balance = *balance};
    tell(removed_from);
  };
  const std::string percentile = std::to_string(settings_.tip_percentile);
  rpc_.ask_together({{"eth_getTransactionCount", of_account}, {"eth_getBalance", of_account}, {"eth_feeHistory", R"(["0xa","latest",[)" + percentile + "]]"}}, read, followed_);
}

// A removal is told even where nothing else could be read.
void Watch::tell(std::optional<uint64_t> removed_from) {
  is_following_ = false;
  if (reading_ || account_.empty()) return looked_(reading_.value_or(Reading{}), removed_from, final_);
  if (removed_from) looked_({}, removed_from, final_);
}

}  // namespace chain_evm
