// Peers: the groups of peers of this process, and the transports that lead to them: one object of each, and one group for all who ask for the same.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "lanes/errands.h"
#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/peer_group.h"
#include "plugin/transport_handle.h"
#include "result.h"

namespace heddle {

class Peers {
 public:
  // Timers go by the lane "system". `lanes` outlives it.
  Peers(Lanes& lanes, std::shared_ptr<const Catalog> catalog);
  // [setup] No call is open any more. Ends the channels, then the transports.
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  // [any] Transports that are not there yet come from this one.
  void use(std::shared_ptr<const Catalog> catalog);

  // [start] The group with these settings, new where there is none. It need not reach anybody for that. Errors: "no-type" (no plugin has the transport), what the transport says.
  Result<std::shared_ptr<PeerGroup>> open(PeerSettings settings);
  // [any] All there are.
  std::vector<std::shared_ptr<const PeerGroup>> groups() const;

 private:
  Result<TransportHandle*> transport(const std::string& name);
  Result<std::vector<std::vector<std::unique_ptr<Channel>>>> connect(const PeerSettings& settings);
  std::shared_ptr<PeerGroup> find(const std::string& key) const;
  void drop_idle();

  Lanes& lanes_;
  std::mutex starting_;  // held around [start] calls into transports, and what follows from them
  std::map<std::string, std::unique_ptr<TransportHandle>, std::less<>> transports_;  // guarded by starting_
  Errands errands_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  std::shared_ptr<const Catalog> catalog_;
  std::map<std::string, std::shared_ptr<PeerGroup>> groups_;
};

}  // namespace heddle
