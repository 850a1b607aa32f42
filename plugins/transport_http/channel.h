// Channel: the calls to one peer: those that wait, the threads that carry the others, at most so many, and the connections that are kept.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "calls.h"
#include "dialer.h"
#include "peer.h"

namespace transport_http {

struct ChannelParams {
  size_t calls = 64;         // at a time, each with a connection and a thread
  size_t waiting = 1024;     // for one of those to end
  uint64_t keep_ms = 30'000; // a connection, or a thread, that nobody uses
};

// Any thread.
class Channel {
 public:
  // Throws heddle::sdk::Error.
  Channel(Calls& calls, heddle_id id, heddle::sdk::ValueRef options, ChannelParams params);
  ~Channel();  // disconnect, and wait

  void call(const heddle_request& r);
  void probe(heddle_op* op);
  // A call was given up: one that waits ends now.
  void look();
  // `done` is called once, on a thread of the channel, when nothing of it is left but that thread. False: it is disconnected already.
  bool disconnect(std::function<void()> done);
  bool is_gone() const { return gone_; }  // that thread, too

 private:
  using Waiting = std::deque<std::shared_ptr<Call>>;
  struct Kept {
    std::unique_ptr<Link> link;
    uint64_t until_ns;
  };
  void admit(const std::shared_ptr<Call>& call);
  bool can_take() const;
  Failure late() const;  // a call that waited too long
  void work();
  void retire();
  void carry(Call& call, const std::shared_ptr<Bell>& bell);
  std::unique_ptr<Link> take_link();
  void keep_link(std::unique_ptr<Link> link);
  void keep();
  Waiting take_ended(uint64_t now);
  std::vector<Kept> take_unused(uint64_t now);
  void close_down();

  Calls& calls_;
  const heddle_id id_;
  const Peer peer_;
  const ChannelParams params_;
  std::unique_ptr<Dialer> dialer_;
  std::atomic<bool> gone_{false};

  std::mutex mutex_;
  // Guarded by mutex_:
  Waiting waiting_, probes_;
  std::vector<std::shared_ptr<Call>> carried_;
  std::vector<Kept> kept_;             // used last: at the end
  std::vector<std::thread> threads_;
  std::vector<std::thread> retired_;   // they end, or have ended
  size_t idle_ = 0, living_ = 0;       // of the threads
  size_t probing_ = 0;                 // of those that are carried
  uint64_t look_ns_ = kNever;          // when the keeper has something to do
  bool stopping_ = false;
  std::function<void()> done_;
  std::condition_variable came_, look_, ended_;

  std::thread keeper_;  // last: it uses all of the above
};

}  // namespace transport_http
