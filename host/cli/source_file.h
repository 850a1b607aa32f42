// Whole small files that a verb works on: manifests, not data.
#pragma once
#include <string>

#include "result.h"

namespace heddle {

// The text of `path`; "-": all of standard input. Errors (code "io") name the file and the reason; a folder is one. Of a text over the
// manifest's size limit only so much is read that read_manifest sees it to be too long.
Result<std::string> read_source(const std::string& path);

// Replaces the content of `path`, or writes standard output where it is empty or "-".
Result<void> write_target(const std::string& path, std::string_view text);

// "standard input" for "-", else the path: how a source is named in messages.
std::string source_name(const std::string& path);

}  // namespace heddle
