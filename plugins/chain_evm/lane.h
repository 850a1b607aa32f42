// Lane: the numbers (nonces) of one account, in order, and what has become of the transaction of each. No I/O: what it wants done is done by Outside, what comes of it is told to the Lane.
//
// A number is taken when a transaction is signed for it; the signed bytes are stored before they are sent; every attempt that a node might have is kept until the number is over. So whatever is
// cut off at whatever moment is found again: what was not stored was not sent, and what was stored is gone on with under the same number.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "numbers.h"
#include "record.h"

namespace chain_evm {

// What the nodes said of a transaction that was sent to all of them, the best of it.
struct Heard {
  enum class What : uint8_t {
    kTaken,         // or known already
    kNumberUsed,    // its number is on the chain
    kUnderpriced,   // another one has the number, and this one does not pay enough more
    kFeeTooLow,
    kNoBalance,
    kNever,         // every node that answered says that it will take it never
    kNotNow         // whatever else: it may be taken another time
  };
  What what = What::kNotNow;
  std::string why = {};
  bool may_have = false;  // one of them has not said that it has not taken it: its answer was lost, or was none
};

// Refused: the journal will never take just this, and nothing of it was written.
enum class Committed : uint8_t { kYes, kNoRoom, kRefused, kBroken };

// What is to be signed.
struct Wanted {
  uint64_t number = 0;
  const Intent* intent = nullptr;  // null: one that does nothing
  Fee fee;
};

struct Put {
  uint64_t number = 0;
  std::string record;              // empty: the number is given back
  std::string key = {};            // not empty: `intent` becomes what is kept under this key
  std::string intent = {};
};

// Who has used a number, as far as the chain can tell for good.
struct Trace {
  enum class What : uint8_t { kUnknown, kOurs, kSame, kOther };  // same: it does what the intent wants, so it is ours though its hash is not known
  What what = What::kUnknown;
  std::string hash = {};
};

// One thing at a time; it does not call back before the call to it has returned.
class Outside {
 public:
  virtual ~Outside() = default;
  virtual void sign(const Wanted& wanted) = 0;                              // made() or not_made() follows
  virtual void commit(uint64_t commit, std::vector<Put> puts) = 0;          // committed() follows; in the order of the calls
  virtual void send(uint64_t number, const Attempt& attempt) = 0;           // sent() follows
  virtual void look(uint64_t number, std::vector<std::string> hashes) = 0;  // looked() follows
  virtual void trace(const Record& record) = 0;                             // traced() follows
  virtual void again(const Record& record) = 0;                             // accept(…, number) or refuse() follows
  virtual void became(const Record& record) = 0;                            // its stage has changed
  virtual void failed(const std::string& key, heddle_status status, const char* code, const std::string& why) = 0;  // nothing was taken
  virtual void alarm(const std::string& what, const std::string& why) = 0;  // a person should look at it
  virtual uint64_t now_ms() const = 0;
  virtual int64_t now_unix() const = 0;
};

struct LaneParams {
  size_t window = 256;               // numbers that are taken and not in a block
  uint64_t bump_after_ms = 30'000;   // not in a block for so long
  uint64_t again_ms = 200;           // until what was rejected is sent again; twice as long each time, up to:
  uint64_t rebroadcast_ms = 10'000;  // until what was taken is sent again
  std::string account = {};
};

struct View {
  uint64_t used = 0;  // numbers of the account in the newest block
  Market market;
};

class Lane {
 public:
  static constexpr int kLooks = 3;             // heads in a row that must say the same strange thing
  static constexpr size_t kMostAttempts = 64;  // for one number; of those that do nothing, as many again
  static constexpr uint32_t kMostRaises = 8;   // at once, for no node takes it
  static constexpr size_t kMostFilled = 256;   // gaps at a time

  Lane(Outside& outside, Fees fees, LaneParams params) : outside_(outside), fees_(std::move(fees)), params_(std::move(params)) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  // Before start: what is not over, of the journal.
  void restore(Record record);
  // `next`: what the journal has not used, and no node has.
  void start(uint64_t next);

  // A transaction that is ready; `instead_of`: the number that a conflict has taken from it. became() or failed() follows.
  void accept(Intent intent, std::optional<uint64_t> instead_of = {});
  // Of what again() asked for: it would revert now.
  void refuse(uint64_t number, std::string reason);

