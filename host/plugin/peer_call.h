// PeerCall: one call to a group of peers, through as many attempts as it takes. What is done is said by Attempts; it is done here.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "lanes/errands.h"
#include "plugin/peer_group.h"
#include "plugin/peer_spans.h"

namespace heddle {

// Any thread; no lock is held while anybody is told of anything, or a channel is called.
class PeerCall : public std::enable_shared_from_this<PeerCall> {
 public:
  PeerCall(std::shared_ptr<PeerGroup> group, const CallPolicy& policy, PeerRequest request, PeerHearing hearing);

  void begin();
  // So many more parts may come.
  void grant(uint32_t parts);
  // What is owed still comes: "cancelled", if it was not on its way.
  void cancel();

 private:
  struct Flight {
    Channel* channel = nullptr;
    heddle_id id = 0;          // of the channel; 0: not known yet
    bool unwanted = false;     // to be cancelled once its id is known
    uint32_t granted = 0;      // to be passed on then
    std::optional<RemoteAnswer> head = {};  // of an answer whose first part has not come
  };
  void carry_out(const Attempts::Steps& steps);
  void send(const Attempts::Step& step);
  void give_up(uint32_t number);
  void wake_at(uint64_t at_ns);
  void woken();
  void heard(uint32_t number, RemoteAnswer answer);
  void end_span(uint32_t number, const Error* failure);
  void settle(uint32_t number, RemoteAnswer answer);
  void heard_part(uint32_t number, Value part);
  void heard_end(uint32_t number, Result<void> end);
  bool take_head(uint32_t number, RemoteAnswer& head);
  void tell();
  RemoteAnswer failure() const;
  bool is_winner(uint32_t number);

  const std::shared_ptr<PeerGroup> group_;
  const PeerRequest request_;
  const PeerHearing hearing_;
  const uint64_t begun_ns_;
  const uint64_t deadline_ns_;

  std::mutex mutex_;
  // Guarded by mutex_:
  Attempts attempts_;
  PeerSpans spans_;
  std::map<uint32_t, Flight> flights_;
  std::optional<RemoteAnswer> answer_;  // the one that counts, until it was told; or the last failure
  Errands::Id timer_ = 0;
  uint64_t timer_ns_ = 0;
};

}  // namespace heddle
