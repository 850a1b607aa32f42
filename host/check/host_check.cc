#include "check/host_check.h"

#include <filesystem>
#include <vector>

#include "check/check_runs.h"
#include "check/host_deeds.h"
#include "check/host_trial.h"

namespace heddle {
namespace {

constexpr char kRemedy[] = "this is a fault of heddle, not of a plugin: report it, with the command below";

std::vector<PluginCheck> make_checks() {
  std::vector<PluginCheck> checks;
  for (const HostDeeds& one : host_deeds()) checks.push_back({one.name, one.promise, PluginCheck::Scope::kHost, "", "", false, nullptr});
  return checks;
}

// What a deed changes of the process is found by the check that plugins are tried with; a run does not look after every call.
std::string state_breach(const CheckSubject& subject, const StateDeed& deed) {
  CheckSubject one = subject;
  for (const TypeDescriptor& type : subject.plugin.types)
    if (type.type == "Hostile") one.type = &type;
  if (!one.type) return "the plugin has no type Hostile";
  one.params = *Value::parse("{\"deed\":\"" + std::string(deed.deed) + "\"}");
  const Verdict verdict = check_state_in_calls(one);
  if (verdict.kind != Verdict::Kind::kFail) return std::string("process-state-in-calls does not find that ") + deed.changed + " was changed";
  return verdict.found.find(deed.changed) != std::string::npos ? std::string() : "process-state-in-calls says something else: " + verdict.found;
}

std::string breach_in(const CheckSubject& subject, const HostDeeds& deeds) {
  const Catalog catalog = Catalog::scan({std::filesystem::path(subject.path).parent_path().string()});
  for (const HostTrialCase& trial : deeds.trials) {
    HostTrialOrder order = trial.order;
    order.limit_ms = subject.limit_ms;
    subject.at(order.type + " does " + (order.deed.empty() ? "nothing" : order.deed));
    if (const std::string found = breach_of(trial.promise, observe(catalog, order)); !found.empty()) return (order.deed.empty() ? order.type : order.deed) + ": " + found;
  }
  for (const StateDeed& deed : deeds.states) {
    subject.at(std::string("a node changes ") + deed.changed);
    if (std::string found = state_breach(subject, deed); !found.empty()) return found;
  }
  return {};
}

}  // namespace

std::span<const PluginCheck> host_checks() {
  static const std::vector<PluginCheck> all = make_checks();
  return all;
}

Verdict run_host_check(std::string_view name, const CheckSubject& subject) {
  for (const HostDeeds& one : host_deeds()) {
    if (one.name != name) continue;
    const std::string found = breach_in(subject, one);
    return found.empty() ? passed() : failed(found, kRemedy);
  }
  return failed("there is no such check", kRemedy);
}

std::string hostile_plugin_path() {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failed).parent_path();
  std::error_code absent;
  if (fs::exists(folder / "CMakeCache.txt", absent)) return (folder / "check" / "hostile.so").string();
  return (folder / ".." / HEDDLE_LIBEXEC / "check" / "hostile.so").lexically_normal().string();
}

}  // namespace heddle
