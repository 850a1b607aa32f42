// What nodes say in the options of a service of the host: read member by member and strictly; and the sections that several services understand.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin/channel.h"
#include "resilience/endpoint_pool.h"
#include "retry.h"
#include "value/value.h"

namespace heddle {

// The members of one map, each asked for by its name; the first one that is wrong, or that nobody asked for, is the error.
class OptionFields {
 public:
  OptionFields(Value map, std::string path, std::string& wrong) : map_(std::move(map)), path_(std::move(path)), wrong_(wrong) {
    if (map_ && map_.kind() != HEDDLE_MAP) say("must be an object, not " + describe(map_));
  }
  ~OptionFields() {
    for (size_t i = 0; map_ && map_.kind() == HEDDLE_MAP && i < map_.size(); ++i) {
      std::string_view name;
      map_.at(i, &name);
      if (std::find(asked_.begin(), asked_.end(), name) == asked_.end()) say(name, "is not known");
    }
  }
  OptionFields(const OptionFields&) = delete;
  OptionFields& operator=(const OptionFields&) = delete;

  Value any(std::string_view name) {
    asked_.emplace_back(name);
    return map_ ? map_.find(name) : Value();
  }
  std::string text(std::string_view name) {
    const Value found = any(name);
    if (found && found.kind() != HEDDLE_STRING) say(name, "must be a text, not " + describe(found));
    return std::string(found && found.kind() == HEDDLE_STRING ? *found.as_text() : "");
  }
  template <class T>
  void count(std::string_view name, T& into, uint64_t least, uint64_t most) {
    const Value found = any(name);
    if (!found) return;
    const auto n = found.kind() == HEDDLE_INT ? found.as_int() : std::nullopt;
    if (n && *n >= 0 && static_cast<uint64_t>(*n) >= least && static_cast<uint64_t>(*n) <= most) into = static_cast<T>(*n);
    else say(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ", not " + describe(found));
  }
  void milliseconds(std::string_view name, uint64_t& into_ns, uint64_t least, uint64_t most) {
    uint64_t ms = into_ns / kNsPerMs;
    count(name, ms, least, most);
    into_ns = ms * kNsPerMs;
  }
  void factor(std::string_view name, double& into, double least, double most) {
    const Value found = any(name);
    if (!found) return;
    if (const auto n = found.as_float(); n && *n >= least && *n <= most) into = *n;
    else say(name, "is out of range");
  }
  // Elements of a list; empty where there is none.
  std::vector<Value> list(std::string_view name) {
    const Value found = any(name);
    std::vector<Value> all;
    if (found && found.kind() != HEDDLE_LIST) say(name, "must be a list, not " + describe(found));
    for (size_t i = 0; found && found.kind() == HEDDLE_LIST && i < found.size(); ++i) all.push_back(found.at(i));
    return all;
  }
  void need(std::string_view name) {
    if (!map_ || !map_.find(name)) say(name, "is missing");
  }
  void say(std::string_view name, const std::string& what) {
    if (wrong_.empty()) wrong_ = path_ + (path_.empty() ? "" : ".") + std::string(name) + " " + what;
  }

 private:
  void say(const std::string& what) {
    if (wrong_.empty()) wrong_ = (path_.empty() ? "it" : path_) + " " + what;
  }
  const Value map_;
  const std::string path_;
  std::string& wrong_;
  std::vector<std::string> asked_;
};

inline constexpr uint64_t kHourMs = 3'600'000;

// Each says in `wrong` what is wrong with it, if nothing is there yet.
std::vector<EndpointSpec> read_endpoints(const Value& endpoints, std::string& wrong);
std::optional<BreakerPolicy> read_breaker(const Value& breaker, std::string& wrong);  // none: false
void read_retry(const Value& retry, RetryPolicy& policy, RetryBudget::Policy& budget, std::string& wrong);
std::optional<Balance> read_balance(std::string_view name, OptionFields& f);  // none: not said
std::optional<ChannelTls> read_tls(const Value& tls, std::string& wrong);

// Parts of a key that is the same for settings that mean the same, and for no others.
void append_part(std::string& key, std::string_view text);
void append_part(std::string& key, uint64_t n);
void append_parts(std::string& key, const std::vector<EndpointSpec>& endpoints);
void append_parts(std::string& key, const std::optional<ChannelTls>& tls);
void append_parts(std::string& key, const PoolPolicy& policy);

}  // namespace heddle