  void made(std::string raw, std::string hash);
  void not_made(heddle_status status, const std::string& why);
  void committed(uint64_t commit, Committed how, const std::string& why = {});
  void sent(uint64_t number, const std::string& hash, const Heard& heard);
  void looked(uint64_t number, const std::optional<Receipt>& receipt);
  void not_looked(uint64_t number);  // no node could say
  void traced(uint64_t number, const Trace& trace);

  void head(const View& view);
  void reorganised(uint64_t from_block);  // what was in it and later ones is not on the chain any more
  void settle(uint64_t final_block);      // what is in it and in earlier ones stays
  void tick();

  // For show.
  const Record* at(uint64_t number) const;  // null: it is over, or nobody has it
  bool is_stored(uint64_t number) const;
  uint64_t next() const { return next_; }
  size_t waiting() const { return ready_.size(); }
  size_t open() const { return slots_.size(); }
  size_t unmined() const { return unmined_; }
  uint64_t gaps() const;
  uint64_t bumps() const { return bumps_; }
  uint64_t sent_count() const { return sends_; }
  uint64_t finals() const { return finals_; }
  void each(const std::function<void(const Record&)>& show) const;
  // What is not in a block, or waits for a number, may cost so much.
  Amount promised() const;

 private:
  enum class Want : uint8_t { kNone, kBump, kNothing };  // nothing: one that does nothing
  struct Slot {
    Record record;
    size_t stored = 0;           // of its attempts
    bool is_sending = false, is_looking = false, is_tracing = false, is_signing = false;
    bool was_taken = false;      // by some node, once, as far as we know
    bool is_conflict = false;    // its intent is looking for another number
    bool is_ending = false;      // what it ended as is being stored
    bool is_given_up = false;
    Want want = Want::kNone;
    uint64_t send_at_ms = 0, bump_at_ms = 0, nothing_at_ms = 0;
    uint32_t rejected = 0, never = 0;
    uint32_t raised = 0;         // attempts in a row for no node took the one before
    int strange = 0;             // heads that said its number is used, by none that we know
  };
  struct Ready {
    Intent intent;
    std::optional<uint64_t> instead_of;
  };
  struct Signing {
    uint64_t number;
    bool is_new, does_nothing;
    Fee fee;
  };
  enum class Commit : uint8_t { kAttempt, kEnd, kGiveBack };
  struct Committing {
    uint64_t number;
    Commit kind;
    std::vector<Put> puts;
    std::optional<uint64_t> instead_of = {};
    uint64_t again_at_ms = 0;  // not 0: there was no room
  };
  using Slots = std::map<uint64_t, Slot>;

  static bool is_mined(const Slot& slot) { return slot.record.stage == Stage::kIncluded || slot.is_ending; }
  void pump();
  bool sign_attempt();
  std::optional<Fee> fee_of(const Slot& slot, bool does_nothing) const;
  void sign_new();
  bool is_late(const Intent& intent) const;
  void too_late(const Ready& ready);
  void drop_late();
  void found_again(uint64_t number);
  void put(uint64_t number, Commit kind, std::vector<Put> puts, std::optional<uint64_t> instead_of = {});
  void attempt_stored(const Committing& done);
  void attempt_refused(const Committing& done, const std::string& why);
  void broken(const std::string& why);
  void send(Slot& slot);
  void look(Slot& slot);
  void rejected(Slot& slot, const Heard& heard);
  void want(Slot& slot, Want what);
  void give_up(Slot& slot, const std::string& why);
  void conflicted(Slot& slot);
  void end(Slot& slot, Stage stage);
  void review(Slot& slot, bool is_first);
  void fill_gaps(uint64_t used);
  void fill(uint64_t number);
  void drop(uint64_t number);
  uint64_t later(uint64_t ms) const { return outside_.now_ms() + ms; }
  Slot* slot(uint64_t number);

  Outside& outside_;
  const Fees fees_;
  const LaneParams params_;
  Slots slots_;
  std::deque<Ready> ready_;
  std::set<uint64_t> wanting_;  // slots that want an attempt
  std::optional<Signing> signing_;
  std::map<uint64_t, Committing> commits_;
  std::optional<View> view_;
  uint64_t next_ = 0, last_commit_ = 0;
  size_t unmined_ = 0;  // of slots_
  uint64_t gap_ = 0, gap_since_ms_ = 0;  // since 0: there is none
  int ahead_ = 0;                        // heads in a row that said more numbers are used than we know of
  bool is_started_ = false, is_giving_back_ = false, is_broken_ = false;
  uint64_t bumps_ = 0, sends_ = 0, finals_ = 0;
};

}  // namespace chain_evm
