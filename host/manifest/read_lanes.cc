#include <algorithm>

#include "manifest/sections.h"

namespace heddle {
namespace {

constexpr std::string_view kPolicyKeys[] = {"attempt_timeout_ms", "retry", "circuit_breaker", "hedge"};
constexpr std::string_view kRetryKeys[] = {"max_attempts", "initial_backoff_ms", "max_backoff_ms", "multiplier",
                                           "jitter",       "budget_percent"};
constexpr std::string_view kBreakerKeys[] = {"failure_threshold", "success_threshold", "reset_timeout_ms"};
constexpr std::string_view kHedgeKeys[] = {"after", "max_extra"};
constexpr uint64_t kMaxAttempts = 1'000;
constexpr uint64_t kMaxThreshold = 1'000'000;

// Each member of a map of named things. `read` gets its name, value, path and the place of its name.
template <class Read>
void each_named(Reading& reading, JsonNode& section, const Path& path, std::string_view section_name, std::string_view what, Read read) {
  if (section.kind != JsonKind::kMap) {
    reading.error(
        "wrong-type", path, section.span,
        "\"" + std::string(section_name) + "\" must be a map of named entries, but this is " + std::string(name_of(section.kind)));
    return;
  }
  for (JsonNode::Member& m : section.members) {
    const Path at(path, m.key);
    if (!is_name(m.key)) {
      reading.error("bad-name", at, m.key_span, "\"" + m.key + "\" cannot be the name of a " + std::string(what),
                    "letters, digits, \"_\" and \"-\", not beginning with a digit");
    }
    read(m, at);
  }
}

RetrySettings read_retry(Reading& reading, JsonNode& value, const Path& path) {
  RetrySettings out;
  Fields f(reading, value, path, kRetryKeys, "a retry");
  if (f.require("max_attempts")) f.integer("max_attempts", 1, kMaxAttempts, out.max_attempts);
  f.integer("initial_backoff_ms", 0, kMaxMilliseconds, out.initial_backoff_ms);
  f.integer("max_backoff_ms", 0, kMaxMilliseconds, out.max_backoff_ms);
  f.number("multiplier", 1, 100, out.multiplier);
  f.integer("budget_percent", 0, 100, out.budget_percent);
  constexpr std::string_view kJitters[] = {"full", "equal", "none"};
  if (size_t jitter; f.choice("jitter", {"full", "equal", "none"}, jitter)) out.jitter = kJitters[jitter];
  if (out.initial_backoff_ms > out.max_backoff_ms) {
    f.error("out-of-range", f.get("initial_backoff_ms") ? "initial_backoff_ms" : "max_backoff_ms",
            "the first back-off of " + std::to_string(out.initial_backoff_ms) + " ms is longer than \"max_backoff_ms\", which is " +
                std::to_string(out.max_backoff_ms));
  }
  return out;
}

BreakerSettings read_breaker(Reading& reading, JsonNode& value, const Path& path) {
  BreakerSettings out;
  Fields f(reading, value, path, kBreakerKeys, "a circuit breaker");
  f.integer("failure_threshold", 1, kMaxThreshold, out.failure_threshold);
  f.integer("success_threshold", 1, kMaxThreshold, out.success_threshold);
  f.integer("reset_timeout_ms", 1, kMaxMilliseconds, out.reset_timeout_ms);
  return out;
}

// "p50" to "p99", or "<n>ms".
bool is_delay(std::string_view text) {
  uint64_t n = 0;
  if (text.starts_with('p')) return to_whole(text.substr(1), n) && n >= 1 && n <= 99;
  return text.ends_with("ms") && to_whole(text.substr(0, text.size() - 2), n) && n <= kMaxMilliseconds;
}

HedgeSettings read_hedge(Reading& reading, JsonNode& value, const Path& path) {
  HedgeSettings out;
  Fields f(reading, value, path, kHedgeKeys, "a hedge");
  if (f.required_text("after", out.after) && !reading.is_open(out.after) && !is_delay(out.after)) {
    f.error("unknown-choice", "after", "\"" + out.after + "\" is no delay",
            "write a percentile such as \"p95\", or a time such as \"250ms\"");
  }
  f.integer("max_extra", 1, 10, out.max_extra);
  return out;
}

}  // namespace

void read_lanes(ManifestReading& reading, JsonNode& section, const Path& path) {
  each_named(reading, section, path, "lanes", "lane", [&](JsonNode::Member& m, const Path& at) {
    LaneSettings lane;
    lane.name = m.key;
    lane.pointer = at.pointer();
    lane.span = m.key_span;
    read_manifest_lane(reading, m.value, at, lane);
    reading.manifest().lanes.push_back(std::move(lane));
  });
}

void read_policies(ManifestReading& reading, JsonNode& section, const Path& path) {
  each_named(reading, section, path, "policies", "policy", [&](JsonNode::Member& m, const Path& at) {
    Policy policy;
    policy.name = m.key;
    policy.pointer = at.pointer();
    policy.span = m.key_span;
    Fields f(reading, m.value, at, kPolicyKeys, "a policy");
    if (uint64_t ms; f.integer("attempt_timeout_ms", 1, kMaxMilliseconds, ms)) policy.attempt_timeout_ms = ms;
    if (JsonNode* retry = f.get("retry")) policy.retry = read_retry(reading, *retry, f.at("retry"));
    if (JsonNode* breaker = f.get("circuit_breaker")) policy.circuit_breaker = read_breaker(reading, *breaker, f.at("circuit_breaker"));
    if (JsonNode* hedge = f.get("hedge")) policy.hedge = read_hedge(reading, *hedge, f.at("hedge"));
    reading.manifest().policies.push_back(std::move(policy));
  });
}

}  // namespace heddle
