#include "listener.h"

#include <fcntl.h>
#include <heddle/sdk/quiet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <system_error>

#include "clock.h"

namespace transport_http {
namespace {

Descriptor open_spare() { return Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

}  // namespace

Listener::Listener(Exchanges& exchanges, heddle_id id, Offer offer, const TlsContext& tls, ListenerParams params)
    : params_(params), shared_{exchanges, id, std::move(offer), tls}, spare_(open_spare()) {
  Listening listening = listen_on(shared_.offer.endpoint, params_.backlog);
  socket_ = std::move(listening.socket);
  endpoint_ = std::move(listening.endpoint);
  shared_.site = Site(listening.is_loopback, tls != nullptr, listening.host, params_.hosts);
  if (!bell_) throw heddle::sdk::Error(HEDDLE_EXHAUSTED, "cannot listen on " + endpoint_ + ": no descriptor is left");
  dialect_ = make_dialect(socket_.get());
  accepting_ = heddle::sdk::quiet_thread([this] { accept_all(); });
}

Listener::~Listener() {
  close(0, [] {});
  accepting_.join();
}

bool Listener::close(uint64_t until_ns, std::function<void()> done) {
  {
    std::lock_guard lock(mutex_);
    if (close_asked_) return false;
    close_asked_ = true;
    until_ns_ = until_ns;
    done_ = std::move(done);
  }
  bell_.ring();
  return true;
}

void Listener::accept_all() {
  std::vector<pollfd> polled;
  while (!close_asked_) {
    polled.assign({{bell_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}});
    farewells_.append(polled);
    poll_until(polled.data(), polled.size(), farewells_.next_ns());
    farewells_.look(polled.data() + 2);
    if (polled[1].revents & POLLIN) {
      accept_waiting();
    } else if (polled[1].revents) {
      shared_.exchanges.lost(shared_.listener, HEDDLE_UNAVAILABLE, "the socket of " + endpoint_ + " has failed");
      break;
    }
  }
  close_down();
}

void Listener::accept_waiting() {
  for (int n = 0; n < params_.backlog && !close_asked_; ++n) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    Descriptor socket(::accept4(socket_.get(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!socket && (errno == EMFILE || errno == ENFILE)) return accept_beyond_limit();
    if (!socket) return;  // nothing waits any more
    const int yes = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    take(std::move(socket), text_of(from));
  }
}

// No descriptor is left: the one that is kept for this lets us refuse the connection, which would wait and wake us for ever.
void Listener::accept_beyond_limit() {
  spare_.reset();
  const Descriptor refused(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  shared_.exchanges.log().warn("a connection was refused: the process has no file descriptor left");
  Descriptor again = open_spare();
  spare_ = std::move(again);
}

void Listener::take(Descriptor socket, std::string peer) {
  {
    std::lock_guard lock(mutex_);
    bool room = arrivals_.size() < idle_;
    if (!room && threads_.size() < params_.connections) {
      try {
        threads_.push_back(heddle::sdk::quiet_thread([this] { work(); }));
        ++idle_;  // on the thread's behalf, until it takes something
        room = true;
      } catch (const std::system_error&) {
        // No thread to be had: as full as with all of them busy.
      }
    }
    if (room) {
      arrivals_.push_back({std::move(socket), std::move(peer)});
      arrived_.notify_one();
      return;
    }
  }
  farewells_.say(std::move(socket), !shared_.tls);
}

void Listener::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    arrived_.wait(lock, [this] { return stopping_ || !arrivals_.empty(); });
    if (arrivals_.empty()) return;
    Arrival arrival = std::move(arrivals_.front());
    arrivals_.pop_front();
    --idle_;
    {
      Connection connection(shared_, *dialect_, std::move(arrival.socket), std::move(arrival.peer));
      open_.push_back(&connection);
      lock.unlock();
      connection.serve();
      lock.lock();
      open_.erase(std::find(open_.begin(), open_.end(), &connection));
    }
    ++idle_;
    if (open_.empty()) gone_.notify_all();
  }
}

void Listener::wait_until_gone(uint64_t until_ns) {
  std::unique_lock lock(mutex_);
  const auto gone = [this] { return open_.empty() && arrivals_.empty(); };
  // steady_clock is CLOCK_MONOTONIC.
  const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(std::min<uint64_t>(until_ns, INT64_MAX))};
  if (until_ns == kNever) gone_.wait(lock, gone);
  else gone_.wait_until(lock, until, gone);
}

void Listener::close_down() {
  socket_.reset();
  uint64_t until;
  {
    std::unique_lock lock(mutex_);
    if (!close_asked_) {  // the socket failed: what runs goes on until we are closed
      lock.unlock();
      pollfd p{bell_.get(), POLLIN, 0};
      poll_until(&p, 1, kNever);
      lock.lock();
    }
    until = until_ns_;
    shared_.closing = true;  // now that nobody can come any more
    for (Connection* c : open_) c->leave();
  }
  wait_until_gone(until);
  {
    std::lock_guard lock(mutex_);
    for (Connection* c : open_) c->cut();
  }
  wait_until_gone(kNever);
  std::vector<std::thread> threads;
  std::function<void()> done;
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    threads.swap(threads_);
    done.swap(done_);
  }
  arrived_.notify_all();
  for (std::thread& t : threads) t.join();
  done();
}

}  // namespace transport_http
