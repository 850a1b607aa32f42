// HostPromise: what must come of a run in which one node does a hostile deed; HostObservation: what came of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/run.h"
#include "result.h"

namespace heddle {

// The run is this: items numbered from 1 go through the node "first", and from there both to "hostile", which does the deed, and to "beside". What leaves "hostile" goes through "after".
struct HostObservation {
  struct Failure {
    std::string node;
    int64_t item = 0;
    Error error;
  };
  std::optional<Error> refused;       // it did not start
  bool ended = false;                 // in time
  RunReport report;
  std::vector<int64_t> after, beside; // the numbers of the items that left them, in that order
  std::vector<Failure> failures;
  std::vector<std::string> lines;     // of the log
  uint64_t given = 0, released = 0;   // items
  size_t descriptors_before = 0, descriptors_after = 0;
  bool leaves_thread = false;         // that hangs in the hostile node
};

struct HostPromise {
  enum class Share : uint8_t { kAll, kNone, kOdd, kEven, kAny };  // of the items
  const char* refusal = "";      // the run does not start, and says this; empty: it starts
  const char* fault = "";        // it is said of the plugin that it broke this rule; empty: it broke none
  Share passed = Share::kAll;    // what leaves "after", in order
  Share failed = Share::kNone;   // what fails at "hostile"
  const char* failure = "";      // each of those says this
  const char* line = "";         // a line of the log has this
  bool leaves_thread = false;
};

// What was not kept of it; empty: nothing. Beside what it says itself: "beside" passes on every item, all are counted, none is lost or freed twice, no descriptor is left open, and what
// people are told is fit to be shown.
std::string breach_of(const HostPromise& promise, const HostObservation& seen);

}  // namespace heddle
