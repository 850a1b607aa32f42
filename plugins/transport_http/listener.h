// Listener: one listening socket, the thread that accepts, and a thread for each connection, at most so many.
#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "address.h"
#include "connection.h"
#include "farewells.h"

namespace transport_http {

struct ListenerParams {
  size_t connections = 128;
  int backlog = 511;
  std::vector<std::string> hosts = {};  // see Site
};

class Listener {
 public:
  // Listens and accepts from here on. Throws heddle::sdk::Error.
  Listener(Exchanges& exchanges, heddle_id id, Offer offer, const TlsContext& tls, ListenerParams params);
  ~Listener();  // close at once, and wait
  const std::string& endpoint() const { return endpoint_; }

  // [any] `done` is called once, on a thread of the listener, when nothing of it is left but that thread. False: it closes already.
  bool close(uint64_t until_ns, std::function<void()> done);

 private:
  void accept_all();
  void accept_waiting();
  void accept_beyond_limit();
  void take(Descriptor socket, std::string peer);
  void work();
  void close_down();
  void wait_until_gone(uint64_t until_ns);

  struct Arrival {
    Descriptor socket;
    std::string peer;
  };

  const ListenerParams params_;
  Shared shared_;
  Descriptor socket_;
  Descriptor spare_;  // given up for a moment where no descriptor is left to accept with
  std::string endpoint_;
  Bell bell_;
  std::unique_ptr<Dialect> dialect_;
  Farewells farewells_;

  std::mutex mutex_;
  // Guarded by mutex_:
  std::deque<Arrival> arrivals_;         // never more than idle_ threads will take
  std::vector<Connection*> open_;
  std::vector<std::thread> threads_;
  size_t idle_ = 0;
  bool stopping_ = false;                // threads end once nothing waits
  std::atomic<bool> close_asked_{false};
  uint64_t until_ns_ = 0;
  std::function<void()> done_;
  std::condition_variable arrived_, gone_;

  std::thread accepting_;  // last: it uses all of the above
};

}  // namespace transport_http
