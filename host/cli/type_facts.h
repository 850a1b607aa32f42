// What there is to say of a type, as rows for people.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "plugin/descriptor.h"

namespace heddle {

using Facts = std::vector<std::pair<std::string, std::string>>;  // "concurrency", "serial: one call at a time"; none is empty

Facts facts_of(const PluginDescriptor& plugin, const TypeDescriptor& type);

// "node_std 1.0.0, Apache-2.0"
std::string plugin_line(const PluginDescriptor& plugin);

}  // namespace heddle
