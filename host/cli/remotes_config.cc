#include "cli/remotes_config.h"

#include "cli/config_section.h"
#include "cli/configuration.h"
#include "serve/remotes.h"

namespace heddle {

Result<std::vector<RemoteHost>> read_remotes_config() {
  std::vector<RemoteHost> remotes;
  const auto read = read_section(config_files(std::nullopt), "remotes", [&](ConfigText&, Reading& reading, JsonNode& section, const Path& path) {
    remotes = read_remotes(reading, section, path);
  });
  if (!read) return read.error();
  return remotes;
}

}  // namespace heddle
