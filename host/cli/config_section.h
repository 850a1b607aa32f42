// One section of the configuration, for verbs that need no more of it.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "manifest/reading.h"
#include "result.h"
#include "serve/config.h"

namespace heddle {

// `read` gets the member `key`, variables put in, of the strongest file that has it; `files`: the weakest first. A file that this user may not read has none. False: no file has it.
// Errors: "bad-config" (with every place), "io".
using ReadSection = std::function<void(ConfigText& text, Reading& reading, JsonNode& section, const Path& path)>;
Result<bool> read_section(const std::vector<std::string>& files, std::string_view key, const ReadSection& read);

}  // namespace heddle
