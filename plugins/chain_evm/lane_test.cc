// A Lane against a made-up chain that drops, rejects, reorganises, lies and is used by others, killed at any moment and restored from what it had stored.
#include "lane.h"

#include <gtest/gtest.h>
#include <heddle/sdk/fake_host.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <set>

#include "amount.h"
#include "hex.h"

namespace chain_evm {
namespace {

struct Sent {
  std::string hash;
  uint64_t number = 0;
  std::string key;  // empty: it does nothing, or is somebody else's
  Fee fee;
};


class FakeChain {
 public:
  struct Mined {
    uint64_t number;
    std::vector<Sent> sent;
    uint64_t id;
  };

  explicit FakeChain(std::mt19937_64& dice) : dice_(dice) {}

  uint64_t used() const { return used_at(blocks_.size()); }
  uint64_t used_at(size_t blocks) const {
    uint64_t count = 0;
    for (size_t i = 0; i < blocks; ++i) count += blocks_[i].sent.size();
    return count;
  }
  uint64_t height() const { return blocks_.size(); }
  const std::vector<Mined>& blocks() const { return blocks_; }

  Heard take(const Sent& s) {
    if (s.number < used()) return {Heard::What::kNumberUsed, "nonce too low"};
    if (s.fee.cap < base) return {Heard::What::kFeeTooLow, "less than block base fee"};
    const auto old = pool_.find(s.number);
    if (old != pool_.end()) {
      if (old->second.hash == s.hash) return {Heard::What::kTaken};
      if (s.fee.cap * 10 < old->second.fee.cap * 11 || s.fee.tip * 10 < old->second.fee.tip * 11) return {Heard::What::kUnderpriced, "replacement transaction underpriced"};
    }
    pool_[s.number] = s;
    return {Heard::What::kTaken};
  }
  // Somebody else uses the account.
  void stranger(uint64_t ahead) {
    const uint64_t number = used() + ahead;
    std::string hash = "stranger " + std::to_string(++last_id_) + std::string(32, '.');
    hash.resize(32);
    pool_[number] = {.hash = hash, .number = number, .key = "stranger", .fee = {.tip = 1'000'000'000, .cap = 100'000'000'000}};
  }
  uint64_t pending() const {
    uint64_t next = used();
    while (pool_.contains(next)) ++next;
    return next;
  }
  void mine(size_t most) {
    Mined block{.number = blocks_.size(), .sent = {}, .id = ++last_id_};
    for (uint64_t n = used(); block.sent.size() < most; ++n) {
      const auto next = pool_.find(n);
      if (next == pool_.end() || next->second.fee.cap < base) break;
      block.sent.push_back(next->second);
      pool_.erase(next);
    }
    blocks_.push_back(std::move(block));
  }
  // What was in them is back in the pool, or not.
  void reorganise(size_t depth) {
    while (depth-- > 0 && blocks_.size() > floor) {
      for (const Sent& s : blocks_.back().sent)
        if (dice_() % 2 == 0 || s.key == "stranger") pool_.emplace(s.number, s);
      blocks_.pop_back();
    }
  }
  void forget_pool() {
    std::erase_if(pool_, [&](const auto& one) { return dice_() % 2 == 0 && one.second.key != "stranger"; });
  }
  std::optional<Receipt> receipt(const std::string& hash) const {
    for (const Mined& block : blocks_)
      for (const Sent& s : block.sent)
        if (s.hash == hash) return Receipt{.hash = hash, .block_hash = std::string(31, 'b') + static_cast<char>('a' + block.id % 26), .block = block.number};
    return std::nullopt;
  }
  const Sent* at(uint64_t number, size_t blocks) const {
    for (size_t i = 0; i < blocks; ++i)
      for (const Sent& s : blocks_[i].sent)
        if (s.number == number) return &s;
    return nullptr;
  }

  Amount base = 1'000'000'000;
  size_t floor = 0;  // so many blocks stay

 private:
  std::mt19937_64& dice_;
  std::vector<Mined> blocks_;
  std::map<uint64_t, Sent> pool_;
  uint64_t last_id_ = 0;
};

using Store = std::map<std::string, std::string>;  // what survives

struct Faults {
  unsigned reject = 0, drop = 0, lie = 0, sign = 0, room = 0, breaks = 0;  // in a thousand
};

// What is the same in every life of the process.
struct World {
  explicit World(uint64_t seed) : dice(seed), chain(dice) {}
  bool chance(unsigned in_a_thousand) { return dice() % 1000 < in_a_thousand; }

