#include "cli/client_program.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/failure.h"

namespace heddle {

ExitCode become_client(char** arguments, bool json) {
  std::error_code unknown;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", unknown).parent_path();
  const std::filesystem::path beside = folder / "heddle-client";                                             // in a build tree
  const std::filesystem::path installed = (folder / ".." / HEDDLE_LIBEXEC / "heddle-client").lexically_normal();
  ::execv(beside.c_str(), arguments);
  if (errno == ENOENT) ::execv(installed.c_str(), arguments);
  return fail_with(ExitCode::kIo,
                   Error("io", "cannot start heddle-client, which talks to running hosts: " + std::string(std::strerror(errno)) + "; it belongs at " + installed.string() + " or " + beside.string()),
                   json);
}

}  // namespace heddle
