// Listener: one endpoint that this host is asked through, from open to closed.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lanes/lanes.h"
#include "plugin/catalog.h"
#include "plugin/transport_handle.h"
#include "serve/config.h"

namespace heddle {

class Listener {
 public:
  // [setup] Serves when it returns. Errors: "no-type" (no plugin has the transport), what the transport says.
  static Result<std::unique_ptr<Listener>> open(const ListenSettings& settings, const Catalog& catalog, Lanes& lanes, std::vector<Operation> operations, Receive receive);
  // [setup] What is still open is cut off.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const ListenSettings& settings() const { return settings_; }
  // With the port in use.
  const std::string& endpoint() const { return endpoint_; }
  // Takes no more requests, and cuts off those that have not ended by `until_ns`. Once; `closed` is called on any thread.
  void close(uint64_t until_ns, std::function<void()> closed);

 private:
  explicit Listener(ListenSettings settings) : settings_(std::move(settings)) {}

  const ListenSettings settings_;
  std::string endpoint_;
  std::unique_ptr<TransportHandle> transport_;
  bool active_ = false, closing_ = false;
  heddle_id id_ = 0;
};

// Whether a listener with these settings may stay where there is one with those.
bool same(const ListenSettings& a, const ListenSettings& b);

// Whether both cannot be open at once: their ports are the same.
bool is_in_the_way(const Listener& there, const ListenSettings& wanted);

}  // namespace heddle