  std::mt19937_64 dice;
  FakeChain chain;
  Store store;
  Faults faults;
  uint64_t clock_ms = 1'000'000, serial = 0;
  std::map<std::string, Sent> signed_ones;      // by the raw bytes
  std::map<std::string, std::set<uint64_t>> numbers;  // that were signed for a key
};

// One life of the process: what is under way ends with it.
class FakeLife : public Outside {
 public:
  static constexpr size_t kDepth = 6;

  explicit FakeLife(World& world) : world_(world), lane(*this, Fees(), params()) {
    uint64_t next = 0;
    for (const auto& [key, text] : world.store) {
      if (!key.starts_with("tx/")) continue;
      Record record = read_record(heddle::sdk::Value::parse(text));
      next = std::max(next, record.number + 1);
      if (!is_over(record.stage) && !record.intent.key.empty()) open.insert(record.intent.key);
      lane.restore(std::move(record));
    }
    lane.start(std::max(next, world.chain.pending()));
  }
  // What was under way at the end may have been done, up to some moment.
  void end() {
    for (const Job& job : work_) {
      if (world_.chance(300)) return;
      if (job.leaves) job.leaves();
    }
  }

  void submit(const std::string& key) {
    if (open.contains(key) || world_.store.contains("intent/" + key)) return;
    open.insert(key);
    lane.accept({.key = key, .what = "call", .to = "to", .gas = 21000});
  }
  // One thing that is under way comes to its end; commits in their order, the rest nearly so.
  bool step() {
    if (work_.empty()) return false;
    auto next = work_.begin();
    const auto other = next + static_cast<std::ptrdiff_t>(world_.dice() % work_.size());
    if (world_.chance(200) && !other->is_commit) next = other;
    const Job job = std::move(*next);
    work_.erase(next);
    job.run();
    return true;
  }
  void look() {
    FakeChain& chain = world_.chain;
    if (chain.height() >= kDepth) chain.floor = std::max(chain.floor, chain.height() - kDepth + 1);
    View view{.used = chain.used(), .market = {.base = chain.base, .tip = 100'000'000}};
    if (world_.chance(world_.faults.lie)) view.used += 1 + world_.dice() % 5;
    if (world_.chance(world_.faults.lie)) view.used -= std::min<uint64_t>(view.used, world_.dice() % 3);
    while (seen_.size() > chain.height() || (!seen_.empty() && seen_.back() != chain.blocks()[seen_.size() - 1].id)) {
      seen_.pop_back();
      lane.reorganised(seen_.size());
    }
    for (size_t i = seen_.size(); i < chain.height(); ++i) seen_.push_back(chain.blocks()[i].id);
    lane.head(view);
    if (chain.height() >= kDepth) lane.settle(chain.height() - kDepth);
  }

  void sign(const Wanted& wanted) override {
    Sent s{.hash = {}, .number = wanted.number, .key = wanted.intent ? wanted.intent->key : "", .fee = wanted.fee};
    work([this, s]() mutable {
      if (world_.chance(world_.faults.sign)) return lane.not_made(HEDDLE_UNAVAILABLE, "no signer");
      s.hash = std::to_string(++world_.serial) + std::string(32, '.');
      s.hash.resize(32);
      if (!s.key.empty()) world_.numbers[s.key].insert(s.number);
      world_.signed_ones["raw " + s.hash] = s;
      lane.made("raw " + s.hash, s.hash);
    });
  }
  void commit(uint64_t id, std::vector<Put> puts) override {
    const auto write = [this, puts] {
      for (const Put& put : puts) {
        const std::string key = "tx/" + std::to_string(put.number);
        if (put.record.empty()) world_.store.erase(key);
        if (!put.record.empty()) world_.store[key] = put.record;
        if (!put.key.empty()) world_.store["intent/" + put.key] = put.intent;
      }
    };
    work_.push_back({.is_commit = true,
                     .run =
                         [this, write, id] {
                           if (world_.chance(world_.faults.room)) return lane.committed(id, Committed::kNoRoom, "full");
                           is_broken = is_broken || world_.chance(world_.faults.breaks);
                           if (is_broken) return lane.committed(id, Committed::kBroken, "broken");
                           write();
                           lane.committed(id, Committed::kYes);
                         },
                     .leaves = write});
  }
  void send(uint64_t number, const Attempt& attempt) override {
    const auto stored = world_.store.find("tx/" + std::to_string(number));
    ASSERT_TRUE(stored != world_.store.end()) << "sent before it was stored";
    ASSERT_NE(stored->second.find(to_hex(attempt.raw)), std::string::npos) << "sent before it was stored";
    const auto run = [this, number, attempt] {
      const auto reject = world_.faults.reject;
      if (world_.chance(world_.faults.drop)) return lane.sent(number, attempt.hash, {Heard::What::kTaken});  // and it is forgotten
      if (world_.chance(reject)) return lane.sent(number, attempt.hash, {Heard::What::kNotNow, "no"});
      const Heard heard = world_.chain.take(world_.signed_ones[attempt.raw]);
      lane.sent(number, attempt.hash, world_.chance(reject) ? Heard{.what = Heard::What::kNotNow, .why = "the answer was lost", .may_have = true} : heard);
    };
    work_.push_back({.is_commit = false, .run = run, .leaves = [this, attempt] { world_.chain.take(world_.signed_ones[attempt.raw]); }});
  }
  void look(uint64_t number, std::vector<std::string> hashes) override {
    work([this, number, hashes] {
      if (world_.chance(world_.faults.reject)) return lane.not_looked(number);
      for (const std::string& hash : hashes) {
        const auto receipt = world_.chain.receipt(hash);
        if (!receipt) continue;
        if (receipt->block >= seen_.size() || seen_[receipt->block] != world_.chain.blocks()[receipt->block].id) return lane.not_looked(number);
        return lane.looked(number, receipt);
      }
      lane.looked(number, std::nullopt);
    });
  }
  void trace(const Record& record) override {
    work([this, record] {
      const size_t height = world_.chain.height();
      const Sent* const found = world_.chain.at(record.number, height >= kDepth ? height - kDepth + 1 : 0);
      if (!found) return lane.traced(record.number, {});
      const bool is_same = !record.intent.key.empty() && found->key == record.intent.key;
      lane.traced(record.number, {.what = record.attempt(found->hash) ? Trace::What::kOurs : is_same ? Trace::What::kSame : Trace::What::kOther, .hash = found->hash});
    });
  }
  void again(const Record& record) override {
    work([this, intent = record.intent, number = record.number] { lane.accept(intent, number); });
  }
  void became(const Record& record) override {
    if (is_over(record.stage)) open.erase(record.intent.key);
  }
  void failed(const std::string& key, heddle_status, const char*, const std::string&) override { open.erase(key); }
  void alarm(const std::string&, const std::string&) override {}
  uint64_t now_ms() const override { return world_.clock_ms; }
  int64_t now_unix() const override { return static_cast<int64_t>(world_.clock_ms / 1000); }

