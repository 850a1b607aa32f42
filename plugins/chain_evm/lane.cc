#include "lane.h"

#include <algorithm>
#include <iterator>

#include "hex.h"

namespace chain_evm {
namespace {

constexpr uint64_t kNothingGas = 21'000;  // of one that does nothing (Yellow Paper, appendix G)

std::string number_text(uint64_t number) { return R"({"number":)" + std::to_string(number) + '}'; }

}  // namespace

// --- Restoring --------------------------------------------------------------------------------------------------------------------

void Lane::restore(Record record) {
  const uint64_t number = record.number;
  next_ = std::max(next_, number + 1);
  if (is_over(record.stage)) return;
  record.receipt = {};
  record.stage = Stage::kStored;
  Slot slot{.record = std::move(record)};
  slot.stored = slot.record.attempts.size();
  slot.was_taken = true;  // nobody knows
  if (slots_.emplace(number, std::move(slot)).second) ++unmined_;
}

void Lane::start(uint64_t next) {
  next_ = std::max(next_, next);
  is_started_ = true;
  for (auto& [number, slot] : slots_) slot.bump_at_ms = later(params_.bump_after_ms);
  pump();
}

Lane::Slot* Lane::slot(uint64_t number) {
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : &found->second;
}

// --- Taking numbers ---------------------------------------------------------------------------------------------------------------

void Lane::accept(Intent intent, std::optional<uint64_t> instead_of) {
  if (is_broken_) return outside_.failed(intent.key, HEDDLE_UNAVAILABLE, "unavailable", "the journal has failed");
  // What has lost its number goes first; only what is being signed stays where it is.
  const auto place = instead_of ? ready_.begin() + (signing_ && signing_->is_new ? 1 : 0) : ready_.end();
  ready_.insert(place, {std::move(intent), instead_of});
  pump();
}

void Lane::pump() {
  if (!is_started_ || is_broken_ || signing_ || !view_) return;
  if (sign_attempt()) return;
  if (!is_giving_back_) sign_new();
}

bool Lane::sign_attempt() {
  while (!wanting_.empty()) {
    const uint64_t number = *wanting_.begin();
    wanting_.erase(wanting_.begin());
    Slot* const found = slot(number);
    if (!found || is_mined(*found) || found->is_conflict || found->want == Want::kNone) continue;
    Record& record = found->record;
    const bool does_nothing = record.intent.key.empty() || found->want == Want::kNothing || (!record.attempts.empty() && record.attempts.back().does_nothing);
    const auto fee = fee_of(*found, does_nothing);
    found->want = Want::kNone;
    found->bump_at_ms = later(params_.bump_after_ms);
    const auto alike = std::count_if(record.attempts.begin(), record.attempts.end(), [&](const Attempt& a) { return a.does_nothing == does_nothing; });
    if (!fee || static_cast<size_t>(alike) >= kMostAttempts) {
      outside_.alarm("ceiling", "transaction " + std::to_string(number) + " of the account is not taken up, and the ceiling of what it may cost is reached");
      continue;
    }
    found->is_signing = true;
    signing_ = {.number = number, .is_new = false, .does_nothing = does_nothing, .fee = *fee};
    outside_.sign({.number = number, .intent = does_nothing ? nullptr : &record.intent, .fee = *fee});
    return true;
  }
  return false;
}

std::optional<Fee> Lane::fee_of(const Slot& slot, bool does_nothing) const {
  const std::vector<Attempt>& attempts = slot.record.attempts;
  if (!does_nothing) return fees_.bumped(attempts.back().fee, view_->market);
  // Where no node has one, nothing is replaced; one that does nothing itself must not be signed twice the same.
  const bool replaces = !attempts.empty() && (slot.was_taken || attempts.back().does_nothing);
  return fees_.of_nothing(replaces ? std::optional(attempts.back().fee) : std::nullopt, view_->market);
}

void Lane::sign_new() {
  while (!ready_.empty() && ahead_ == 0 && (unmined_ < params_.window || ready_.front().instead_of)) {
    const Intent& intent = ready_.front().intent;
    const bool is_late = this->is_late(intent);
    const auto fee = fees_.fresh(view_->market);
    if (!is_late && fee) {
      signing_ = {.number = next_, .is_new = true, .does_nothing = false, .fee = *fee};
      return outside_.sign({.number = next_, .intent = &intent, .fee = *fee});
    }
    const Ready given_up = std::move(ready_.front());
    ready_.pop_front();
    if (is_late) {
      too_late(given_up);
    } else if (given_up.instead_of) {
      found_again(*given_up.instead_of);
    } else {
      outside_.failed(given_up.intent.key, HEDDLE_UNAVAILABLE, "ceiling", "the next block costs " + to_decimal(view_->market.base) + " wei for each gas, which is more than is allowed");
    }
  }
}

bool Lane::is_late(const Intent& intent) const { return intent.not_after_unix != 0 && intent.not_after_unix < outside_.now_unix(); }

void Lane::too_late(const Ready& ready) {
  if (ready.instead_of) return refuse(*ready.instead_of, {});
  outside_.failed(ready.intent.key, HEDDLE_DEADLINE, "too-late", "its time had passed before it was sent");
}

// What waits for room, or for a node, hears it, too; only what is being signed stays where it is.
void Lane::drop_late() {
  std::vector<Ready> late;
  const auto from = ready_.begin() + (signing_ && signing_->is_new ? 1 : 0);
  const auto rest = std::stable_partition(from, ready_.end(), [&](const Ready& one) { return !is_late(one.intent); });
  std::move(rest, ready_.end(), std::back_inserter(late));
  ready_.erase(rest, ready_.end());
  for (const Ready& one : late) too_late(one);
}

// The next heads tell again that its number was used.
void Lane::found_again(uint64_t number) {
  if (Slot* const found = slot(number)) found->is_conflict = false;
}

void Lane::made(std::string raw, std::string hash) {
  if (!signing_) return;
  const Signing done = *std::exchange(signing_, std::nullopt);
  Attempt attempt{.hash = std::move(hash), .raw = std::move(raw), .fee = done.fee, .does_nothing = done.does_nothing, .at_unix = outside_.now_unix()};
  if (done.is_new) {
    Ready taken = std::move(ready_.front());
    ready_.pop_front();
    ++next_;
    ++unmined_;
    Slot& made = slots_.emplace(done.number, Slot{.record = {.number = done.number, .intent = std::move(taken.intent)}}).first->second;
    made.record.stored_unix = outside_.now_unix();
    made.record.attempts.push_back(std::move(attempt));
    std::vector<Put> puts = {{.number = done.number, .record = to_text(made.record), .key = made.record.intent.key, .intent = number_text(done.number)}};
    if (Slot* const old = taken.instead_of ? slot(*taken.instead_of) : nullptr) {
      old->record.stage = Stage::kConflict;
      old->record.over_unix = outside_.now_unix();
      puts.push_back({.number = *taken.instead_of, .record = to_text(old->record)});
    }
    put(done.number, Commit::kAttempt, std::move(puts), taken.instead_of);
  } else if (Slot* const found = slot(done.number)) {
    found->is_signing = false;
    if (!is_mined(*found) && !found->is_conflict) {  // else nobody has seen it, nor ever will
      found->record.attempts.push_back(std::move(attempt));
      put(done.number, Commit::kAttempt, {{.number = done.number, .record = to_text(found->record)}});
    }
  }
  pump();
}

void Lane::not_made(heddle_status status, const std::string& why) {
  if (!signing_) return;
  const Signing done = *std::exchange(signing_, std::nullopt);
  if (done.is_new) {
    const Ready given_up = std::move(ready_.front());
    ready_.pop_front();
    if (given_up.instead_of) {
      found_again(*given_up.instead_of);
    } else {
      const bool is_cancelled = status == HEDDLE_CANCELLED, is_denied = status == HEDDLE_DENIED;  // the signer will not
      outside_.failed(given_up.intent.key, is_cancelled ? status : is_denied ? HEDDLE_INVALID : HEDDLE_UNAVAILABLE, is_cancelled ? "cancelled" : is_denied ? "refused" : "unavailable", why);
    }
  } else if (Slot* const found = slot(done.number)) {
    found->is_signing = false;
    found->bump_at_ms = later(params_.again_ms * 8);
  }
  if (status != HEDDLE_CANCELLED) pump();
}

// --- Storing ----------------------------------------------------------------------------------------------------------------------

void Lane::put(uint64_t number, Commit kind, std::vector<Put> puts, std::optional<uint64_t> instead_of) {
  const uint64_t id = ++last_commit_;
  commits_.emplace(id, Committing{.number = number, .kind = kind, .puts = puts, .instead_of = instead_of});
  outside_.commit(id, std::move(puts));
}

void Lane::committed(uint64_t commit, Committed how, const std::string& why) {
  const auto found = commits_.find(commit);
  if (found == commits_.end()) return;
  if (how == Committed::kBroken) return broken(why);
  if (how == Committed::kNoRoom) {
    found->second.again_at_ms = later(params_.again_ms);
    return outside_.alarm("journal", why);
  }
  const Committing done = std::move(found->second);
  commits_.erase(found);
  if (how == Committed::kRefused) return done.kind == Commit::kAttempt ? attempt_refused(done, why) : broken(why);
  switch (done.kind) {
    case Commit::kAttempt: return attempt_stored(done);
    case Commit::kEnd: {
      ++finals_;
      const auto over = slots_.find(done.number);
      const Record record = std::move(over->second.record);
      slots_.erase(over);
      wanting_.erase(done.number);
      outside_.became(record);
      return pump();
    }
    case Commit::kGiveBack: {
      const Record record = slots_.find(done.number)->second.record;
      drop(done.number);
      next_ = done.number;
      is_giving_back_ = false;
      outside_.became(record);
      return pump();
    }
  }
}

void Lane::attempt_stored(const Committing& done) {
  if (done.instead_of) {
    drop(*done.instead_of);
    outside_.alarm("conflict", "number " + std::to_string(*done.instead_of) + " of the account was used by a transaction that is not ours; what should have had it has another one");
  }
  Slot* const found = slot(done.number);
  if (!found) return;
  // Commits are in order, so this is the next attempt of its number.
  const bool is_first = found->stored++ == 0;
  if (found->stored > 1) ++bumps_;
  found->bump_at_ms = later(params_.bump_after_ms);
  found->rejected = 0;
  std::vector<Attempt>& attempts = found->record.attempts;
  if (!attempts[found->stored - 1].raw.empty())
    for (size_t i = 0; i + 1 < found->stored; ++i) attempts[i].raw = {};  // it is sent in their place
  if (is_first && !found->record.intent.key.empty()) outside_.became(found->record);
  if (!is_mined(*found)) send(*found);
}

// Only this attempt is lost: no node has seen it.
void Lane::attempt_refused(const Committing& done, const std::string& why) {
  outside_.alarm("journal", why);
  Slot* const found = slot(done.number);
  if (!found) return;
  found->record.attempts.pop_back();
  found->bump_at_ms = later(params_.bump_after_ms);
  if (found->stored > 0 || found->record.intent.key.empty()) return;
  const std::string key = found->record.intent.key;
  drop(done.number);
  fill(done.number);  // later ones may depend on the number
  if (done.instead_of) return refuse(*done.instead_of, json_string(why));
  outside_.failed(key, HEDDLE_INVALID, "invalid", "the journal does not take it: " + why);
}

// What is there shows in another life: nothing more is done.
void Lane::broken(const std::string& why) {
  if (std::exchange(is_broken_, true)) return;
  signing_.reset();  // what comes of it is not waited for: what it was for is gone
  outside_.alarm("journal", why);
  for (const Ready& one : std::exchange(ready_, {})) outside_.failed(one.intent.key, HEDDLE_UNAVAILABLE, "unavailable", "the journal has failed: " + why);
  for (const auto& [number, slot] : slots_)
    if (slot.stored == 0 && !slot.record.intent.key.empty()) outside_.failed(slot.record.intent.key, HEDDLE_UNAVAILABLE, "unavailable", "the journal has failed: " + why);
}

// --- Sending ----------------------------------------------------------------------------------------------------------------------

void Lane::send(Slot& slot) {
  slot.send_at_ms = later(params_.rebroadcast_ms);
  if (slot.is_sending || slot.is_conflict || is_broken_) return;
  for (size_t i = slot.stored; i-- > 0;) {
    if (slot.record.attempts[i].raw.empty()) continue;
    slot.is_sending = true;
    ++sends_;
    return outside_.send(slot.record.number, slot.record.attempts[i]);
  }
}

void Lane::sent(uint64_t number, const std::string& hash, const Heard& heard) {
  Slot* const found = slot(number);
  if (!found) return;
  found->is_sending = false;
  found->was_taken = found->was_taken || heard.may_have || heard.what == Heard::What::kTaken || heard.what == Heard::What::kNumberUsed;
  if (is_mined(*found) || found->is_conflict) return;
  const auto attempt = std::find_if(found->record.attempts.begin(), found->record.attempts.end(), [&](const Attempt& a) { return a.hash == hash; });
  if (attempt == found->record.attempts.end()) return;
  attempt->error = heard.what == Heard::What::kTaken ? "" : heard.why;
  const bool is_newest = static_cast<size_t>(attempt - found->record.attempts.begin()) + 1 == found->stored;
  if (heard.what != Heard::What::kTaken) {
    if (is_newest) rejected(*found, heard);
    if (!is_newest) found->send_at_ms = outside_.now_ms();
    return;
  }
  found->rejected = found->never = found->raised = 0;
  found->send_at_ms = later(params_.rebroadcast_ms);
  if (!is_newest) found->send_at_ms = outside_.now_ms();
  if (found->record.stage != Stage::kStored) return;
  found->record.stage = Stage::kSent;
  outside_.became(found->record);
}

void Lane::rejected(Slot& slot, const Heard& heard) {
  const uint32_t times = std::min(slot.rejected++, 16u);
  slot.send_at_ms = later(std::min(params_.again_ms << times, params_.rebroadcast_ms));
  switch (heard.what) {
    case Heard::What::kNumberUsed: return look(slot);
    case Heard::What::kUnderpriced:
      slot.was_taken = slot.was_taken || slot.stored > 1;
      [[fallthrough]];
    case Heard::What::kFeeTooLow:
      if (slot.raised++ < kMostRaises) want(slot, Want::kBump);
      return;
    case Heard::What::kNoBalance: return outside_.alarm("balance", "transaction " + std::to_string(slot.record.number) + " of the account waits: " + heard.why);
    case Heard::What::kNever:
      if (++slot.never >= 2) give_up(slot, heard.why);
      return;
    case Heard::What::kTaken:
    case Heard::What::kNotNow: return;
  }
}

void Lane::want(Slot& slot, Want what) {
  if (slot.is_signing || slot.stored < slot.record.attempts.size() || is_mined(slot)) return;
  slot.want = std::max(slot.want, slot.is_given_up ? Want::kNothing : what);
  wanting_.insert(slot.record.number);
  pump();
}

void Lane::give_up(Slot& slot, const std::string& why) {
  if (std::exchange(slot.is_given_up, true) || slot.is_ending) return;
  Record& record = slot.record;
  record.receipt.reason = json_string(why);
  const bool is_last = record.number + 1 == next_ && !(signing_ && signing_->is_new);
  if (!is_last || slot.was_taken || slot.stored != 1 || record.attempts.size() != 1 || slot.is_signing || record.intent.key.empty() || is_giving_back_) return want(slot, Want::kNothing);
  // No node has it, and no later number depends on it.
  record.stage = Stage::kRefused;
  record.over_unix = outside_.now_unix();
  slot.is_ending = is_giving_back_ = true;
  put(record.number, Commit::kGiveBack, {{.number = record.number, .record = {}, .key = record.intent.key, .intent = R"({"refused":)" + to_text(record) + '}'}});
}

// --- Looking ----------------------------------------------------------------------------------------------------------------------

void Lane::look(Slot& slot) {
  if (slot.is_looking || slot.stored == 0) return;
  std::vector<std::string> hashes;
  for (size_t i = 0; i < slot.stored; ++i) hashes.push_back(slot.record.attempts[i].hash);
  slot.is_looking = true;
  outside_.look(slot.record.number, std::move(hashes));
}

void Lane::looked(uint64_t number, const std::optional<Receipt>& receipt) {
  Slot* const found = slot(number);
  if (!found) return;
  found->is_looking = false;
  if (is_mined(*found) || found->is_conflict) return;
  if (!receipt) {
    const bool is_used = view_ && view_->used > number;
    if (is_used && ++found->strange >= kLooks && !std::exchange(found->is_tracing, true)) outside_.trace(found->record);
    return;
  }
  found->strange = 0;
  std::string why = std::move(found->record.receipt.reason);  // it was given up
  found->record.receipt = *receipt;
  if (const Attempt* const counts = found->record.current(); counts && counts->does_nothing) found->record.receipt.reason = std::move(why);
  found->record.stage = Stage::kIncluded;
  --unmined_;
  outside_.became(found->record);
  pump();
}

void Lane::not_looked(uint64_t number) {
  if (Slot* const found = slot(number)) found->is_looking = false;
}

void Lane::traced(uint64_t number, const Trace& trace) {
  Slot* const found = slot(number);
  if (!found) return;
  found->is_tracing = false;
  found->strange = 0;
  if (is_mined(*found) || found->is_conflict) return;
  switch (trace.what) {
    case Trace::What::kUnknown: return;
    case Trace::What::kOurs: return look(*found);
    case Trace::What::kSame:
      if (found->stored == found->record.attempts.size() && !found->record.attempt(trace.hash)) {
        found->record.attempts.push_back({.hash = trace.hash, .raw = {}, .at_unix = outside_.now_unix()});
        put(number, Commit::kAttempt, {{.number = number, .record = to_text(found->record)}});
      }
      return;
    case Trace::What::kOther: return conflicted(*found);
  }
}

void Lane::conflicted(Slot& slot) {
  if (slot.stored < slot.record.attempts.size()) return;  // what is being stored is waited for; it is found again
  if (slot.record.intent.key.empty() || slot.is_given_up) return end(slot, slot.is_given_up ? Stage::kRefused : Stage::kConflict);
  slot.is_conflict = true;
  outside_.again(slot.record);
}

void Lane::refuse(uint64_t number, std::string reason) {
  Slot* const found = slot(number);
  if (!found || found->is_ending) return;
  found->is_conflict = false;
  found->record.receipt.reason = std::move(reason);
  end(*found, found->record.receipt.reason.empty() ? Stage::kReplaced : Stage::kRefused);
}

void Lane::end(Slot& slot, Stage stage) {
  if (!is_mined(slot)) --unmined_;
  slot.is_ending = true;
  slot.record.stage = stage;
  slot.record.over_unix = outside_.now_unix();
  put(slot.record.number, Commit::kEnd, {{.number = slot.record.number, .record = to_text(slot.record)}});
}

void Lane::drop(uint64_t number) {
  const auto found = slots_.find(number);
  if (found == slots_.end()) return;
  if (found->second.record.stage != Stage::kIncluded) --unmined_;
  slots_.erase(found);
  wanting_.erase(number);
}

// --- Time and blocks --------------------------------------------------------------------------------------------------------------

void Lane::head(const View& view) {
  const uint64_t before = view_ ? view_->used : 0;
  view_ = view;
  if (!is_started_) return;
  if (view.used > next_ + kMostAhead) {
    outside_.alarm("numbers", "the account has used " + std::to_string(view.used) + " numbers, a node says, and we know of " + std::to_string(next_) + ": it is not believed");
    view_->used = before;
  }
  const uint64_t used = view_->used;
  for (auto& [number, slot] : slots_) {
    if (number >= used) break;
    if (!is_mined(slot) && !slot.is_conflict) look(slot);
  }
  ahead_ = used > next_ ? ahead_ + 1 : 0;
  if (ahead_ >= kLooks && !signing_ && !is_giving_back_) next_ = used;
  fill_gaps(used);
  pump();
}

// Numbers that are taken, that nobody has, and that hold up what comes after them.
void Lane::fill_gaps(uint64_t used) {
  if (used >= next_ || slots_.contains(used)) {
    gap_since_ms_ = 0;
    return;
  }
  const uint64_t now = outside_.now_ms();
  if (gap_since_ms_ == 0 || gap_ != used) {
    gap_ = used;
    gap_since_ms_ = now;
  }
  if (now < gap_since_ms_ + params_.bump_after_ms) return;
  uint64_t filled = 0;
  for (uint64_t number = used; number < next_ && filled < kMostFilled; ++number) {
    if (slots_.contains(number) || (signing_ && signing_->number == number)) continue;
    fill(number);
    ++filled;
  }
}

void Lane::fill(uint64_t number) {
  Slot& made = slots_.emplace(number, Slot{.record = {.number = number, .intent = {.key = {}, .what = "fill", .to = params_.account, .gas = kNothingGas}}}).first->second;
  made.record.stored_unix = outside_.now_unix();
  ++unmined_;
  want(made, Want::kNothing);
}

void Lane::reorganised(uint64_t from_block) {
  for (auto& [number, slot] : slots_) {
    if (slot.record.stage != Stage::kIncluded || slot.is_ending || slot.record.receipt.block < from_block) continue;
    slot.record.receipt = {};
    slot.record.stage = Stage::kSent;
    ++unmined_;
    slot.send_at_ms = 0;
    slot.bump_at_ms = later(params_.bump_after_ms);
    look(slot);  // it may be in another block already
    outside_.became(slot.record);
  }
}

void Lane::settle(uint64_t final_block) {
  for (auto& [number, slot] : slots_) {
    const Record& record = slot.record;
    if (record.stage != Stage::kIncluded || slot.is_ending || record.receipt.block > final_block || slot.stored < record.attempts.size()) continue;
    const Attempt* const counts = record.current();
    const bool does_nothing = counts && counts->does_nothing && !record.intent.key.empty();
    end(slot, does_nothing ? (slot.is_given_up ? Stage::kRefused : Stage::kReplaced) : record.receipt.succeeded ? Stage::kFinal : Stage::kReverted);
  }
}

void Lane::tick() {
  if (!is_started_ || is_broken_) return;
  const uint64_t now = outside_.now_ms();
  std::vector<std::pair<uint64_t, std::vector<Put>>> again;
  for (auto& [id, commit] : commits_) {
    if (commit.again_at_ms == 0 || commit.again_at_ms > now) continue;
    commit.again_at_ms = 0;
    again.emplace_back(id, commit.puts);
  }
  for (auto& [id, puts] : again) outside_.commit(id, std::move(puts));
  drop_late();
  bool is_first = true;
  for (auto& [number, slot] : slots_) {
    if (is_mined(slot) || slot.is_conflict) continue;
    review(slot, is_first);
    is_first = false;
  }
  pump();
}

void Lane::review(Slot& slot, bool is_first) {
  const uint64_t now = outside_.now_ms();
  Record& record = slot.record;
  if (slot.stored < record.attempts.size() || slot.is_signing) return;
  if (slot.stored == 0) return want(slot, Want::kNothing);  // it fills a gap, and could not be signed
  const bool is_late = this->is_late(record.intent);
  const bool does_nothing = record.attempts.back().does_nothing;
  if ((is_late || slot.is_given_up) && !does_nothing && !record.intent.key.empty() && now >= slot.nothing_at_ms) {
    slot.nothing_at_ms = later(params_.rebroadcast_ms);
    want(slot, Want::kNothing);
  }
  const auto is_under_water = [&] { return view_ && record.attempts.back().fee.cap < view_->market.base; };
  if (now >= slot.bump_at_ms && slot.want == Want::kNone && (is_first || is_under_water())) want(slot, is_late || does_nothing ? Want::kNothing : Want::kBump);
  if (now >= slot.send_at_ms) send(slot);
}

// --- For show ---------------------------------------------------------------------------------------------------------------------

const Record* Lane::at(uint64_t number) const {
  const auto found = slots_.find(number);
  return found == slots_.end() ? nullptr : &found->second.record;
}

bool Lane::is_stored(uint64_t number) const {
  const auto found = slots_.find(number);
  return found != slots_.end() && found->second.stored > 0;
}

uint64_t Lane::gaps() const {
  if (!view_ || view_->used >= next_) return 0;
  const auto open = static_cast<uint64_t>(std::distance(slots_.lower_bound(view_->used), slots_.end()));
  return next_ - view_->used - std::min(open, next_ - view_->used);
}

void Lane::each(const std::function<void(const Record&)>& show) const {
  for (const auto& [number, slot] : slots_) show(slot.record);
}

Amount Lane::promised() const {
  Amount sum = 0;
  for (const auto& [number, slot] : slots_)
    if (const Attempt* const a = slot.record.current(); a && !is_mined(slot) && !slot.is_conflict) sum += a->does_nothing ? most_cost(a->fee, kNothingGas, 0) : most_cost(a->fee, slot.record.intent.gas, slot.record.intent.value);
  if (const auto fee = view_ ? fees_.fresh(view_->market) : std::nullopt)
    for (const Ready& one : ready_) sum += most_cost(*fee, one.intent.gas, one.intent.value);
  return sum;
}

}  // namespace chain_evm
