#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/checkup.h"
#include "cli/configuration.h"
#include "cli/time_text.h"
#include "clock.h"
#include "plugin/catalog.h"

namespace heddle {
namespace {

constexpr uint64_t kFewFiles = 4'096;
constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kLittleRoom = 1024 * kMiB, kNoRoom = 64 * kMiB;
constexpr uint64_t kWrittenMs = 1'790'000'000'000;  // September 2026: a clock before that is wrong

std::string amount(uint64_t bytes) {
  return bytes >= 10 * 1024 * kMiB ? std::to_string(bytes / (1024 * kMiB)) + " GiB" : std::to_string(bytes / kMiB) + " MiB";
}

// The soft limit as /proc/PID/limits writes it; 0: not known.
uint64_t soft_limit_of(uint64_t pid) {
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  for (std::string line; std::getline(limits, line);) {
    constexpr std::string_view kName = "Max open files";
    if (line.starts_with(kName)) return std::strtoull(line.c_str() + kName.size(), nullptr, 10);
  }
  return 0;
}

uint64_t files_of(uint64_t pid) {
  std::error_code unreadable;
  uint64_t n = 0;
  for (auto at = std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", unreadable); !unreadable && at != std::filesystem::directory_iterator(); at.increment(unreadable)) ++n;
  return n;
}

// False: it is not there, or nothing is to be said against it.
bool check_directory(Checkup& checkup, const std::string& directory) {
  struct stat info;
  if (::stat(directory.c_str(), &info) != 0) {
    if (errno != ENOENT) checkup.fail("plugins", "cannot look into " + directory + ": " + std::strerror(errno), "give the user that runs heddle the right to read it");
    return false;
  }
  if (!S_ISDIR(info.st_mode)) {
    checkup.warn("plugins", directory + " is no directory", "take it out of the search path");
  } else if (::access(directory.c_str(), R_OK | X_OK) != 0) {
    checkup.fail("plugins", "cannot read " + directory + ": " + std::strerror(errno), "give the user that runs heddle the right to read it");
  } else if (info.st_mode & S_IWOTH) {
    checkup.warn("plugins", "everybody may write into " + directory + ", and so decide what heddle runs", "chmod o-w " + directory);
  }
  return true;
}

}  // namespace

std::optional<ServeConfig> check_config(Checkup& checkup, const std::optional<std::string>& asked) {
  const std::vector<std::string> files = config_files(asked);
  Configuration read = read_configuration(files, {}, {});
  if (read.error) {
    const bool is_file = read.error->code == "io";
    checkup.fail("config", read.error->text(), is_file ? "give the user that runs heddle the right to read it, or name another: --config FILE" : "set it right, or unset it");
  } else if (!read.config) {
    for (const ConfigText& text : read.texts) {
      for (const Diagnostic& one : text.diagnostics.all()) {
        if (one.severity != Severity::kError) continue;
        checkup.fail("config", to_string({text.file, text.diagnostics.place(one.span.offset).line}) + ":" + std::to_string(text.diagnostics.place(one.span.offset).column) + ": " + one.message, one.hint);
      }
    }
  } else if (files.empty()) {
    std::string places;
    for (const std::string& place : config_places()) places += (places.empty() ? "" : ", ") + place;
    checkup.ok("config", "there is no file: what holds without one holds (looked for " + places + ")");
  } else {
    for (const std::string& file : files) checkup.ok("config", file + " is right");
  }
  return std::move(read.config);
}

void check_plugins(Checkup& checkup, const std::vector<std::string>& directories, const PluginPolicy* policy) {
  std::string found;
  for (const std::string& directory : directories) {
    if (check_directory(checkup, directory)) found += (found.empty() ? "" : ", ") + directory;
  }
  const Catalog catalog = Catalog::installed(directories, policy);
  if (catalog.plugins().empty())
    checkup.warn("plugins", found.empty() ? "there is no directory of plugins" : "no plugin in " + found, "install heddle-plugins-base, or name a directory with --plugin-dir");
  else
    checkup.ok("plugins", std::to_string(catalog.plugins().size()) + " plugins in " + found);
  for (const RefusedPlugin& one : catalog.refused()) {
    const bool untrusted = one.why.code == "not-trusted";
    checkup.warn("plugins", one.path + " is not used: " + one.why.text(), untrusted ? "heddle inspect shows what a host loads" : "install one that was built for this heddle, or remove it");
  }
}

void check_clock(Checkup& checkup) {
  if (wall_ms() < kWrittenMs) return checkup.fail("clock", "it is " + local_time(wall_ms()) + " here", "set the clock: jobs with a time, and TLS, go wrong");
  timex state{};
  if (::adjtimex(&state) == TIME_ERROR || (state.status & STA_UNSYNC))
    checkup.warn("clock", "nothing keeps this machine's clock right", "set it by NTP, for example: apt install systemd-timesyncd; in a container that is up to its host");
  else
    checkup.ok("clock", "set by NTP");
}

void check_room(Checkup& checkup, const std::string& folder, const std::string& what) {
  struct statvfs room;
  if (::statvfs(folder.c_str(), &room) != 0)
    return checkup.fail("disk", "cannot look at " + folder + ", where " + what + " lies: " + std::strerror(errno), "make the folder, owned by the user that runs heddle");
  const uint64_t free = room.f_bavail * room.f_frsize;
  const std::string text = amount(free) + " free in " + folder + ", where " + what + " lies";
  if (free < kNoRoom)
    checkup.fail("disk", text, "make room: durable jobs are refused when it is full");
  else if (free < kLittleRoom)
    checkup.warn("disk", text, "make room before it is full");
  else
    checkup.ok("disk", text);
}

void check_open_files(Checkup& checkup, uint64_t pid) {
  rlimit own{};
  ::getrlimit(RLIMIT_NOFILE, &own);
  const uint64_t hosts = pid ? soft_limit_of(pid) : 0, limit = hosts ? hosts : own.rlim_cur;
  const uint64_t used = hosts ? files_of(pid) : 0;
  const std::string text = std::string(hosts ? "the host may open " : "a host started from here may open ") + std::to_string(limit) + " files" + (used ? ", and has " + std::to_string(used) : "");
  if (used * 10 > limit * 8)
    checkup.fail("open files", text, "raise it: LimitNOFILE= in its systemd unit, or ulimit -n");
  else if (limit < kFewFiles)
    checkup.warn("open files", text, "each connection is one; raise it: LimitNOFILE= in the systemd unit, or ulimit -n");
  else
    checkup.ok("open files", text);
}

}  // namespace heddle
