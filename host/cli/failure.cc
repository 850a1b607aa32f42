#include "cli/failure.h"

#include <unistd.h>

#include "cli/console.h"
#include "value/json_value.h"

namespace heddle {

ExitCode exit_code_of(const Error& error) {
  if (error.code == "io") return ExitCode::kIo;
  return error.code == "bad-config" ? ExitCode::kManifestInvalid : ExitCode::kUsage;
}

ExitCode fail_with(ExitCode code, const Error& why, bool json) {
  if (!json) {
    complain(why.text());
    return code;
  }
  const Value out = json_object({{"ok", Value::boolean(false)}, {"exit_code", json_count(static_cast<uint64_t>(code))}, {"error", error_json(why)}});
  (void)write_all(STDERR_FILENO, out.json() + "\n").has_value();  // stderr is the last resort
  return code;
}

}  // namespace heddle
