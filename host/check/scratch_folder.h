// ScratchFolder: where the files go that a plugin writes while it is checked.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace heddle {

// A folder that is gone with all that is in it when this object goes.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::error_code failed;
    std::string name = (std::filesystem::temp_directory_path(failed) / "heddle-check-XXXXXX").string();
    if (const char* const made = failed ? nullptr : ::mkdtemp(name.data())) path_ = made;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;  // empty: it cannot be made
};

}  // namespace heddle
