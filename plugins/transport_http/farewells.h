// Farewells: connections that were told "full" at once, until the peer has read it: closing earlier would destroy the answer on its way.
#pragma once
#include <poll.h>

#include <cstdint>
#include <vector>

#include "descriptor.h"

namespace transport_http {

// One thread.
class Farewells {
 public:
  // Without TLS the peer is told why.
  void say(Descriptor socket, bool plain);
  void append(std::vector<pollfd>& polled) const;
  // `polled`: as appended, with what came.
  void look(const pollfd* polled);
  uint64_t next_ns() const;  // when look() has something to do although nothing came
  size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    Descriptor socket;
    uint64_t until_ns;
  };
  std::vector<Waiting> waiting_;  // at most kMost
};

}  // namespace transport_http