 private:
  struct Job {
    bool is_commit;
    std::function<void()> run;
    std::function<void()> leaves;  // what it does to the world, if nobody hears of it any more
  };
  static LaneParams params() {
    LaneParams p;
    p.window = 16;
    p.bump_after_ms = 3000;
    p.rebroadcast_ms = 2000;
    p.account = std::string(20, 'a');
    return p;
  }
  void work(std::function<void()> run) { work_.push_back({.is_commit = false, .run = std::move(run), .leaves = {}}); }

  World& world_;
  std::deque<Job> work_;
  std::vector<uint64_t> seen_;  // the blocks that the lane knows of

 public:
  std::set<std::string> open;
  bool is_broken = false;  // the journal: nothing more is done in this life
  Lane lane;  // the last one: it calls while it is made
};

// One schedule: many things in any order, then peace until all is over.
class Schedule {
 public:
  explicit Schedule(uint64_t seed) : world(seed), life_(std::make_unique<FakeLife>(world)) {}

  void run(int turns, bool kills, bool strangers) {
    for (int i = 0; i < turns; ++i) turn(kills, strangers);
  }
  void kill() {
    life_->end();
    life_ = std::make_unique<FakeLife>(world);
  }
  // Without faults; whoever wants something asks again with its key.
  void settle() {
    world.faults = {};
    world.chain.base = 1'000'000'000;
    if (life_->is_broken) kill();
    for (int round = 0; round < 400; ++round) {
      for (const std::string& key : keys) life_->submit(key);
      while (life_->step()) {
      }
      world.clock_ms += 500;
      world.chain.mine(100);
      life_->look();
      life_->lane.tick();
      const bool all_kept = std::all_of(keys.begin(), keys.end(), [&](const std::string& key) { return world.store.contains("intent/" + key); });
      if (all_kept && life_->lane.open() == 0 && life_->lane.waiting() == 0) return;
    }
    ADD_FAILURE() << "it does not come to an end: " << life_->lane.open() << " open, " << life_->lane.waiting() << " waiting, " << life_->lane.gaps() << " gaps";
  }
  void expect_each_once() {
    std::map<std::string, std::vector<uint64_t>> mined;
    for (const auto& block : world.chain.blocks())
      for (const Sent& s : block.sent)
        if (!s.key.empty()) mined[s.key].push_back(s.number);
    for (const std::string& key : keys) {
      ASSERT_EQ(mined[key].size(), 1u) << key;
      for (const uint64_t number : world.numbers[key]) {
        if (number == mined[key][0]) continue;
        const Sent* const other = world.chain.at(number, world.chain.height());
        // A number that was taken and never stored goes to the next; else somebody else must have used it for good.
        EXPECT_TRUE(other && other->key != key) << key << " has the numbers " << number << " and " << mined[key][0];
      }
    }
  }

