// Watch: what the nodes say of the chain: their newest blocks, which of them are well, and the one that is followed, whose blocks count.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fees.h"
#include "heads.h"
#include "network.h"
#include "rpc.h"
#include "settings.h"

namespace chain_evm {

struct EndpointState {
  uint64_t block = 0;
  bool is_well = false, was_asked = false, answers = false, is_other_chain = false;
  std::string error = {};
  uint64_t behind_since_ms = 0;  // 0: it is not
  // It says its newest block, but not what else must be known: so often in a row, since when, and what.
  uint32_t failures = 0;
  uint64_t failed_ms = 0;
  std::string lacks = {};
};

// The network's thread only.
class Watch {
 public:
  struct Reading {
    View view;       // of the account; `used` is 0 without one
    Amount balance;
  };
  // After each question to the node that is followed. `removed_from`: what was in this block and later ones is gone.
  using Looked = std::function<void(const Reading& reading, std::optional<uint64_t> removed_from, uint64_t final_block)>;

  Watch(const Settings& settings, Rpc& rpc, Network& network, std::string account, Looked looked);

  // Asks every endpoint once; `asked`: when all have answered or failed, and the blocks of the one that is followed are known.
  void begin(std::function<void()> asked);
  // Asks now, and then every poll_ms while it is busy, else more seldom.
  void set_busy(bool busy);
  // Perhaps there is a new block.
  void hint() {
    if (is_busy_) ask_all();
  }

  const Heads& heads() const { return heads_; }
  const std::vector<EndpointState>& endpoints() const { return endpoints_; }
  // What a person should look at: the node that is followed does not say all that must be known, and there is no other. Empty: nothing.
  const std::string& alarm() const { return alarm_; }
  uint64_t chain_id() const { return chain_id_; }
  size_t followed() const { return followed_; }
  uint64_t final_block() const { return final_; }  // UINT64_MAX: none is yet
  bool is_settled(uint64_t block) const { return final_ != UINT64_MAX && block <= final_; }
  const std::optional<Reading>& reading() const { return reading_; }

 private:
  void ask_all();
  void ask(size_t endpoint);
  void heard(size_t endpoint, const Answer& id, const Answer& newest);
  void begun();
  void judge();
  uint64_t reached_by_half(size_t count) const;
  bool is_behind(size_t endpoint, uint64_t best, bool is_excused);
  bool is_fresh() const;
  void failed(size_t endpoint, std::string why);
  void follow(const std::optional<Block>& newest);
  void fetch(uint64_t from, Block newest, int tries);
  void linked(const Heads::Change& change);
  void read_account(std::optional<uint64_t> removed_from);
  void tell(std::optional<uint64_t> removed_from);
  void arm();
  static uint64_t now_ms();

  const Settings& settings_;
  Rpc& rpc_;
  Network& network_;
  const std::string account_;  // 20 bytes, or empty
  const Looked looked_;
  Heads heads_;
  std::vector<EndpointState> endpoints_;
  std::vector<bool> is_asked_;  // and has not answered
  std::function<void()> asked_;
  size_t followed_ = 0, left_ = 0;
  uint64_t chain_id_ = 0, final_ = UINT64_MAX, last_ms_ = 0;
  std::string alarm_;
  std::optional<Reading> reading_;
  bool is_busy_ = true, is_armed_ = false, is_following_ = false;
};

}  // namespace chain_evm
