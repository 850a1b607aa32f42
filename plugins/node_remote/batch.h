// Batch: items that are on their way through the pipeline of another host in one request, each by itself.
#pragma once
#include <heddle/draft/peers.h>
#include <heddle/sdk.h>

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "last_good.h"
#include "settings.h"

namespace node_remote {

// What every item of a node is sent with.
struct Errand {
  std::string pipeline;           // as messages name it
  heddle::sdk::Value parameters;  // of the request: the name of a pipeline that is served; empty: none
  heddle::sdk::Value manifest;    // that goes along; empty: none
};

// Any thread. What comes from the other host is emitted in its order; what finds no room waits here, and no more is asked for meanwhile.
class Batch {
 public:
  static constexpr uint32_t kCredit = 16;  // parts of the answer that may be on their way

  Batch(std::vector<heddle::sdk::Call> calls, const Settings& settings, const Errand& errand, LastGood& last_good, const heddle::sdk::Host& host, const heddle_peers_service& peers);

  size_t size() const { return slots_.size(); }
  uint64_t begun_ns() const { return begun_ns_; }
  // What it is asked with; borrowed from it and `key`. Items that the host has given up meanwhile are left out; none: no item is left.
  std::optional<heddle_peer_call> request(std::string& key);
  // The id of the request is known.
  void begun(heddle_id request);
  // For an item of this batch; false: it is none.
  bool resume(heddle::sdk::CallId id);
  bool cancel(heddle::sdk::CallId id);
  // It cannot be asked at all.
  void refused(heddle_status status, std::string_view why, heddle::sdk::Value details = {});

  // What is heard.
  void answered(const heddle_peer_answer& answer);
  void part(heddle_id request, heddle::sdk::Value part);
  void ended(heddle_status status, std::string_view why);
  // Nothing more comes from there, and every item is answered.
  bool is_over();

 private:
  struct Failure {
    heddle_status status;
    std::string why;
    heddle::sdk::Value details;
  };
  struct Slot {
    heddle::sdk::Call call;  // false: it is answered
    bool is_over = false;    // nothing more of it comes from there
    bool emitted = false, unwanted = false;
    LastGood::Results results = {};                // where the last good ones count
    std::vector<heddle::sdk::Value> waiting = {};  // the first `left` have gone
    size_t left = 0;
    std::optional<Failure> failure = {};

    bool has_waiting() const { return left < waiting.size(); }
  };
  // With the lock held:
  bool take(heddle::sdk::ValueRef result);
  void emit(Slot& slot, heddle::sdk::Value output);
  static bool leaves(Slot& slot, heddle::sdk::Value& output);
  void emit_waiting(Slot& slot);
  void settle(Slot& slot);
  void fall_back(Slot& slot);
  void fail_the_rest(const Failure& failure);
  Slot* find(heddle::sdk::CallId id);
  Failure failure_of(const heddle_peer_answer& answer) const;
  Failure failure_of(heddle::sdk::ValueRef failed) const;
  Failure not_understood(heddle::sdk::ValueRef said) const;
  std::string named() const;

  const Settings& settings_;
  const Errand& errand_;
  LastGood& last_good_;
  const heddle::sdk::Host host_;
  const heddle_peers_service& peers_;
  const uint64_t begun_ns_;
  heddle::sdk::Value items_;  // as they were sent

  std::mutex mutex_;
  // Guarded by mutex_:
  std::vector<Slot> slots_;  // as many as ever, once it is asked
  heddle_id id_ = 0;
  size_t wanted_ = 0;        // items that somebody waits for
  size_t left_ = 0;          // items that are not over
  size_t waiting_ = 0;       // outputs that have found no room
  uint32_t owed_ = 0;        // parts whose outputs are still among these
  bool over_ = false;        // nothing more comes from there
  heddle::sdk::Value report_;  // of the answer
};

}  // namespace node_remote
