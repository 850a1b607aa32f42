// Events: what has happened since a cursor. Nothing is kept here between two questions but those that wait: the cursor has all there is.
//
// A cursor: {"next": the first block that has not been read, "blocks": [[number, hash, had events], …]}: those that were read and may still be undone.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ops.h"
#include "rpc.h"
#include "settings.h"
#include "watch.h"

namespace chain_evm {

// The network's thread only.
class Events {
 public:
  Events(const Settings& settings, Rpc& rpc, Network& network, const Watch& watch) : settings_(settings), rpc_(rpc), network_(network), watch_(watch), range_(settings.most_log_blocks) {}

  void pull(heddle::sdk::ValueRef filter, OpPtr op);
  // There is a new block, or one is gone.
  void looked();
  bool is_waiting() const { return !waiting_.empty(); }

 private:
  struct Read {
    uint64_t number;
    std::string hash;
    bool had_events;
  };
  struct Pull {
    OpPtr op;
    std::string topics, addresses;  // JSON
    bool is_final = false;
    size_t most = 1000;
    uint64_t until_ms = 0;
    uint64_t next = 0;
    std::optional<uint64_t> from_unix = {};
    std::vector<Read> blocks = {};                // of the cursor
    std::vector<heddle::sdk::Value> found = {};
    int rounds = 0;                               // in a row, in which the node said nothing that fits the blocks
    bool has_timer = false;
  };
  using PullPtr = std::shared_ptr<Pull>;

  PullPtr begin(heddle::sdk::ValueRef filter, OpPtr op) const;
  void read_cursor(heddle::sdk::ValueRef cursor, Pull& pull) const;
  void go_on(const PullPtr& pull);
  void check(const PullPtr& pull, size_t from);
  void rewind(const PullPtr& pull, size_t from);
  void find_time(const PullPtr& pull, uint64_t below, uint64_t above);
  void read(const PullPtr& pull);
  void ask(const PullPtr& pull, uint64_t last);
  void heard(const PullPtr& pull, uint64_t last, const Answer& block, const Answer& logs);
  void take(const PullPtr& pull, uint64_t last, heddle::sdk::ValueRef logs);
  void again(const PullPtr& pull);
  static void add_work(std::vector<heddle::sdk::Value::Entry>& entries, const std::string& event, heddle::sdk::ValueRef args);
  void add_log(Pull& pull, heddle::sdk::ValueRef log, uint64_t block) const;
  void remember(Pull& pull, uint64_t last) const;
  void answer(const PullPtr& pull);
  void wait(const PullPtr& pull);
  uint64_t end_of(const Pull& pull) const;  // after the last block that it may read
  static uint64_t now_ms();

  const Settings& settings_;
  Rpc& rpc_;
  Network& network_;
  const Watch& watch_;
  uint64_t range_;  // blocks for one question: halved where that is too much, and doubled again bit by bit
  std::vector<PullPtr> waiting_;
};

}  // namespace chain_evm
