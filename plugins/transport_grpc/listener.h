// Listener: what is served at one endpoint, from listen to closed: its server, and who waits there for an answer.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "exchanges.h"
#include "failure.h"
#include "server.h"
#include "waiter.h"

namespace transport_grpc {

class Listener {
 public:
  // Serves from here on. Throws heddle::sdk::Error.
  Listener(Exchanges& exchanges, heddle_id id, Offer offer, const ListenerParams& params);
  ~Listener();  // close at once, and wait
  const std::string& endpoint() const { return server_->endpoint(); }

  // [any] `done` is called once, on the listener's thread, when nothing of it is left but that thread. False: it closes already.
  bool close(uint64_t until_ns, std::function<void()> done);

  // For those that wait here, any thread. What enters leaves, also if it is refused: then the result is why.
  std::optional<Failure> enter(const std::shared_ptr<Waiter>& waiter);
  void leave(const std::shared_ptr<Waiter>& waiter);
  const Offer& offer() const { return offer_; }
  heddle_id id() const { return id_; }
  Exchanges& exchanges() { return exchanges_; }

 private:
  void keep();
  std::vector<std::shared_ptr<Waiter>> open();

  Exchanges& exchanges_;
  const heddle_id id_;
  const Offer offer_;
  std::unique_ptr<Server> server_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::unordered_map<std::shared_ptr<Waiter>, bool> open_;  // whether it was taken
  size_t taken_ = 0;
  bool closing_ = false;
  uint64_t until_ns_ = 0;
  std::function<void()> done_;
  std::condition_variable news_, gone_;

  std::thread keeper_;  // last: it uses all of the above
};

}  // namespace transport_grpc
