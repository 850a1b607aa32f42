// The SHA-256 of a file (FIPS 180-4), as sha256sum prints it.
#pragma once
#include <string>

#include "result.h"

namespace heddle {

// 64 hexadecimal digits, small letters. Error "cannot-read".
Result<std::string> sha256_of_file(const std::string& path);

}  // namespace heddle
