// Listener: what is served at one endpoint, from listen to closed: its server, and the exchanges that are open.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "exchange.h"
#include "server.h"

namespace transport_grpc {

class Listener {
 public:
  // Serves from here on. Throws heddle::sdk::Error.
  Listener(Exchanges& exchanges, heddle_id id, Offer offer, const ListenerParams& params);
  ~Listener();  // close at once, and wait
  const std::string& endpoint() const { return server_->endpoint(); }

  // [any] `done` is called once, on the listener's thread, when nothing of it is left but that thread. False: it closes already.
  bool close(uint64_t until_ns, std::function<void()> done);

  // For exchanges, any thread. What enters leaves, also if it is refused: then the result is why.
  std::optional<Failure> enter(const std::shared_ptr<Exchange>& exchange);
  void leave(const std::shared_ptr<Exchange>& exchange);
  const Offer& offer() const { return offer_; }
  heddle_id id() const { return id_; }
  Exchanges& exchanges() { return exchanges_; }

 private:
  void keep();

  Exchanges& exchanges_;
  const heddle_id id_;
  const Offer offer_;
  std::unique_ptr<Server> server_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::unordered_map<std::shared_ptr<Exchange>, bool> open_;  // whether it was taken
  size_t taken_ = 0;
  bool closing_ = false;
  uint64_t until_ns_ = 0;
  std::function<void()> done_;
  std::condition_variable news_, gone_;

  std::thread keeper_;  // last: it uses all of the above
};

}  // namespace transport_grpc
