// EventStreams: what happens to jobs and lanes, told to peers as server-sent events.
//
// Nobody waits for a peer: its queue holds so many events, what comes beyond them is lost for it, and it is told how many and which.
#pragma once
#include <memory>

#include "lanes/errands.h"
#include "lanes/jobs.h"
#include "plugin/request.h"

namespace heddle {

class EventStreams {
 public:
  static constexpr size_t kQueued = 1'000;  // events that wait for one peer

  // Both outlive it.
  EventStreams(Jobs& jobs, Errands& errands);
  ~EventStreams();  // close()
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  // [any] Never blocks. `last`: the number of the last event that the peer has seen before; 0: none.
  void open(EventFilter filter, uint64_t last, Request request);
  // [any] Ends all; from here on there are no new ones.
  void close();
  size_t count() const;

 private:
  struct State;
  const std::shared_ptr<State> state_;
};

// {"event", "id", "data"} of one event.
Value event_json(const JobEvent& event);

}  // namespace heddle
