// The deeds that the host is tried with, and what it promises about each.
#pragma once
#include <span>
#include <vector>

#include "check/host_promise.h"
#include "check/host_trial.h"

namespace heddle {

struct HostTrialCase {
  HostTrialOrder order;
  HostPromise promise = {};
};

struct StateDeed {
  const char* deed;
  const char* changed;  // "the umask"
};

// One check of the host.
struct HostDeeds {
  const char* name;
  const char* promise;
  std::vector<HostTrialCase> trials = {};
  std::vector<StateDeed> states = {};
};

std::span<const HostDeeds> host_deeds();

}  // namespace heddle
