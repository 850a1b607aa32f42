// Hosted: the host and its time, as the workers of one site have them.
#pragma once
#include <heddle/sdk.h>

#include <functional>
#include <string>
#include <utility>

#include "outside.h"
#include "sidecar.h"

namespace sidecar_grpc {

// `World`: Outside, and what a protocol adds to it.
template <class World>
class Hosted : public World {
 public:
  explicit Hosted(const Site& site) : site_(site) {}
  void here(const heddle::sdk::Value& facts) override { site_.inbox->here(site_.host, site_.worker, facts.get()); }
  void grant(uint32_t assignments) override { site_.inbox->grant(site_.host, site_.worker, assignments); }
  void gone(heddle_status status, const std::string& why) override { site_.inbox->gone(site_.host, site_.worker, status, heddle::sdk::detail::to_str(why)); }
  void progress(heddle_id assignment, const heddle::sdk::Value& said) override { site_.inbox->progress(site_.host, assignment, said.get()); }
  void done(heddle_id assignment, heddle_status status, heddle::sdk::Value result) override { site_.inbox->done(site_.host, assignment, status, result.release()); }
  uint64_t now_ns() const override { return heddle::sdk::detail::services.sched->now_ns(site_.host); }
  void after(uint64_t delay_ns, std::function<void()> then) override { site_.timers.after(delay_ns, std::move(then)); }

 protected:
  const Site site_;
};

}  // namespace sidecar_grpc
