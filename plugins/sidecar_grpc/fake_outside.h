// For tests of workers: what the host and the time are to them.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "outside.h"

namespace sidecar_grpc {

constexpr uint64_t kMs = 1'000'000;
using Log = std::vector<std::string>;

// Writes down what happens, in words, and lets time pass where the test says so.
template <class World>
class FakeOutside : public World {
 public:
  void here(const heddle::sdk::Value& facts) override { log.push_back("here " + std::string(facts.json())); }
  void grant(uint32_t n) override {
    log.push_back("grant " + std::to_string(n));
    credit += n;
  }
  void gone(heddle_status, const std::string& why) override {
    log.push_back("gone: " + why);
    credit = 0;
  }
  void progress(heddle_id id, const heddle::sdk::Value& said_of_it) override { log.push_back("progress " + std::to_string(id) + " " + std::string(said_of_it.json())); }
  void done(heddle_id id, heddle_status status, heddle::sdk::Value result) override {
    const auto code = result.find("code").as_text();
    log.push_back("done " + std::to_string(id) + " " + std::string(status == HEDDLE_OK ? result.json() : *code));
    if (status != HEDDLE_OK) last_why = std::string(*result.find("message").as_text());
  }
  uint64_t now_ns() const override { return now; }
  void after(uint64_t delay_ns, std::function<void()> then) override { timers.emplace(now + delay_ns, std::move(then)); }

  void pass(uint64_t ns) {
    const uint64_t until = now + ns;
    while (!timers.empty() && timers.begin()->first <= until) {
      now = timers.begin()->first;
      const auto then = std::move(timers.begin()->second);
      timers.erase(timers.begin());
      then();
    }
    now = until;
  }
  Log take() { return std::exchange(log, {}); }

  Log log;
  std::string last_why;  // of what failed last
  std::multimap<uint64_t, std::function<void()>> timers;
  uint64_t now = 1'000'000'000, credit = 0;
};

}  // namespace sidecar_grpc
