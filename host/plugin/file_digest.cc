#include "plugin/file_digest.h"

#include <sys/types.h>

#include <sha2.h>

#include <cerrno>
#include <cstring>

namespace heddle {

Result<std::string> sha256_of_file(const std::string& path) {
  char digits[SHA256_DIGEST_STRING_LENGTH] = {};
  if (!::SHA256File(path.c_str(), digits)) return Error("cannot-read", path + ": " + std::strerror(errno), ErrorClass::kConfig);
  return std::string(digits);
}

}  // namespace heddle
