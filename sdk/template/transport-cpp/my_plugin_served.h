// Served: the request of a peer and the host's answer to it.
#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "my_plugin_link.h"

namespace plugin {

// What the host offers, and to whom; as heddle/transport.h has it.
struct Offer {
  explicit Offer(heddle_id listener, heddle::sdk::ValueRef offer);
  heddle_id listener;
  std::set<std::string, std::less<>> operations;
  std::string otherwise;  // empty: nothing
  size_t body_bytes = 0;
  uint64_t header_ns = 0, request_ns = 0, stall_ns = 0;
};

class Served final : public Link {
 public:
  // `forget` is called last of all, once. `id` is that of the exchange, if it comes to one.
  Served(heddle::sdk::PollThread& thread, Socket socket, std::string peer, std::shared_ptr<const Offer> offer, const heddle::sdk::Inbox& inbox, heddle_id id, std::function<void()> forget);

  // By the host.
  void answer(std::string bytes, bool more, std::string content_type);
  void part(const heddle::sdk::Value& v);
  void end(heddle_status status, std::string_view why);
  void hurry() { lingers_ = false; }  // the listener is being closed
  // The connection ends now, and the exchange with it.
  void cut_off(std::string_view why);
  bool is_wanted() const { return is_open_; }  // the host knows of it, and all of its answer is not with the network yet

 private:
  enum class Phase {
    kReading,    // the request
    kAsked,      // the host has it
    kStreaming,  // parts of its answer follow
    kLeaving,    // all is said, and on its way
    kLingering,  // all is with the network: the peer closes, or the time does
  };
  static constexpr uint32_t kWindow = 16;  // so many parts may wait here for the network

  void came() override;
  void left() override;
  void late() override;
  uint64_t due() const override;
  bool listens() const override { return true; }
  void broke(heddle_status, std::string_view why) override { cut_off(why); }
  void take_request();
  void ask(const Frame& frame);
  void leave(std::string_view bytes, heddle_status status, std::string_view why);
  void say_over(heddle_status status, std::string_view why);

  const std::string peer_;
  const std::shared_ptr<const Offer> offer_;
  const heddle::sdk::Inbox& inbox_;
  const heddle_id id_;
  const std::function<void()> forget_;
  Phase phase_ = Phase::kReading;
  const uint64_t begun_ns_;
  uint64_t deadline_ns_ = kNever, lingers_until_ns_ = kNever;
  std::string content_type_;
  uint32_t unsent_parts_ = 0;
  bool is_open_ = false;  // the host knows of it
  bool lingers_ = true;
  // Why it is over, once all of its answer is with the network.
  heddle_status status_ = HEDDLE_OK;
  std::string why_;
};

}  // namespace plugin
