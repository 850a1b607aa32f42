// The heddle_host that one owner (a plugin at init, a node afterwards) is given, and the services behind it.
#pragma once
#include <heddle/host.h>

#include <memory>
#include <optional>
#include <string>

#include "lanes/lanes.h"
#include "result.h"

namespace heddle {

class HostTable {
 public:
  // `lanes` may be null (listing, tests): then heddle.sched/1 answers UNSUPPORTED. It must outlive the table.
  HostTable(std::string owner, Lanes* lanes, LaneId lane);
  ~HostTable();  // waits for posted functions of this owner that run, drops those that wait
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  // Services: heddle.value/1, heddle.op/1, heddle.call/1, heddle.log/1, heddle.sched/1.
  const heddle_host* get() const;

  // The reason given to `fail` on this thread since the last take, with class from its status; empty if none.
  static std::optional<Error> take_failure();

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// Error code and class of a status that a plugin answered ("invalid", "unavailable", …).
Error error_of_status(int32_t status, std::string message);

}  // namespace heddle
