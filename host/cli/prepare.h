// From a manifest's name to a pipeline that is ready to run: what every verb with a MANIFEST begins with.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "manifest/diagnostic.h"
#include "manifest/manifest.h"
#include "pipeline/pipeline.h"
#include "plugin/catalog.h"

namespace heddle {

// Each member is there if the steps before it went well.
struct Prepared {
  std::optional<Error> unreadable;         // the file itself
  std::optional<Diagnostics> diagnostics;  // of its text
  std::optional<Manifest> manifest;
  std::optional<Catalog> catalog;    // with CheckLevel::kEnvironment
  std::optional<Pipeline> pipeline;  // with CheckLevel::kEnvironment; refers to the catalog

  bool ok() const { return manifest && !diagnostics->has_errors(); }
};

// Reads and checks up to `level`.
Prepared prepare(const ManifestArguments& arguments, const GeneralArguments& general, CheckLevel level);

// The same for a text that was already read.
Prepared prepare_text(std::string_view text, const ManifestArguments& arguments, const GeneralArguments& general, CheckLevel level);

// Says on stderr what is wrong: as text, or with `general.json` as {"ok","diagnostics"} (a file that cannot be read: see fail_with). Warnings
// of a good manifest are shown too, unless quiet. The answer is the exit code that belongs to it.
ExitCode report_problems(const Prepared& prepared, const GeneralArguments& general);

}  // namespace heddle
