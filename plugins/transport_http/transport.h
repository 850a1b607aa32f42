// HttpTransport: the object behind one heddle_transport: its params, its listeners, its exchanges.
#pragma once
#include <heddle/sdk/config.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "exchanges.h"
#include "listener.h"
#include "tls.h"

namespace transport_http {

class HttpTransport {
 public:
  explicit HttpTransport(const heddle::sdk::Config& config);  // throws heddle::sdk::Error

  // The endpoint, with the port in use. Throws heddle::sdk::Error.
  std::string listen(heddle_id id, heddle::sdk::ValueRef offer);
  // False: there is no such listener, or it closes already.
  bool close(heddle_id id, uint64_t until_ns, std::function<void()> done);
  Exchanges& exchanges() { return exchanges_; }

 private:
  ListenerParams params_;
  TlsContext tls_;
  Exchanges exchanges_;
  std::mutex mutex_;
  // Guarded by mutex_. Closed ones stay: their last thread is waited for in our destructor.
  std::map<heddle_id, std::unique_ptr<Listener>> listeners_;
};

}  // namespace transport_http
