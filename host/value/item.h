// Item: a Value plus its envelope.
#pragma once
#include <cstdint>

#include "value/value.h"

namespace heddle {

struct Item {
  Value value;
  uint64_t id = 0;           // unique in the run, from 1
  uint64_t sequence = 0;     // position of the input item it descends from, from 1
  uint64_t deadline_ns = 0;  // CLOCK_MONOTONIC; 0: none
  uint32_t attempt = 1;
};

}  // namespace heddle
