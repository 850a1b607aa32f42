// How a verb says that it cannot do what it was asked for.
#pragma once
#include "cli/exit_codes.h"
#include "result.h"

namespace heddle {

// Says `why` on stderr, secrets redacted: "heddle: <text>", or with `json` {"ok":false,"exit_code":…,"error":{"code","class","message"}}.
// Answers `code`.
ExitCode fail_with(ExitCode code, const Error& why, bool json);

}  // namespace heddle
