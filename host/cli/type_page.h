// Pages of documentation of types, made of their notes.
#pragma once
#include <string>
#include <vector>

#include "plugin/descriptor.h"

namespace heddle {

enum class PageFormat { kMarkdown, kMan };  // kMan: mdoc(7), section 7

// Of one type.
std::string type_page(PageFormat format, const PluginDescriptor& plugin, const TypeDescriptor& type);
// Of every type of the plugins.
std::string plugins_page(PageFormat format, const std::vector<const PluginDescriptor*>& plugins);

}  // namespace heddle
