#include "cli/console.h"
#include "cli/verbs.h"

namespace heddle {

ExitCode exit_codes_command(const GeneralArguments& general) {
  return print(general.json ? exit_code_json() + "\n" : exit_code_text()) ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