  World world;
  std::vector<std::string> keys;

 private:
  void turn(bool kills, bool strangers) {
    FakeChain& chain = world.chain;
    const auto what = world.dice() % 100;
    if (what < 15 && keys.size() < 40) {
      keys.push_back("key" + std::to_string(keys.size()));
      life_->submit(keys.back());
    } else if (what < 60) {
      for (auto i = world.dice() % 8; i > 0 && life_->step(); --i) {
      }
    } else if (what < 70) {
      world.clock_ms += world.dice() % 1500;
      life_->lane.tick();
    } else if (what < 78) {
      chain.mine(world.dice() % 6);
    } else if (what < 88) {
      life_->look();
    } else if (what < 90) {
      chain.base = 1'000'000'000 * (world.chance(500) ? 1 : 10);
    } else if (what < 92) {
      chain.reorganise(1 + world.dice() % 4);
    } else if (what < 93) {
      chain.forget_pool();
    } else if (what < 94 && strangers) {
      chain.stranger(world.dice() % 3);
    } else if (what < 96 && (kills || life_->is_broken)) {
      kill();
    } else if (world.chance(100) && !keys.empty()) {
      life_->submit(keys[world.dice() % keys.size()]);
    }
  }
  std::unique_ptr<FakeLife> life_;
};

class Lanes : public testing::Test {
 protected:
  // So many schedules, or HEDDLE_SCHEDULES in the environment, until one fails.
  static void in_each(const std::function<void(Schedule&)>& does) {
    const char* const wanted = std::getenv("HEDDLE_SCHEDULES");
    const uint64_t schedules = wanted ? std::strtoull(wanted, nullptr, 10) : 250;
    for (uint64_t seed = 1; seed <= schedules && !HasFailure(); ++seed) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Schedule schedule(seed);
      does(schedule);
    }
  }
  // Whatever fails, each transaction is mined once.
  static void expect_each_once_with(const Faults& faults, bool with_strangers = false) {
    in_each([&](Schedule& schedule) {
      schedule.world.faults = faults;
      schedule.run(600, true, with_strangers);
      schedule.settle();
      schedule.expect_each_once();
    });
  }
  static constexpr Faults kAll = {.reject = 50, .drop = 20, .lie = 0, .sign = 20, .room = 20, .breaks = 0};
  heddle::sdk::FakeHost host_;
};

// Under everything that a chain and a network can do.
TEST_F(Lanes, EachTransactionIsMinedOnceWhateverFailsAndWheneverItIsKilled) { expect_each_once_with(kAll); }

TEST_F(Lanes, ANumberThatSomebodyElseUsedIsGivenUpOnlyOnceThatIsForGood) { expect_each_once_with(kAll, true); }

TEST_F(Lanes, ANodeThatLiesAboutNumbersCostsNothingButTime) {
  Faults faults = kAll;
  faults.lie = 200;
  expect_each_once_with(faults);
}

// Once it has failed, it stores nothing more, whatever of it was under way.
TEST_F(Lanes, AJournalThatFailsIsGoneOnWithInAnotherLife) {
  Faults faults = kAll;
  faults.breaks = 20;
  expect_each_once_with(faults);
}

// What the journal of yesterday knows is done once; what it does not know is asked for again by whoever wants it.
TEST_F(Lanes, AJournalOfYesterdayDoesNothingTwiceThatItKnows) {
  in_each([](Schedule& schedule) {
    schedule.world.faults = {.reject = 50, .drop = 20, .lie = 0, .sign = 0, .room = 0, .breaks = 0};
    schedule.run(200, true, false);
    const Store yesterday = schedule.world.store;
    const std::vector<std::string> known = schedule.keys;
    schedule.run(300, true, false);
    schedule.world.store = yesterday;
    schedule.kill();
    schedule.world.store = yesterday;
    schedule.kill();
    schedule.settle();
    std::map<std::string, size_t> mined;
    for (const auto& block : schedule.world.chain.blocks())
      for (const Sent& s : block.sent) ++mined[s.key];
    for (const std::string& key : known) {
      EXPECT_TRUE(!yesterday.contains("intent/" + key) || mined[key] == 1u) << key << " is mined " << mined[key] << " times";
    }
  });
}

TEST_F(Lanes, WithTheJournalGoneItGoesOnBehindWhatTheChainHas) {
  in_each([](Schedule& schedule) {
    schedule.run(300, true, false);
    schedule.world.store.clear();
    schedule.kill();
    schedule.world.store.clear();
    schedule.kill();
    schedule.settle();
  });
}

}  // namespace
}  // namespace chain_evm
