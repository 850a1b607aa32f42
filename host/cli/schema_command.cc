#include "cli/console.h"
#include "cli/manifest_schema.h"
#include "cli/verbs.h"

namespace heddle {

ExitCode schema_command(const GeneralArguments& general) {
  Catalog catalog = Catalog::installed(plugin_search_path(general.plugin_dirs));
  return print(schema_with_types(catalog) + "\n") ? ExitCode::kOk : ExitCode::kIo;
}

}  // namespace heddle
