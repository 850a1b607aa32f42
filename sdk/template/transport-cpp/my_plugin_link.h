// Link: one connection, and the one exchange that it carries. All of it on the transport's thread.
#pragma once
#include <heddle/sdk/poll_thread.h>

#include <cstdint>
#include <memory>
#include <string>

#include "my_plugin_wire.h"

namespace plugin {

inline constexpr uint64_t kNever = UINT64_MAX, kNsPerMs = 1'000'000;

class Link : public std::enable_shared_from_this<Link> {
 public:
  Link(heddle::sdk::PollThread& thread, Socket socket) : socket_(std::move(socket)), thread_(thread) {}
  virtual ~Link() = default;
  Link(const Link&) = delete;

  void begin();  // to wait for the peer and for the time; once it is shared

 protected:
  // What a class makes of it. What they throw is broke().
  virtual void came() = 0;              // there is more in `in_`, or the peer has closed
  virtual void left() = 0;              // all of `out_` is with the network
  virtual void late() = 0;              // due() has passed
  virtual uint64_t due() const = 0;     // kNever: nothing is
  virtual bool listens() const = 0;     // it wants more of `in_`
  virtual void broke(heddle_status status, std::string_view why) = 0;
  virtual bool is_connecting() const { return false; }
  virtual void connected() {}           // it is, or it failed: see fault_of()

  void send(std::string_view bytes);
  bool has_unsent() const { return sent_ < out_.size(); }
  bool has_sent_nothing() const { return sent_all_ == 0; }
  void close();      // nothing is watched any more
  void reconnect(Socket socket);
  // Calls fn, then waits for what is wanted after it.
  template <class Fn>
  void doing(Fn&& fn) {
    const auto self = shared_from_this();  // it may forget itself
    heddle::sdk::detail::guard(std::forward<Fn>(fn), [this](heddle_status status, std::string_view why) { broke(status, why); });
    if (socket_) wait();
  }

  Arrived in_;
  bool is_closed_ = false;   // by the peer
  uint64_t taken_ns_ = 0;    // when the network last took something of `out_`
  Socket socket_;

 private:
  void wait();
  void ready(short events);
  void read();
  void write();
  void tell_left();

  heddle::sdk::PollThread& thread_;
  std::string out_;
  size_t sent_ = 0, sent_all_ = 0;
  bool owes_left_ = false;
  heddle::sdk::PollThread::Id watch_ = 0, timer_ = 0;
  uint64_t timer_ns_ = kNever;
};

}  // namespace plugin
