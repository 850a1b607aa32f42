// SPDX-License-Identifier: Apache-2.0
//
// The host's services as this plugin uses them, and Host and Log: what a node may ask of the table that was made for it.
#pragma once
#include <heddle/call.h>
#include <heddle/host.h>
#include <heddle/log.h>
#include <heddle/op.h>
#include <heddle/sched.h>
#include <heddle/value.h>

#include <cstdint>
#include <string_view>

#include "error.h"

namespace heddle::sdk {
namespace detail {

// The tables of the one host of this process, fetched once at init and read-only from then on. Hidden: each plugin has its own.
struct Services {
  const heddle_host* host;  // the plugin's own table
  const heddle_value_service* value;
  const heddle_op_service* op;
  const heddle_call_service* call;
  const heddle_log_service* log;      // null: this host keeps no log
  const heddle_sched_service* sched;  // null: this host has no scheduler
};
__attribute__((visibility("hidden"))) inline constinit Services services{};

template <class Service>
const Service* service(const heddle_host* h, const char* id) noexcept {
  return static_cast<const Service*>(h->get_service(h, id));
}

// The heddle_entry::init of every SDK plugin.
inline heddle_status init(const heddle_host* h) noexcept {
  services = {h,
              service<heddle_value_service>(h, HEDDLE_VALUE),
              service<heddle_op_service>(h, HEDDLE_OP),
              service<heddle_call_service>(h, HEDDLE_CALL),
              service<heddle_log_service>(h, HEDDLE_LOG),
              service<heddle_sched_service>(h, HEDDLE_SCHED)};
  if (services.value && services.op && services.call) return HEDDLE_OK;
  h->fail(h, HEDDLE_UNSUPPORTED, to_str("the host lacks one of " HEDDLE_VALUE ", " HEDDLE_OP ", " HEDDLE_CALL), nullptr);
  return HEDDLE_UNSUPPORTED;
}

}  // namespace detail

// Lines for people, attributed to the node (or plugin) whose table this is. Any thread.
class Log {
 public:
  explicit Log(const heddle_host* h) noexcept : host_(h) {}
  bool enabled(heddle_level level) const noexcept { return detail::services.log && detail::services.log->enabled(host_, level); }
  void write(heddle_level level, std::string_view line) const noexcept {
    if (detail::services.log) detail::services.log->write(host_, level, detail::to_str(line));
  }
  void debug(std::string_view line) const noexcept { write(HEDDLE_DEBUG, line); }
  void info(std::string_view line) const noexcept { write(HEDDLE_INFO, line); }
  void warn(std::string_view line) const noexcept { write(HEDDLE_WARN, line); }
  void error(std::string_view line) const noexcept { write(HEDDLE_ERROR, line); }

 private:
  const heddle_host* host_;
};

// The table made for one node. Copy it freely; it lives as long as the node. Any thread.
class Host {
 public:
  explicit Host(const heddle_host* h) noexcept : host_(h) {}
  const heddle_host* get() const noexcept { return host_; }
  std::string_view owner() const noexcept { return detail::to_view(host_->owner); }
  Log log() const noexcept { return Log(host_); }
  // CLOCK_MONOTONIC in nanoseconds. Throws Error where the host has no heddle.sched/1.
  uint64_t now_ns() const {
    if (!detail::services.sched) throw Error(HEDDLE_UNSUPPORTED, "the host has no " HEDDLE_SCHED);
    return detail::services.sched->now_ns(host_);
  }
  // A service table by id, or null.
  template <class Service>
  const Service* service(const char* id) const noexcept {
    return detail::service<Service>(host_, id);
  }

 private:
  const heddle_host* host_;
};

}  // namespace heddle::sdk
