// Flight: one item on its way through the pipeline of another host.
#pragma once
#include <heddle/draft/peers.h>
#include <heddle/sdk.h>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "settings.h"

namespace node_remote {

// What every item of a node is sent with.
struct Errand {
  std::string pipeline;           // as messages name it
  heddle::sdk::Value parameters;  // of the call: the name of a pipeline that is served; empty: none
  std::string first_line;         // the manifest that goes along; empty: none
};

// Any thread. What comes from the other host is emitted in its order; what finds no room waits here, and no more is asked for meanwhile.
class Flight {
 public:
  static constexpr uint32_t kCredit = 64;  // outputs that may wait here

  Flight(heddle::sdk::Call call, const Settings& settings, const Errand& errand, const heddle::sdk::Host& host, const heddle_peers_service& peers)
      : settings_(settings), errand_(errand), host_(host), peers_(peers), begun_ns_(host.now_ns()), call_(std::move(call)) {}

  // What it is asked with; borrowed from it.
  heddle_peer_call request(std::string& key);
  // The id of the call is known.
  void begun(heddle_id call);
  // There may be room where there was none.
  void resume();
  void cancel();

  // What is heard; each says whether the item is answered by it.
  void answered(heddle_id call, const heddle_peer_answer& answer);
  void part(heddle_id call, heddle::sdk::Value part);
  void ended(heddle_status status, std::string_view why);
  bool is_over();

 private:
  struct Failure {
    heddle_status status;
    std::string why;
    heddle::sdk::Value details;
  };
  uint32_t emit_waiting();
  void settle();
  Failure failure_of(const heddle_peer_answer& answer) const;
  Failure failure_of(heddle::sdk::ValueRef part) const;
  std::string named() const;

  const Settings& settings_;
  const Errand& errand_;
  const heddle::sdk::Host host_;
  const heddle_peers_service& peers_;
  const uint64_t begun_ns_;

  std::mutex mutex_;
  // Guarded by mutex_:
  heddle::sdk::Call call_;  // false: it is answered
  heddle_id id_ = 0;
  bool unwanted_ = false;   // to be cancelled once its id is known
  bool over_ = false;       // nothing more comes from there
  bool emitted_ = false;
  std::deque<heddle::sdk::Value> waiting_;
  std::optional<Failure> failure_;
  heddle::sdk::Value report_;  // of the answer
};

}  // namespace node_remote
