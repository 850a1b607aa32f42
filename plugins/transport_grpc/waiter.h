// Waiter: whoever at this side waits for what the host answers to a peer.
#pragma once
#include <heddle/abi.h>
#include <heddle/transport.h>

#include <cstdint>
#include <string_view>

namespace transport_grpc {

class Waiter {
 public:
  virtual ~Waiter() = default;

  // [any] What the host says; values are consumed. Of one that has ended: nothing happens.
  virtual void answer(const heddle_answer& a) = 0;
  virtual void part(heddle_value* v) = 0;
  virtual void end(heddle_status status, std::string_view why) = 0;
  virtual void grant(uint32_t parts) = 0;
  virtual void give_up() = 0;

  // [any] Called now and then: the time has gone on.
  virtual void look(uint64_t now) = 0;
  // [any] The listener closes: what has no end by itself ends.
  virtual void close() = 0;
};

}  // namespace transport_grpc
