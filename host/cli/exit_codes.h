// What the program's exit status says. `heddle help exit-codes` prints the table; scripts rely on the numbers.
#pragma once
#include <string>

namespace heddle {

enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kDeadLetters = 3,
  kUnreachable = 69,
  kInternal = 70,
  kIo = 74,
  kTryLater = 75,
  kNotTrusted = 77,
  kManifestInvalid = 78,
  kInterrupted = 130,
  kTerminated = 143,
};

// One line per code: number, name, meaning.
std::string exit_code_text();
// The same as a JSON list of {code, name, meaning}.
std::string exit_code_json();

}  // namespace heddle
