// Call: a call of the host to a peer, or the question whether the peer is well.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "my_plugin_link.h"

namespace plugin {

// A peer that may be called; as `connect` of heddle/transport.h has it.
struct Channel {
  explicit Channel(heddle::sdk::ValueRef options);
  std::string endpoint;
  std::vector<Address> addresses;
  std::map<std::string, bool, std::less<>> operations;  // true: it is answered with a stream
  uint64_t connect_ns = 0;
  size_t most_body_bytes = 0;
};

class Call final : public Link {
 public:
  struct Asked {
    heddle_id id = 0;        // of the exchange; 0: it is a probe
    heddle::sdk::Op probe = {};
    std::string bytes = {};  // to be sent
    uint64_t deadline_ns = kNever;
    uint64_t credit = 0;
    bool streams = false;  // the answer is handed on in parts
  };
  // `forget` is called once, when the host has heard all of it.
  Call(heddle::sdk::PollThread& thread, std::shared_ptr<const Channel> channel, const heddle::sdk::Inbox& inbox, Asked asked, std::function<void()> forget);

  void dial();
  // By the host.
  void grant(uint32_t parts);
  void give_up(std::string_view why);

 private:
  enum class Phase { kDialling, kAsked, kStreaming, kOver };

  void came() override;
  void left() override {}
  void late() override;
  uint64_t due() const override;
  bool listens() const override { return !waits_for_credit_; }
  bool is_connecting() const override { return phase_ == Phase::kDialling; }
  void connected() override;
  void broke(heddle_status status, std::string_view why) override;
  void try_next(int fault);
  bool take(const Frame& frame);
  void fail(std::string_view code, const std::string& why);
  void finish(heddle_status status, std::string_view why);

  const std::shared_ptr<const Channel> channel_;
  const heddle::sdk::Inbox& inbox_;
  Asked asked_;
  const std::function<void()> forget_;
  Phase phase_ = Phase::kDialling;
  size_t tried_ = 0;  // of the addresses
  const uint64_t reached_by_ns_;
  std::string content_type_;
  bool waits_for_credit_ = false;
};

}  // namespace plugin
