// Checkup: what `heddle doctor` finds, in the order in which a person would look.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/host_client.h"
#include "serve/config.h"

namespace heddle {

struct Finding {
  enum class Level : uint8_t { kOk, kWarning, kError, kUnknown };  // kUnknown: could not be checked
  Level level = Level::kOk;
  std::string check;    // "token"
  std::string message;  // what is so
  std::string remedy;   // what to do; empty where it is well
};
std::string_view name_of(Finding::Level level);

class Checkup {
 public:
  void ok(const char* check, std::string message) { add({Finding::Level::kOk, check, std::move(message), ""}); }
  void warn(const char* check, std::string message, std::string remedy) { add({Finding::Level::kWarning, check, std::move(message), std::move(remedy)}); }
  void fail(const char* check, std::string message, std::string remedy) { add({Finding::Level::kError, check, std::move(message), std::move(remedy)}); }
  void unknown(const char* check, std::string message) { add({Finding::Level::kUnknown, check, std::move(message), ""}); }

  bool has_errors() const;
  // A line each, the remedy on a line below. `all` false: only what is not well.
  std::string text(bool all, bool color) const;
  std::string json() const;

 private:
  void add(Finding finding) { findings_.push_back(std::move(finding)); }
  std::vector<Finding> findings_;
};

// The host: is it there, does it let us in, is it ready. `chosen`: somebody said where it is, so that it has to be there. Its GET /v1/host; empty: not known.
Value check_host(Checkup& checkup, HostClient& client, bool chosen, const std::string& version);
// What waits, is dead, paused or late in it.
void check_work(Checkup& checkup, HostClient& client);

// The configuration as a host started from here would find it. What it says, if it is right.
std::optional<ServeConfig> check_config(Checkup& checkup, const std::optional<std::string>& asked);
// The directories of plugins and what is in them.
// `policy`: the host's; null where its configuration is not known.
void check_plugins(Checkup& checkup, const std::vector<std::string>& directories, const PluginPolicy* policy);
// The clock of this machine.
void check_clock(Checkup& checkup);
// Room where `folder` lies. `what` names it: "the store".
void check_room(Checkup& checkup, const std::string& folder, const std::string& what);
// The open files of the process that is the host; 0: those that a host started from here could have.
void check_open_files(Checkup& checkup, uint64_t pid);

}  // namespace heddle
