// The heddle_host that one owner (a plugin at init, a node afterwards) is given, and the services behind it.
#pragma once
#include <heddle/host.h>

#include <memory>
#include <optional>
#include <string>

#include "lanes/lanes.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

class HostTable {
 public:
  // `lanes` may be null (listing, tests): then heddle.sched/1 answers UNSUPPORTED. It must outlive the table.
  HostTable(std::string owner, Lanes* lanes, LaneId lane);
  ~HostTable();  // stop_posted()
  HostTable(const HostTable&) = delete;
  HostTable& operator=(const HostTable&) = delete;

  // Services: heddle.value/1, heddle.op/1, heddle.call/1, heddle.log/1, heddle.sched/1.
  const heddle_host* get() const;

  // [setup] One more service, for this owner only: what its kind needs (heddle.inbox/1 of a transport). `service` finds its way by context().
  void add_service(std::string id, const void* service, void* context);
  static void* context(const heddle_host* h, const void* service);

  // [any] Waits for the posted function of this owner that runs, drops those that wait, and takes no more in. To be called before the
  // owner's destroy, for posted functions point into it; not from inside one of them.
  void stop_posted();

  // The lines that one owner may log in a second; what is more is counted, and the number is logged.
  static constexpr uint32_t kLinesPerSecond = 1000;

  // The reason given to `fail` on this thread since the last take, with class from its status; empty if none. To be taken before a call
  // into a plugin, too, so that a reason which nobody asked for is not given to a later failure.
  static std::optional<Error> take_failure();

 private:
  struct Table;
  std::unique_ptr<Table> table_;
};

// Error code and class of a status that a plugin answered ("invalid", "unavailable", …).
Error error_of_status(int32_t status, std::string message);
// The failure that a plugin, or a peer behind it, tells as a map of "code", "class" and "message"; what it leaves out follows from the status.
Error failure_said(int32_t status, const Value& said);

}  // namespace heddle
