// BrokerHandle: one broker object of a plugin, from create to destroy: it makes URLs for those who have no credential (heddle/draft/broker.h).
#pragma once
#include <heddle/draft/broker.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/host_table.h"
#include "plugin/library.h"
#include "plugin/start_ops.h"
#include "result.h"
#include "value/value.h"

namespace heddle {

enum class GrantMethod : uint32_t { kGet = HEDDLE_GRANT_GET, kPut = HEDDLE_GRANT_PUT };

struct GrantedUrl {
  std::string url;  // a secret
  int64_t expires_unix = 0;
};

class BrokerHandle {
 public:
  // A sentence without its subject, of what the plugin does against the rules.
  using Fault = std::function<void(std::string_view rule)>;
  // Once, on any thread, perhaps before grant() has returned; it must not block, and not end the broker.
  using Granted = std::function<void(Result<GrantedUrl>)>;

  // [setup] As SidecarHandle::create. What the type's schema marks as "writeOnly" is redacted in the log from here on.
  static Result<std::unique_ptr<BrokerHandle>> create(const CatalogEntry& entry, const std::string& owner, const Value& params, Lanes* lanes, LaneId lane, Fault fault = nullptr);
  // [setup] destroy. What is still open is answered, as cancelled.
  ~BrokerHandle();
  BrokerHandle(const BrokerHandle&) = delete;
  BrokerHandle& operator=(const BrokerHandle&) = delete;

  // [any] `lifetime_ns` 0: as the broker is configured.
  void grant(GrantMethod method, const std::string& object, uint64_t lifetime_ns, Granted granted);

 private:
  BrokerHandle() = default;
  Granted take(uint64_t number);

  Fault fault_;
  Library* library_ = nullptr;
  std::unique_ptr<HostTable> host_;
  void* self_ = nullptr;
  const heddle_broker* table_ = nullptr;
  std::mutex mutex_;
  // Guarded by mutex_:
  std::map<uint64_t, Granted> open_;
  uint64_t last_ = 0;

  StartOps ops_{[this](std::string_view rule) { fault_("it " + std::string(rule)); }};
};

}  // namespace heddle
