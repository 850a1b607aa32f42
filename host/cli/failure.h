// How a verb says that it cannot do what it was asked for.
#pragma once
#include "cli/exit_codes.h"
#include "result.h"

namespace heddle {

// What a verb ends with that was stopped before it began: kIo for a file, kManifestInvalid for what a configuration says, else kUsage.
ExitCode exit_code_of(const Error& error);

// Says `why` on stderr, secrets redacted: "heddle: <text>", or with `json` {"ok":false,"exit_code":…,"error":{"code","class","message"}}.
// Answers `code`.
ExitCode fail_with(ExitCode code, const Error& why, bool json);

}  // namespace heddle
