// JobJournal: where durable jobs are written, one record each. What lies behind it is none of lanes' business: the daemon gives a store, tests give a map.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/job_spec.h"
#include "result.h"

namespace heddle {

class JobJournal {
 public:
  struct Change {
    JobId id = 0;
    std::string record = {};  // empty: there is none any more
  };
  using Done = std::function<void(Result<void>)>;

  virtual ~JobJournal() = default;
  // [any] All of the changes or none, after those of every call that had returned before. `done` gets the outcome once, when all of it is on the medium, in the
  // order of the calls: on any thread, perhaps before this returns; it does not block.
  virtual void write(std::vector<Change> changes, Done done) = 0;
  // [setup] Every record, in the order of the ids. Ends with the first error.
  virtual Result<void> read(const std::function<Result<void>(JobId id, std::string_view record)>& each) = 0;
};

}  // namespace heddle
