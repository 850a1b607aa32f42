// Clients of a host that are nothing but their protocol: so many calls in flight until the time is over.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace heddle {

struct Rates {
  double per_second = 0, p50_us = 0;
};

// From what each call took, in ns, and how long all of them did.
Rates rates_of(std::vector<uint64_t> took_ns, uint64_t all_ns);

// POST of one line over `in_flight` sockets, by one thread that polls.
Rates bare_http(const std::string& endpoint, int in_flight, uint64_t for_ns);
// heddle.v1.Host/Execute over one channel of gRPC's generic asynchronous API, by one thread and one completion queue.
Rates bare_grpc(const std::string& endpoint, int in_flight, uint64_t for_ns);

}  // namespace heddle
