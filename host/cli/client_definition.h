// The verbs that talk to a running host, as CLI11 knows them.
#pragma once
#include <CLI/App.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/arguments.h"

namespace heddle {

// What the definition of a verb needs from the rest of the command line.
struct VerbContext {
  std::function<bool(std::string_view name)> is_wanted;  // false: the line does not name this verb, whose options need not be defined. They take time at each start
  std::function<void(CLI::App*)> add_general;            // the options that all verbs have
};

// Adds them to `app`, to be stored in `client`. In the answer the actions of a verb stand behind it.
std::vector<std::pair<CLI::App*, Verb>> define_client_verbs(CLI::App& app, ClientArguments& client, const VerbContext& context);

// --host, --token-file, --ca-file.
void add_host_options(CLI::App* app, HostArguments& host);

// What CLI11 could not say of them. Empty: all is well.
std::string client_fault(const CommandLine& line);

}  // namespace heddle
