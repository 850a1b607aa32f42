// The checks of the host: a hostile plugin (host/check/hostile) breaks the contract in a pipeline that sound nodes share; it is named, and nobody else is hurt.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "check/plugin_check.h"

namespace heddle {

// All of scope kHost, without an order among them.
std::span<const PluginCheck> host_checks();

// [setup] `name` is one of them; the subject is the hostile plugin.
Verdict run_host_check(std::string_view name, const CheckSubject& subject);

// Where the plugin lies that came with this program: in its build tree, or beside what else is installed with it.
std::string hostile_plugin_path();

}  // namespace heddle
