// Completion: what may come next on a command line that is being written, for the shells (packaging/completion).
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace heddle {

// `words`: those behind the program's name; the last one is being written, and may be empty. A candidate is a word, or a word, a tab and what it means; they are not
// filtered by what is written. ":" alone: the path of a file.
std::vector<std::string> completions(const CLI::App& program, const std::vector<std::string_view>& words);

}  // namespace heddle
