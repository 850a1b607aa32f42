// PoolTable: heddle.endpoints/1 for one object: its pools of endpoints. See heddle/draft/endpoints.h.
#pragma once
#include <heddle/draft/endpoints.h>

#include <map>
#include <memory>
#include <mutex>

#include "resilience/endpoint_pool.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

class PoolTable {
 public:
  PoolTable() = default;
  PoolTable(const PoolTable&) = delete;
  PoolTable& operator=(const PoolTable&) = delete;

  // Its context (HostTable::context) is a PoolTable.
  static const heddle_endpoints_service& service();

 private:
  friend struct PoolFunctions;
  struct Open {
    EndpointPool::Pick pick;
    uint64_t begun_ns = 0;
  };
  struct Pool {
    std::shared_ptr<EndpointPool> endpoints;
    std::map<heddle_id, Open> open;
  };
  Result<heddle_id> open(const Value& options);
  std::shared_ptr<EndpointPool> find(heddle_id pool);

  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<heddle_id, Pool> pools_;
  heddle_id last_ = 0;
};

}  // namespace heddle
